"""Attaches and detaches volumes of a server. The volume is reserved at once; the server's host
attaches it later.
"""

from __future__ import annotations

import dataclasses
import logging

from django.conf import settings
from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import Unavailable
from compute_site.neighbours import volume_service
from compute_site.neighbours.volume.protocol import VolumeData
from servers.attachments.changes import (
    ATTACH_VOLUME,
    DETACH_VOLUME,
    AttachmentChange,
    about,
    check_ready,
    hand_over,
    lock_server,
)
from servers.attachments.device_names import choose_name
from servers.attachments.errors import (
    HostAway,
    MultiattachNeedsVersion,
    NoSuchVolume,
    RootVolumeStays,
    VolumeNotAttachable,
)
from servers.attachments.volumes import find_volume
from servers.drivers.choose import has_agent
from servers.errors import WrongState
from servers.holdings.ask_first import Reserve, detaching, reserving
from servers.holdings.release import after_commit, release_volume
from servers.lifecycle.acting import acting_for
from servers.lifecycle.history import log_action
from servers.lifecycle.jobs import AttachVolume, DetachVolume, ReleaseVolume
from servers.models import BlockDevice, Instance, Service, VmState

logger = logging.getLogger(__name__)

VOLUMES = "volume_service"
"""The option that may name a service elsewhere."""
SHELVED = (VmState.SHELVED, VmState.SHELVED_OFFLOADED)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRequest:
    """The volume that a server shall get. ``shelved`` and ``multiattach``: does the microversion
    know such servers and volumes? ``told``: is the name of the device told in the answer?
    """

    volume_id: str
    device: str | None = None
    tag: str | None = None
    delete_on_termination: bool = False
    shelved: bool = True
    multiattach: bool = True
    told: bool = False


def attach_volume(caller: Caller, instance: Instance, wanted: VolumeRequest) -> BlockDevice:
    """Reserve the volume for the server, which has it as soon as its host has done its part. A
    server that lies on no host has it at once, and its name in the guest is not known yet.

    Raises:
        ServerLocked, WrongState: 409.
        NoSuchVolume: 404.
        VolumeNotAttachable, VolumeNotReservable: the volume, or the server, is not fit.
        DeviceNameTaken: 409.
        MultiattachNeedsVersion: 400.
    """
    check_shelved(instance, ATTACH_VOLUME, known=wanted.shelved)
    check_ready(caller, instance, ATTACH_VOLUME)
    check_reachable(instance)
    volume = find_service_volume(caller, wanted.volume_id)
    reserve = reserving(caller, [volume.id], [str(instance.uuid)])
    with transaction.atomic():
        server = lock_server(caller, instance, ATTACH_VOLUME)
        check_holders(server, volume)
        if server.vm_state == VmState.SHELVED_OFFLOADED:
            return _attach_offloaded(caller, server, volume, wanted, reserve)
        disk = _reserve(server, volume, wanted, reserve)
        job = AttachVolume(**about(caller, server), disk_id=str(disk.uuid))
        hand_over(caller, server, job)
    return disk


def detach_volume(
    caller: Caller, instance: Instance, volume_id: str, *, shelved: bool = True
) -> None:
    """Begin to take the volume from the server; from one that lies on no host it is taken at once.
    ``shelved``: does the microversion know shelved servers?

    Raises:
        ServerLocked, WrongState, HostAway: 409.
        NoSuchVolume, NoSuchItem: 404.
        RootVolumeStays, VolumeNotDetachable: 400.
    """
    check_shelved(instance, DETACH_VOLUME, known=shelved)
    find_service_volume(caller, volume_id)
    disk = find_volume(instance, volume_id)
    if disk.boot_index == 0:
        raise RootVolumeStays(f"The server {instance.uuid} runs from volume {volume_id}.")
    check_ready(caller, instance, DETACH_VOLUME)
    begin_detaching = detaching(acting_for(caller, instance), str(instance.uuid), volume_id)
    with transaction.atomic():
        server = lock_server(caller, instance, DETACH_VOLUME)
        offloaded = server.vm_state == VmState.SHELVED_OFFLOADED
        if not offloaded:
            check_host_up(server)
        begin_detaching()
        if offloaded:
            _detach_offloaded(caller, server, disk)
            return
        job = DetachVolume(**about(caller, server), disk_id=str(disk.uuid))
        hand_over(caller, server, job)


def check_shelved(instance: Instance, change: AttachmentChange, *, known: bool) -> None:
    """Raises ``WrongState`` where the server is shelved and the microversion does not know of
    such servers.
    """
    if instance.vm_state in SHELVED and not known:
        raise WrongState(
            f"The server {instance.uuid} is {instance.vm_state}; one cannot {change.doing} while "
            "it is, unless with a later microversion."
        )


def find_service_volume(caller: Caller, volume_id: str) -> VolumeData:
    """The volume as its service has it; raises ``NoSuchVolume``."""
    volume = volume_service().find_volumes(caller, [volume_id]).get(volume_id)
    if volume is None:
        raise NoSuchVolume(f"There is no volume {volume_id[:64]!r}.")
    return volume


def check_holders(server: Instance, volume: VolumeData) -> None:
    """Who has the volume already? The service knows, too, but an operator may have told it that
    the volume is available.

    Raises:
        VolumeNotAttachable: this server has it, or another one has and does not share it.
    """
    disks = BlockDevice.objects.filter(volume_id=volume.id, instance__deleted_at__isnull=True)
    holders = set(disks.values_list("instance", flat=True))
    if server.pk in holders:
        raise VolumeNotAttachable(f"The server {server.uuid} has volume {volume.id} already.")
    if holders and not volume.multiattach:
        raise VolumeNotAttachable(
            f"Volume {volume.id} is attached to another server, and not made to be shared."
        )


def check_reachable(server: Instance) -> None:
    """Raises ``VolumeNotAttachable`` where the host of the server reaches no volumes of the service
    that this site uses.
    """
    if server.host is None or VOLUMES not in settings.OPTIONS.joined_services:
        return
    if has_agent(server.node):
        raise VolumeNotAttachable(
            f"The host of the server {server.uuid} has no initiator that the Cinder of this site "
            "knows: hosts with agents of this site attach no volumes of a Cinder elsewhere."
        )


def check_zone(server: Instance, volume: VolumeData) -> None:
    """Raises ``VolumeNotAttachable`` where volumes stay in their zone, and this one is not in the
    zone of the server.
    """
    apart = volume.availability_zone != server.availability_zone
    if apart and not settings.OPTIONS.cross_az_attach:
        raise VolumeNotAttachable(
            f"Volume {volume.id} is in the zone {volume.availability_zone}, the server in "
            f"{server.availability_zone or 'none'}."
        )


def check_host_up(server: Instance) -> None:
    """Raises ``HostAway`` where the server's host is down."""
    if not Service.objects.is_up(server.host):
        raise HostAway(f"The host of the server {server.uuid} is down; try again later.")


def _reserve(
    server: Instance, volume: VolumeData, wanted: VolumeRequest, reserve: Reserve
) -> BlockDevice:
    taken = BlockDevice.objects.filter(instance=server).values_list("device_name", flat=True)
    name = choose_name(server.root_device_name, taken, wanted.device)
    check_zone(server, volume)
    if volume.multiattach and not wanted.multiattach:
        raise MultiattachNeedsVersion(
            f"Volume {volume.id} may be shared by servers; that needs a later microversion.",
            field="volumeAttachment.volumeId",
        )
    return _claim(server, volume, wanted, reserve, name=name)


def _claim(
    server: Instance,
    volume: VolumeData,
    wanted: VolumeRequest,
    reserve: Reserve,
    *,
    name: str | None = None,
) -> BlockDevice:
    attachment_id = reserve([str(server.uuid)])[volume.id, str(server.uuid)]
    return BlockDevice.objects.create(
        instance=server,
        source_type="volume",
        destination_type="volume",
        device_name=name,
        volume_id=volume.id,
        volume_size=volume.size,
        volume_type=volume.volume_type,
        attachment_id=attachment_id,
        tag=wanted.tag,
        delete_on_termination=wanted.delete_on_termination,
    )


def _attach_offloaded(
    caller: Caller, server: Instance, volume: VolumeData, wanted: VolumeRequest, reserve: Reserve
) -> BlockDevice:
    if wanted.tag is not None:
        raise VolumeNotAttachable(
            f"The server {server.uuid} lies on no host, so that its disks take no tags.",
            field="volumeAttachment.tag",
        )
    if volume.multiattach:
        raise VolumeNotAttachable(
            f"The server {server.uuid} lies on no host, so that it can share no volume.",
            field="volumeAttachment.volumeId",
        )
    check_zone(server, volume)
    disk = _claim(server, volume, wanted, reserve)
    log_action(caller, server, ATTACH_VOLUME.name, "api_attach_volume")
    transaction.on_commit(lambda: _tell_attached(server, volume), robust=True)
    return disk


def _tell_attached(server: Instance, volume: VolumeData) -> None:
    """If the service does not answer, the volume stays reserved until the server is unshelved,
    which attaches it again.
    """
    try:
        volume_service().attach(str(server.uuid), {volume.id: ""})
    except Unavailable as fault:
        logger.warning("volume %s is attached later: %s", volume.id, fault.detail)


def _detach_offloaded(caller: Caller, server: Instance, disk: BlockDevice) -> None:
    left = ReleaseVolume(
        server_id=str(server.uuid),
        volume_id=str(disk.volume_id),
        delete=disk.delete_on_termination,
    )
    disk.delete()
    log_action(caller, server, DETACH_VOLUME.name, "api_detach_volume")
    after_commit(release_volume, left)
