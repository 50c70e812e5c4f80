"""The host's part of attaching and detaching. Every job may run again after a worker was lost, and
does nothing if the server, the volume or the port is gone.

The services are called outside of transactions, and our rows change after that: a job that dies in
between finds them as they were, and does all of it again.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable

from django.db import transaction

from compute_site.neighbours import network_service, volume_service
from compute_site.neighbours.network.protocol import Nic
from compute_site.neighbours.volume.protocol import Swap, VolumeFailed
from servers.attachments.changes import CHANGES, AttachmentChange
from servers.attachments.network_events import Reading, refresh_nics, with_nics
from servers.drivers.choose import driver_at
from servers.drivers.disks import describe_disk
from servers.drivers.protocol import ComputeDriver, DriverFailed
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.history import ERROR, SUCCESS, finish_event
from servers.lifecycle.jobs import (
    AttachInterface,
    AttachmentJob,
    AttachVolume,
    DetachInterface,
    DetachVolume,
    InterfaceJob,
    SwapVolume,
    VolumeJob,
)
from servers.models import BlockDevice, Instance, ServerFault

logger = logging.getLogger(__name__)

GIVEN_UP = "Nobody works on it any more."

Drive = Callable[[ComputeDriver, str, str], None]
"""Takes the driver, the server's id and the node's name."""


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """A job, and the server that it changes."""

    job: AttachmentJob
    instance: Instance

    @property
    def change(self) -> AttachmentChange:
        return CHANGES[type(self.job)]

    @property
    def server_id(self) -> str:
        return self.job.server_id

    def drive(self, act: Drive) -> None:
        """Let the driver of the server's host act; a server on no host needs none.

        Raises:
            DriverFailed: the host is gone, or could not do it.
        """
        if self.instance.host is None:
            return
        act(driver_at(self.instance.node), self.server_id, str(self.instance.node))

    def finish(self) -> None:
        self._close(SUCCESS)

    def fail(self, reason: str) -> None:
        """The history says why nothing came of it."""
        logger.warning("server %s: %s failed: %s", self.server_id, self.change.name, reason)
        with transaction.atomic():
            if self._close(ERROR, reason):
                ServerFault.objects.create(
                    instance=self.instance, message=reason[:255], host=self.instance.host
                )

    def _close(self, result: str, details: str = "") -> bool:
        return finish_event(
            self.instance.pk,
            self.change.event,
            result=result,
            details=details,
            request_id=self.job.request_id,
        )


def attach_volume(job: AttachVolume) -> None:
    """Attach the volume; if the host fails, release it again."""
    with exclusive(job.server_id):
        disk = _find_disk(job)
        if disk is None:
            return
        work = Work(job, disk.instance)
        try:
            work.drive(lambda driver, *where: driver.attach_disk(*where, describe_disk(disk)))
        except DriverFailed as error:
            _forget_disk(work, disk, error.detail)
            return
        volume_service().attach(job.server_id, {str(disk.volume_id): disk.device_name or ""})
        work.finish()


def detach_volume(job: DetachVolume) -> None:
    """Detach the volume; if the host fails, the server keeps it."""
    with exclusive(job.server_id):
        disk = _find_disk(job)
        if disk is None:
            return
        work = Work(job, disk.instance)
        try:
            work.drive(lambda driver, *where: driver.detach_disk(*where, describe_disk(disk)))
        except DriverFailed as error:
            _keep_disk(work, disk, error.detail)
            return
        _forget_disk(work, disk)


def swap_volume(job: SwapVolume) -> None:
    """Replace the disk's volume by the new one; if the host fails, keep the old one."""
    with exclusive(job.server_id):
        disk = _find_disk(job)
        if disk is None or str(disk.attachment_id) == job.claim:
            return
        work, swap = Work(job, disk.instance), _swap(job, disk)
        old = describe_disk(disk)
        new = dataclasses.replace(old, volume_id=job.volume_id)
        try:
            work.drive(lambda driver, *where: driver.swap_disk(*where, old, new))
            volume_id = volume_service().finish_swap(swap)
        except (DriverFailed, VolumeFailed) as error:
            _keep_old_disk(work, swap, error.detail)
            return
        with transaction.atomic():
            columns = {"volume_id": volume_id, "attachment_id": job.claim}
            BlockDevice.objects.filter(pk=disk.pk).update(**columns)
            work.finish()


def attach_interface(job: AttachInterface) -> None:
    """Plug the NIC into the guest; if the host fails, take it from the server."""
    with exclusive(job.server_id):
        instance = _find_server(job)
        nic = _find_nic(job)
        if instance is None or nic is None:
            return
        work = Work(job, instance)
        try:
            work.drive(lambda driver, *where: driver.attach_nic(*where, nic))
        except DriverFailed as error:
            _forget_nic(work, job.port_id, error.detail)
            return
        work.finish()


def detach_interface(job: DetachInterface) -> None:
    """Take the NIC from guest and server; if the host fails, the server keeps it."""
    with exclusive(job.server_id):
        instance = _find_server(job)
        if instance is None:
            return
        work = Work(job, instance)
        nic = _find_nic(job)
        if nic is None and not _remembers_nic(instance, job.port_id):
            work.fail(f"The server has no port {job.port_id[:64]}.")
            return
        try:
            if nic is not None:  # else a lost worker has come as far as this
                work.drive(lambda driver, *where: driver.detach_nic(*where, nic))
        except DriverFailed as error:
            work.fail(error.detail)
            return
        _forget_nic(work, job.port_id)


def give_up(job: AttachmentJob) -> None:
    """Undo a change whose job will never be done, and write that into the history."""
    with exclusive(job.server_id):
        instance = _find_server(job)
        if instance is None:
            return
        work = Work(job, instance)
        disk = _find_disk(job) if isinstance(job, VolumeJob) else None
        if disk is not None and isinstance(job, AttachVolume):
            _forget_disk(work, disk, GIVEN_UP)
        elif disk is not None and isinstance(job, DetachVolume):
            _keep_disk(work, disk, GIVEN_UP)
        elif disk is not None and isinstance(job, SwapVolume):
            _keep_old_disk(work, _swap(job, disk), GIVEN_UP)
        elif isinstance(job, AttachInterface):
            _forget_nic(work, job.port_id, GIVEN_UP)
        else:
            work.fail(GIVEN_UP)


def _find_server(job: AttachmentJob) -> Instance | None:
    return Instance.objects.alive().filter(uuid=job.server_id).first()


def _find_disk(job: VolumeJob) -> BlockDevice | None:
    living = BlockDevice.objects.filter(instance__deleted_at__isnull=True)
    found = living.filter(uuid=job.disk_id, instance__uuid=job.server_id)
    return found.select_related("instance").first()


def _find_nic(job: InterfaceJob) -> Nic | None:
    nics = network_service().nics([job.server_id]).get(job.server_id, ())
    return next((nic for nic in nics if nic.port_id == job.port_id), None)


def _remembers_nic(instance: Instance, port_id: str) -> bool:
    return any(nic["port_id"] == port_id for nic in instance.network_info)


def _forget_disk(work: Work, disk: BlockDevice, failure: str | None = None) -> None:
    volume_service().detach(work.server_id, str(disk.volume_id))
    with transaction.atomic():
        BlockDevice.objects.filter(pk=disk.pk).delete()
        _end(work, failure)


def _keep_disk(work: Work, disk: BlockDevice, failure: str) -> None:
    volume_service().stop_detaching(work.server_id, str(disk.volume_id))
    work.fail(failure)


def _swap(job: SwapVolume, disk: BlockDevice) -> Swap:
    return Swap(
        server_id=job.server_id,
        old_id=str(disk.volume_id),
        new_id=job.volume_id,
        claim=job.claim,
        device=disk.device_name or "",
    )


def _keep_old_disk(work: Work, swap: Swap, failure: str) -> None:
    volume_service().give_up_swap(swap)
    work.fail(failure)


def _forget_nic(work: Work, port_id: str, failure: str | None = None) -> None:
    network_service().unplug(work.server_id, port_id)

    def end(reading: Reading) -> None:
        with transaction.atomic():
            refresh_nics([work.server_id], reading=reading)
            _end(work, failure)

    with_nics([work.server_id], end)


def _end(work: Work, failure: str | None) -> None:
    if failure is None:
        work.finish()
    else:
        work.fail(failure)
