"""Changes how a volume is attached, and swaps one that its service is moving for another."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadReference
from compute_site.neighbours import volume_service
from compute_site.neighbours.volume.protocol import VolumeData
from servers.attachments.changes import SWAP_VOLUME, about, check_ready, hand_over, lock_server
from servers.attachments.errors import (
    AttachmentFixed,
    VolumeNotAttachable,
    VolumeNotMigrating,
)
from servers.attachments.volume_changes import (
    check_holders,
    check_zone,
    find_service_volume,
)
from servers.attachments.volumes import find_volume
from servers.holdings.ask_first import detaching, reserving
from servers.lifecycle.acting import acting_for
from servers.lifecycle.jobs import SwapVolume
from servers.models import BlockDevice, Instance


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentUpdate:
    """``values`` are those of the attachment, by column; ``old_form``: the microversion only knows
    swapping.
    """

    volume_id: str
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    old_form: bool = False

    def swaps(self, volume_id: str) -> bool:
        """Shall another volume take the place of this one?"""
        return self.old_form or self.volume_id != volume_id


def update_attachment(
    caller: Caller, instance: Instance, volume_id: str, update: AttachmentUpdate
) -> None:
    """Write what can be changed, then swap, if another volume is named.

    Raises:
        NoSuchItem: the server does not have the volume.
        AttachmentFixed: something else would change; also all that ``swap_volume`` raises.
    """
    if not update.old_form:
        _write(instance, find_volume(instance, volume_id), update.values)
    if update.swaps(volume_id):
        swap_volume(caller, instance, volume_id, update.volume_id)


def _write(instance: Instance, disk: BlockDevice, values: Mapping[str, Any]) -> None:
    kept = {
        "id": disk.volume_id,
        "serverId": str(instance.uuid),
        "device": disk.device_name,
        "tag": disk.tag,
    }
    for key, value in values.items():
        if key in kept and value != kept[key]:
            raise AttachmentFixed(
                f"{key} of an attachment cannot be changed; it is {kept[key]!r}.",
                field=f"volumeAttachment.{key}",
            )
    if "delete_on_termination" in values:
        ends = values["delete_on_termination"]
        BlockDevice.objects.filter(pk=disk.pk).update(delete_on_termination=ends)


def swap_volume(caller: Caller, instance: Instance, old_id: str, new_id: str) -> None:
    """Begin to give the server the new volume in the place of the old one.

    Raises:
        NoSuchVolume, NoSuchItem: 404, of the old volume.
        VolumeNotMigrating: its service does not ask for this.
        BadReference: there is no new volume.
        ServerLocked, WrongState: 409.
        VolumeNotAttachable, VolumeNotDetachable, VolumeNotReservable: 400.
    """
    old = find_service_volume(caller, old_id)
    if not old.migrating:
        raise VolumeNotMigrating(f"Volume {old_id} is not being moved by its service.")
    new = volume_service().find_volumes(caller, [new_id]).get(new_id)
    if new is None:
        raise BadReference(f"There is no volume {new_id}.", field="volumeAttachment.volumeId")
    check_ready(caller, instance, SWAP_VOLUME)
    disk, server_id = find_volume(instance, old_id), str(instance.uuid)
    begin_detaching = detaching(acting_for(caller, instance), server_id, old_id)
    reserve = reserving(caller, [new_id], [server_id])
    with transaction.atomic():
        server = lock_server(caller, instance, SWAP_VOLUME)
        _check_pair(server, old, new)
        begin_detaching()
        claim = reserve([server_id])[new_id, server_id]
        job = SwapVolume(
            **about(caller, server), disk_id=str(disk.uuid), volume_id=new_id, claim=claim
        )
        hand_over(caller, server, job)


def _check_pair(server: Instance, old: VolumeData, new: VolumeData) -> None:
    if new.status == "in-use":
        raise VolumeNotAttachable(f"Volume {new.id} is in use.")
    if new.size < old.size:
        raise VolumeNotAttachable(
            f"Volume {new.id} has {new.size} GiB, but {old.size} GiB are needed at least."
        )
    check_zone(server, new)
    if BlockDevice.objects.filter(volume_id=old.id, instance__deleted_at=None).count() > 1:
        raise VolumeNotAttachable(f"Several servers share volume {old.id}.")
    check_holders(server, new)
