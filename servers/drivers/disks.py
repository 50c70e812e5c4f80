"""The disks of a server being built: their names in the guest, and the volumes behind them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours import volume_service
from compute_site.neighbours.calls import around
from compute_site.neighbours.volume.protocol import NewVolume
from servers.drivers.device_names import ROOT, free_names
from servers.drivers.protocol import Disk
from servers.models import BlockDevice, Instance


def root_name(asked: str | None, devices: Iterable[Mapping[str, Any]]) -> str:
    """The name of the root disk: its own, or the one that the image asked for. ``devices`` are
    those of a build request.
    """
    own = (device.get("device_name") for device in devices if device.get("boot_index") == 0)
    return next(own, None) or asked or ROOT


def name_devices(root: str, devices: Sequence[BlockDevice]) -> None:
    """Name the disks that have no name yet, first the root disk, then as Nova does those of the
    flavor; saves nothing. ``root`` is the name of the root disk.
    """
    taken = [device.device_name for device in devices if device.device_name]
    nameless = [device for device in devices if not device.device_name and not device.no_device]
    free = free_names(root, taken)
    for device in sorted(nameless, key=_naming_order):
        is_root = device.boot_index == 0 and root not in taken
        device.device_name = root if is_root else next(free)


def _naming_order(device: BlockDevice) -> int:
    if device.boot_index == 0:
        return 0
    is_blank = device.source_type == "blank" and device.destination_type == "local"
    if not is_blank:
        return 3
    return 2 if device.guest_format == "swap" else 1


def name_new_disks(instance: Instance) -> None:
    """Name the volumes that the server got while it lay on no host, here and in their service."""
    devices = list(BlockDevice.objects.filter(instance=instance))
    new = [device for device in devices if device.volume_id and not device.device_name]
    if not new:
        return
    name_devices(instance.root_device_name or ROOT, devices)
    names = {str(device.volume_id): device.device_name or "" for device in new}
    volume_service().attach(str(instance.uuid), names)  # as often as it takes to note the names
    BlockDevice.objects.bulk_update(new, ["device_name"])


def attach_volumes(caller: Caller, instance: Instance, devices: Sequence[BlockDevice]) -> None:
    """Make the volumes that the server shall get, and give it all of its volumes."""
    server_id = str(instance.uuid)
    missing = [device for device in devices if _is_missing(device)]
    if missing:
        # One transaction: a volume that no row knows would never be found again. A service
        # elsewhere finds it by its mark.
        create = volume_service().create
        with around(create):
            made = create(caller, server_id, [_new(device) for device in missing])
            for device, volume_id in zip(missing, made, strict=True):
                device.volume_id = volume_id
            BlockDevice.objects.bulk_update(missing, ["volume_id"])
    attached = {
        device.volume_id: device.device_name or "" for device in devices if device.volume_id
    }
    if attached:
        _note_claims(volume_service().attach(server_id, attached), devices)


def describe_disk(device: BlockDevice) -> Disk:
    """The disk as a driver must know it."""
    return Disk(
        device_name=device.device_name,
        source_type=device.source_type,
        destination_type=device.destination_type,
        volume_id=device.volume_id,
        image_id=device.image_id,
        size=device.volume_size,
        guest_format=device.guest_format,
        boot_index=device.boot_index,
        disk_bus=device.disk_bus,
        device_type=device.device_type,
        tag=device.tag,
    )


def _note_claims(claims: Mapping[str, str], devices: Sequence[BlockDevice]) -> None:
    """Note the attachments of volumes that were made here; the others are noted already."""
    new = [
        device for device in devices if device.attachment_id is None and device.volume_id in claims
    ]
    for device in new:
        device.attachment_id = uuid.UUID(claims[str(device.volume_id)])
    if new:
        BlockDevice.objects.bulk_update(new, ["attachment_id"])


def _is_missing(device: BlockDevice) -> bool:
    return device.destination_type == "volume" and not device.volume_id and not device.no_device


def _new(device: BlockDevice) -> NewVolume:
    return NewVolume(
        size=device.volume_size or 1,
        image_id=device.image_id if device.source_type == "image" else None,
        snapshot_id=device.snapshot_id if device.source_type == "snapshot" else None,
        volume_type=device.volume_type,
        mark=str(device.uuid),
    )
