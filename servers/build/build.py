"""Builds servers on their hosts, step by step. Servers whose jobs were fetched together share their
statements. A step is a conditional update, so that only one worker can take it.

When a worker is lost, the jobs run again from the start: each step finds what it did before and
uses it. A build whose host was asked for the guest leaves the others, and goes on when that has
answered.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from compute_site.metrics.meters import BUILDS, count
from compute_site.neighbours import network_service
from compute_site.neighbours.calls import runs_outside
from compute_site.neighbours.network.protocol import Connection, Nic, Profiles
from compute_site.neighbours.volume.protocol import VolumesNotReady
from compute_site.secrets.sealing import unseal
from servers.build.child_rows import BUILD_EVENT
from servers.build.failure import FINAL, fail_or_retry
from servers.build.read import Subject, read_subjects
from servers.drivers.choose import are_slow, driver_of
from servers.drivers.disks import attach_volumes
from servers.drivers.guest import config_drive_of, describe_guest
from servers.drivers.protocol import ComputeDriver, Guest
from servers.drivers.together import Outcome, call_each, call_together
from servers.holdings.release import release_host, services_to_release
from servers.host_orders.parking import WaitingForHost
from servers.injections.meeting import meet_in_build
from servers.lifecycle.companions import doing
from servers.lifecycle.jobs import BuildServer
from servers.lifecycle.transitions import (
    ACTIVATE,
    BUILD_TASKS,
    MAP_DISKS,
    SPAWN,
    TAKE_ON,
    Transition,
    take_steps_on_hosts,
)
from servers.models import BlockDevice, ComputeNode, Instance, PowerState, TaskState, VmState
from servers.placement.port_bindings import find_profiles

logger = logging.getLogger(__name__)

Waiting = dict[int | None, WaitingForHost]
"""By the keys of jobs: what builds wait for."""

MOST_WAITS = 125
LONGEST_PAUSE = 5
"""Seconds after which a build that waits for volumes looks again; together ten minutes."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """One attempt to build: the job with its key and its rows, and the NICs when they are made."""

    job: BuildServer
    key: int | None
    """``None``: the job that this thread does."""
    subject: Subject
    waiting: Waiting
    nics: tuple[Nic, ...] = ()

    @property
    def instance(self) -> Instance:
        return self.subject.instance

    @property
    def node(self) -> ComputeNode:
        return self.subject.node

    @property
    def devices(self) -> Sequence[BlockDevice]:
        return self.subject.devices

    @property
    def host(self) -> str:
        return self.node.service.host

    @property
    def guest(self) -> Guest:
        return describe_guest(
            self.instance,
            node=self.node.hypervisor_hostname,
            image=self.subject.image,
            nics=self.nics,
            files=self.job.files,
            devices=self.devices,
        )


def build_servers(jobs: Mapping[int | None, BuildServer]) -> Waiting:
    """Take the servers from ``scheduling`` to ``active``. After a failure the next host is tried,
    or the server ends in ``error``. If it was deleted meanwhile, the build is cleaned up. Returns
    those that wait for their hosts.

    The caller holds the locks of the servers (``servers.lifecycle.exclusive``).
    """
    waiting: Waiting = {}
    prepared = _prepare(jobs, waiting)
    told: list[Build] = []
    builds: list[Build] = []
    for build in prepared:
        (told if _was_told(build) else builds).append(build)
    for stage in (_take_on, _plug, _map_disks, _attach, _begin_spawn):
        builds = stage(builds) if builds else []
    for stage in (_spawn, _activate):
        builds = stage([*told, *builds]) if builds or told else []
        told = []
    return waiting


def _was_told(build: Build) -> bool:
    """Was its host asked for the guest before? All that comes before that is done then."""
    if build.instance.task_state != TaskState.SPAWNING:
        return False
    with doing(build.key):
        driver = driver_of(build.node.driver)
        return driver.was_told_to_spawn(build.job.server_id, build.node.hypervisor_hostname)


def _prepare(jobs: Mapping[int | None, BuildServer], waiting: Waiting) -> list[Build]:
    """Read the rows that the jobs are about. Servers that no longer wait for their build are left
    out.
    """
    subjects = read_subjects(list(jobs.values()))
    builds = []
    for key, job in jobs.items():
        subject = subjects.get(job.server_id)
        if subject is None or subject.instance.host != subject.node.service.host:
            continue
        build = Build(job=job, key=key, subject=subject, waiting=waiting)
        if _is_waiting(build.instance):
            builds.append(build)
        else:
            _give_up(build)
    return builds


def _is_waiting(server: Instance) -> bool:
    return server.vm_state == VmState.BUILDING and server.task_state in BUILD_TASKS


def _take_on(builds: Sequence[Build]) -> list[Build]:
    """Make the NICs of all servers and take the first step, in one transaction; if one cannot have
    its NICs, for each server by itself. A network service elsewhere is asked before it.
    """
    call = network_service().connect_all
    try:
        known = _connect(builds) if runs_outside(call) else None
        with transaction.atomic():
            connected = _connect(builds) if known is None else known
            taken = _taken(connected, TAKE_ON)
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it was, the build has failed
        if len(builds) == 1:
            _fail(builds[0], error)
            return []
        return [done for build in builds for done in _take_on([build])]
    return _go_on(connected, taken)


def _connect(builds: Sequence[Build]) -> list[Build]:
    profiles = find_profiles(
        {build.job.server_id: build.node.hypervisor_hostname for build in builds}
    )
    nics = network_service().connect_all([_connection(build, profiles) for build in builds])
    return [dataclasses.replace(build, nics=nics[build.job.server_id]) for build in builds]


def _connection(build: Build, profiles: Profiles) -> Connection:
    job = build.job
    return Connection(
        caller=job.owner.as_caller(),
        server_id=job.server_id,
        host=build.host,
        requests=job.nic_requests,
        security_groups=job.security_groups,
        profiles=profiles,
    )


def _plug(builds: Sequence[Build]) -> list[Build]:
    return _call(builds, lambda driver, build: driver.plug_nics(build.guest), "networking")


def _map_disks(builds: Sequence[Build]) -> list[Build]:
    infos = [orjson.dumps(build.nics).decode() for build in builds]
    return _go_on(builds, _taken(builds, MAP_DISKS, each={"network_info": infos}))


def _attach(builds: Sequence[Build]) -> list[Build]:
    """Make and attach the volumes of one server after another, on this thread's connection; then
    let the drivers attach the disks.
    """
    attached = [build for build in builds if _try(build, _attach_volumes)]
    return _call(attached, lambda driver, build: driver.attach_disks(build.guest), "disks")


def _attach_volumes(build: Build) -> None:
    attach_volumes(build.job.owner.as_caller(), build.instance, build.devices)


def _begin_spawn(builds: Sequence[Build]) -> list[Build]:
    return _go_on(builds, _taken(builds, SPAWN))


def _spawn(builds: Sequence[Build]) -> list[Build]:
    def spawn(driver: ComputeDriver, build: Build) -> None:
        password = unseal(build.job.sealed_password)
        driver.spawn(dataclasses.replace(build.guest, admin_password=password))

    return _call(builds, spawn, "spawning")


def _activate(builds: Sequence[Build]) -> list[Build]:
    """The event ends in the same statement, so that an active server has a complete history."""
    running = {"power_state": PowerState.RUNNING, "progress": 0, "launched_at": timezone.now()}
    drives = {"config_drive": [config_drive_of(build.instance) for build in builds]}
    taken = _taken(builds, ACTIVATE, ends=BUILD_EVENT, each=drives, **running)
    count(BUILDS, "built", amount=len(taken))
    for node in {build.node.pk: build.node for build in builds}.values():
        _note_outcome(node, failed=False)
    return _go_on(builds, taken)


def _taken(builds: Sequence[Build], step: Transition, **values: Any) -> set[int]:
    """Take the step for the servers that may take it; return their keys."""
    hosts = {build.instance.pk: build.host for build in builds}
    return set(take_steps_on_hosts(hosts, step, **values))


def _go_on(builds: Sequence[Build], taken: set[int]) -> list[Build]:
    """The builds whose servers took the step. The others were deleted, or are built by another
    worker, and end here.
    """
    for build in builds:
        if build.instance.pk not in taken:
            _give_up(build)
    return [build for build in builds if build.instance.pk in taken]


def _call(
    builds: Sequence[Build], call: Callable[[ComputeDriver, Build], None], step: str
) -> list[Build]:
    """Make the call to the driver of each build; return the builds for which it succeeded."""
    on_request = settings.OPTIONS.faults_on_request

    def work(build: Build) -> None:
        if on_request:
            meet_in_build(step, build.instance, build.host)
        with doing(build.key):
            call(driver_of(build.node.driver), build)

    slow = are_slow(build.node.driver for build in builds)
    failures = (call_together if slow else call_each)(work, builds)
    return [build for build, error in zip(builds, failures, strict=True) if _passed(build, error)]


def _try(build: Build, do: Callable[[Build], None]) -> bool:
    [error] = call_each(do, [build])
    return _passed(build, error)


def _passed(build: Build, error: Outcome) -> bool:
    if isinstance(error, WaitingForHost):
        build.waiting[build.key] = error
    elif isinstance(error, VolumesNotReady) and build.job.waited < MOST_WAITS:
        _build_later(build)
    elif error is not None:
        _fail(build, error)
    return error is None


def _build_later(build: Build) -> None:
    """Go on when the volumes may be ready. Meanwhile the build has no worker, no lock and no place
    of its host; when it starts over, it finds its NICs and volumes.
    """
    again = dataclasses.replace(build.job, waited=build.job.waited + 1)
    again.defer_in(seconds=min(again.waited, LONGEST_PAUSE))


def _fail(build: Build, error: Exception) -> None:
    """End a failed build, or try another host. A failure of the database is not the host's fault:
    the queue runs the job again.
    """
    if isinstance(error, DatabaseError):
        raise error
    logger.info("build of %s failed", build.job.server_id, exc_info=error)
    _note_outcome(build.node, failed=not isinstance(error, FINAL))
    fail_or_retry(build.job, build.instance, build.host, error)


def _note_outcome(node: ComputeNode, *, failed: bool) -> None:
    """Count failed builds in a row. Hosts that have any are chosen last."""
    row = ComputeNode.objects.filter(pk=node.pk)
    if failed:
        row.update(failed_builds=F("failed_builds") + 1)
    elif node.failed_builds:
        row.update(failed_builds=0)


def _give_up(build: Build) -> None:
    """End a build that lost its server: if the server was deleted or is in ``error``, release what
    the build made. In all other cases another worker goes on with the build, or a deletion that
    waits for this job cleans up.
    """
    instance = Instance.objects.filter(pk=build.instance.pk).first()
    over = instance is None or instance.vm_state in (VmState.DELETED, VmState.ERROR)
    if not over:
        return
    logger.info("build of %s ends: it is over", build.job.server_id)
    with doing(build.key):
        driver = driver_of(build.node.driver)
        driver.destroy_later(build.job.server_id, build.node.hypervisor_hostname)
    services_to_release(build.instance).defer()
    release_host([build.instance.pk])
