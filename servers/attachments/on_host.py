"""The host's part of a change of what is attached to a server. Every job may run again after a
worker was lost, and does nothing where the server, or the thing, is gone.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping

from django.db import transaction

from compute_site.neighbours import network_service, volume_service
from compute_site.neighbours.network.protocol import Nic
from servers.attachments.begin import (
    ATTACH_INTERFACE,
    ATTACH_VOLUME,
    DETACH_INTERFACE,
    DETACH_VOLUME,
    SWAP_VOLUME,
    Change,
)
from servers.attachments.network_events import lock_cards, refresh_cards
from servers.drivers.choose import driver_of
from servers.drivers.disks import describe_disk
from servers.drivers.protocol import ComputeDriver, DriverFailed
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.history import ERROR, SUCCESS, finish_event
from servers.models import BlockDevice, ComputeNode, Fault, Instance

logger = logging.getLogger(__name__)

GIVEN_UP = "Nobody works on it any more."

Drive = Callable[[ComputeDriver, str, str], None]
"""Takes the driver, the server's id and the node's name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """A change that a job is about, and the request that asked for it."""

    change: Change
    request_id: str
    instance: Instance

    @property
    def server_id(self) -> str:
        return str(self.instance.uuid)

    def drive(self, act: Drive) -> None:
        """Let the driver of the server's host act; a server on no host needs none.

        Raises:
            DriverFailed: the host is gone, or could not do it.
        """
        if self.instance.host is None:
            return
        node = ComputeNode.objects.filter(hypervisor_hostname=self.instance.node or "").first()
        if node is None:
            raise DriverFailed(f"The host {self.instance.host} is not known any more.")
        act(driver_of(node.driver), self.server_id, node.hypervisor_hostname)

    def finish(self) -> None:
        self._close(SUCCESS)

    def fail(self, reason: str) -> None:
        """The history says why nothing came of it."""
        logger.warning("server %s: %s failed: %s", self.server_id, self.change.name, reason)
        with transaction.atomic():
            if self._close(ERROR, reason):
                Fault.objects.create(
                    instance=self.instance, message=reason[:255], host=self.instance.host
                )

    def _close(self, result: str, details: str = "") -> bool:
        return finish_event(
            self.instance.pk,
            self.change.event,
            result=result,
            details=details,
            request_id=self.request_id,
        )


def attach_volume(server_id: str, disk_id: str, request_id: str) -> None:
    """The server has the volume, or, where the host fails, never had it."""
    with exclusive(server_id):
        disk = _find_disk(server_id, disk_id)
        if disk is None:
            return
        work = Work(ATTACH_VOLUME, request_id, disk.instance)
        try:
            work.drive(lambda driver, *where: driver.attach_disk(*where, describe_disk(disk)))
        except DriverFailed as error:
            _forget_disk(work, disk, error.detail)
            return
        with transaction.atomic():
            name = disk.device_name or ""
            volume_service().attach(server_id, {str(disk.volume_id): name})
            work.finish()


def detach_volume(server_id: str, disk_id: str, request_id: str) -> None:
    """The server has the volume no more, or, where the host fails, keeps it."""
    with exclusive(server_id):
        disk = _find_disk(server_id, disk_id)
        if disk is None:
            return
        work = Work(DETACH_VOLUME, request_id, disk.instance)
        try:
            work.drive(lambda driver, *where: driver.detach_disk(*where, describe_disk(disk)))
        except DriverFailed as error:
            _keep_disk(work, disk, error.detail)
            return
        _forget_disk(work, disk)


def swap_volume(server_id: str, disk_id: str, request_id: str, volume_id: str, claim: str) -> None:
    """The disk is the volume ``volume_id`` from now on; ``claim`` is its attachment."""
    with exclusive(server_id):
        disk = _find_disk(server_id, disk_id)
        if disk is None or disk.volume_id == volume_id:
            return
        work = Work(SWAP_VOLUME, request_id, disk.instance)
        new = dataclasses.replace(describe_disk(disk), volume_id=volume_id)

        def swap(driver: ComputeDriver, server: str, node: str) -> None:
            driver.detach_disk(server, node, describe_disk(disk))
            driver.attach_disk(server, node, new)

        try:
            work.drive(swap)
        except DriverFailed as error:
            _keep_old_disk(work, disk, volume_id, error.detail)
            return
        with transaction.atomic():
            old_id, name = str(disk.volume_id), disk.device_name or ""
            columns = {"volume_id": volume_id, "attachment_id": claim}
            BlockDevice.objects.filter(pk=disk.pk).update(**columns)
            volume_service().attach(server_id, {volume_id: name})
            volume_service().detach(server_id, old_id)
            work.finish()


def attach_interface(server_id: str, port_id: str, request_id: str) -> None:
    """The guest has the card, or, where the host fails, the server has it no more."""
    with exclusive(server_id):
        instance = _find_server(server_id)
        nic = _find_nic(server_id, port_id)
        if instance is None or nic is None:
            return
        work = Work(ATTACH_INTERFACE, request_id, instance)
        try:
            work.drive(lambda driver, *where: driver.attach_nic(*where, nic))
        except DriverFailed as error:
            _forget_nic(work, port_id, error.detail)
            return
        work.finish()


def detach_interface(server_id: str, port_id: str, request_id: str) -> None:
    """The server has the card no more, or, where the host fails, keeps it."""
    with exclusive(server_id):
        instance = _find_server(server_id)
        if instance is None:
            return
        work = Work(DETACH_INTERFACE, request_id, instance)
        nic = _find_nic(server_id, port_id)
        if nic is None:
            work.fail(f"The server has no port {port_id[:64]}.")
            return
        try:
            work.drive(lambda driver, *where: driver.detach_nic(*where, nic))
        except DriverFailed as error:
            work.fail(error.detail)
            return
        _forget_nic(work, port_id)


def give_up(change: Change, server_id: str, request_id: str, things: Mapping[str, str]) -> None:
    """Nobody will do the job, which named these things: all is as it was before it was asked for,
    and the history says so.
    """
    with exclusive(server_id):
        instance = _find_server(server_id)
        if instance is None:
            return
        work = Work(change, request_id, instance)
        disk = _find_disk(server_id, things["disk_id"]) if "disk_id" in things else None
        if disk is not None and change is ATTACH_VOLUME:
            _forget_disk(work, disk, GIVEN_UP)
        elif disk is not None and change is DETACH_VOLUME:
            _keep_disk(work, disk, GIVEN_UP)
        elif disk is not None and change is SWAP_VOLUME:
            _keep_old_disk(work, disk, things["volume_id"], GIVEN_UP)
        elif change is ATTACH_INTERFACE:
            _forget_nic(work, things["port_id"], GIVEN_UP)
        else:
            work.fail(GIVEN_UP)


def _find_server(server_id: str) -> Instance | None:
    return Instance.objects.alive().filter(uuid=server_id).first()


def _find_disk(server_id: str, disk_id: str) -> BlockDevice | None:
    living = BlockDevice.objects.filter(instance__deleted_at__isnull=True)
    return living.filter(uuid=disk_id, instance__uuid=server_id).select_related("instance").first()


def _find_nic(server_id: str, port_id: str) -> Nic | None:
    nics = network_service().nics([server_id]).get(server_id, ())
    return next((nic for nic in nics if nic.port_id == port_id), None)


def _forget_disk(work: Work, disk: BlockDevice, failure: str | None = None) -> None:
    with transaction.atomic():
        BlockDevice.objects.filter(pk=disk.pk).delete()
        volume_service().detach(work.server_id, str(disk.volume_id))
        _end(work, failure)


def _keep_disk(work: Work, disk: BlockDevice, failure: str) -> None:
    with transaction.atomic():
        volume_service().stop_detaching(work.server_id, str(disk.volume_id))
        work.fail(failure)


def _keep_old_disk(work: Work, disk: BlockDevice, new_id: str, failure: str) -> None:
    with transaction.atomic():
        volume_service().detach(work.server_id, new_id)
        _keep_disk(work, disk, failure)


def _forget_nic(work: Work, port_id: str, failure: str | None = None) -> None:
    with transaction.atomic():
        lock_cards([work.server_id])
        network_service().unplug(work.server_id, port_id)
        refresh_cards([work.server_id])
        _end(work, failure)


def _end(work: Work, failure: str | None) -> None:
    if failure is None:
        work.finish()
    else:
        work.fail(failure)
