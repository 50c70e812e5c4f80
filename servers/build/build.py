"""Builds one server on its host, step by step; only one worker can take a step.

When a worker is lost, the job runs again from the start: each step finds what it did before and
uses it.
"""

from __future__ import annotations

import dataclasses
import logging

from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F

from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import Nic
from compute_site.sealing import unseal
from servers.build.child_rows import BUILD_EVENT
from servers.build.failure import FINAL, fail_or_retry
from servers.drivers.choose import driver_of
from servers.drivers.disks import attach_volumes, describe_disk
from servers.drivers.guest import describe_guest, launched
from servers.drivers.protocol import ComputeDriver, Guest
from servers.holdings.release import release_host, release_services
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.history import SUCCESS, finish_event
from servers.lifecycle.jobs import BuildServer
from servers.lifecycle.transitions import ACTIVATE, MAP_DISKS, SPAWN, TAKE_ON, Transition, take_step
from servers.models import BlockDevice, ComputeNode, Instance, PowerState, RequestSpec, VmState

logger = logging.getLogger(__name__)


class Interrupted(Exception):
    """The build must stop: the server was deleted, or another worker builds it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One attempt to build: the job and its rows."""

    job: BuildServer
    instance: Instance
    node: ComputeNode
    devices: list[BlockDevice]
    spec: RequestSpec

    @property
    def host(self) -> str:
        return self.node.service.host

    def step(self, transition: Transition, **values: object) -> None:
        """Take the step; raises ``Interrupted`` where the server may not take it."""
        if not take_step(self.instance.pk, transition, on_host=self.host, **values):
            raise Interrupted


def build_server(job: BuildServer) -> None:
    """Take the server from ``scheduling`` to ``active``. After a failure the next host is tried, or
    the server ends in ``error``. If it was deleted meanwhile, the build is cleaned up.
    """
    with exclusive(job.server_id):
        build = _prepare(job)
        if build is None:
            return
        try:
            _run(build)
        except Interrupted:
            _give_up(build)
        except DatabaseError:
            raise  # not the host's fault: the queue runs the job again
        except Exception as error:
            logger.info("build of %s failed", job.server_id, exc_info=error)
            _note_outcome(build.node, failed=not isinstance(error, FINAL))
            fail_or_retry(job, build.instance, build.host, error)


def _prepare(job: BuildServer) -> Build | None:
    """Read the rows of the job; ``None`` when there is nothing to do any more."""
    node = ComputeNode.objects.select_related("service").get(pk=job.node_id)
    instance = (
        Instance.objects.select_related("request_spec")
        .filter(uuid=job.server_id, host=node.service.host)
        .first()
    )
    if instance is None:
        return None
    devices = list(BlockDevice.objects.filter(instance=instance))
    return Build(job=job, instance=instance, node=node, devices=devices, spec=instance.request_spec)


def _run(build: Build) -> None:
    driver = driver_of(build.node.driver)
    build.step(TAKE_ON)
    nics = _connect(build)
    guest = _describe(build, nics)
    driver.plug_nics(guest)
    build.step(MAP_DISKS, network_info=[_as_json(nic) for nic in nics])
    attach_volumes(build.job.owner.as_caller(), build.instance, build.devices)
    guest = dataclasses.replace(guest, disks=[describe_disk(device) for device in build.devices])
    driver.attach_disks(guest)
    build.step(SPAWN)
    _spawn(build, driver, guest)
    with transaction.atomic():  # so that an active server has a complete history
        build.step(ACTIVATE, **launched(build.instance), power_state=PowerState.RUNNING, progress=0)
        finish_event(build.instance.pk, BUILD_EVENT, result=SUCCESS)
    _note_outcome(build.node, failed=False)


def _note_outcome(node: ComputeNode, *, failed: bool) -> None:
    """Hosts on which builds fail are chosen last, until one comes to an end again."""
    row = ComputeNode.objects.filter(pk=node.pk)
    if failed:
        row.update(failed_builds=F("failed_builds") + 1)
    elif node.failed_builds:
        row.update(failed_builds=0)


def _connect(build: Build) -> tuple[Nic, ...]:
    job = build.job
    return network_service().connect(
        job.owner.as_caller(),
        job.server_id,
        build.host,
        job.nic_requests,
        job.security_groups,
    )


def _spawn(build: Build, driver: ComputeDriver, guest: Guest) -> None:
    password = unseal(build.job.sealed_password)
    driver.spawn(dataclasses.replace(guest, admin_password=password))


def _give_up(build: Build) -> None:
    """Clean up after a server that was deleted or whose build was given up. In all other cases
    another worker goes on, or a deletion that waits for us cleans up itself.
    """
    instance = Instance.objects.filter(pk=build.instance.pk).first()
    over = instance is None or instance.vm_state in (VmState.DELETED, VmState.ERROR)
    if not over:
        return
    logger.info("build of %s ends: it is over", build.job.server_id)
    driver_of(build.node.driver).destroy(build.job.server_id, build.node.hypervisor_hostname)
    release_services(build.instance)
    release_host([build.instance.pk])


def _describe(build: Build, nics: tuple[Nic, ...]) -> Guest:
    return describe_guest(
        build.instance,
        node=build.node.hypervisor_hostname,
        image=build.spec.image,
        nics=nics,
        files=build.job.files,
    )


def _as_json(nic: Nic) -> dict[str, object]:
    return dataclasses.asdict(nic)
