"""All block devices of a server: the client's, the image's and the flavor's, merged
(docs/contract/create-flow.md D).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from flavors.models import Flavor
from servers.create.devices import NEW_FIELD, AskedDisks
from servers.create.errors import DiskNameTaken, MalformedDisk, OneServerOnly
from servers.create.image_disks import find_image_disks, merge_disks
from servers.create.legacy_disks import read_items, root_of_image, translate_items
from servers.create.order import ServerOrder
from servers.hardware import EphemeralEncryption, ephemeral_encryption
from servers.machine.disk import Disk
from servers.machine.plan import Machine

DEFAULT_ROOT = "vda"
VALUES = {
    "source_type": frozenset(("image", "volume", "snapshot", "blank")),
    "destination_type": frozenset(("local", "volume")),
    "device_type": frozenset(("cdrom", "disk", "floppy", "fs", "lun")),
}


def plan_disks(
    order: ServerOrder,
    asked: AskedDisks,
    machine: Machine,
    *,
    root_name: str | None,
    max_count: int,
) -> list[Disk]:
    """Merge the devices; ``root_name`` is the one that the image defines."""
    flavor, image = machine.flavor, machine.image
    name = root_name or DEFAULT_ROOT
    _check_root_name(order, asked, name)
    of_image = find_image_disks(image, flavor, name)
    disks = merge_disks(_client_disks(order, asked, of_image, name), of_image)
    if max_count > 1 and any(disk.source_type == "volume" for disk in disks):
        raise OneServerOnly("Several servers cannot share a volume.", field=NEW_FIELD)
    disks += _flavor_disks(flavor, disks)
    for disk in disks:
        _check_values(disk)
    return _encrypt_local_disks(disks, ephemeral_encryption(machine.specs, machine.properties))


def root_disk(disks: Sequence[Disk]) -> Disk | None:
    """The device that the server boots from first."""
    return next((disk for disk in disks if disk.boot_index == 0), None)


def _encrypt_local_disks(disks: list[Disk], encryption: EphemeralEncryption) -> list[Disk]:
    """Mark every local device as encrypted if flavor or image ask for it
    (docs/contract/create-flow.md D7).
    """
    if not encryption.enabled:
        return disks
    return [
        dataclasses.replace(disk, encrypted=True, encryption_format=encryption.format)
        if disk.is_local
        else disk
        for disk in disks
    ]


def _check_root_name(order: ServerOrder, asked: AskedDisks, root_name: str) -> None:
    """Refuse a volume with the name of the root device. Nova: names are compared without /dev/, but
    the name from an image has it, so that a volume may have the name of a root that the image
    defines; clients rely on it (docs/contract/create-flow.md D1).
    """
    if order.image_ref and any(
        disk.is_volume and disk.plain_name == root_name for disk in asked.new
    ):
        raise DiskNameTaken(
            f"{root_name} is the root disk, which the image fills.", field=NEW_FIELD
        )


def _client_disks(
    order: ServerOrder, asked: AskedDisks, of_image: list[Disk], root_name: str
) -> list[Disk]:
    """The client's devices; with none at all, or in the old form, the root disk of the image
    comes in front. A root that the image defines wins (docs/contract/create-flow.md D3).
    """
    has_root = root_disk(of_image) is not None
    if asked.new:
        return [
            disk
            for disk in asked.new
            if not (has_root and disk.boot_index == 0 and disk.source_type == "image")
        ]
    if has_root:
        return read_items(asked.old)
    if not asked.old:
        return [root_of_image(order.image_ref)]
    return translate_items(asked.old, root_name=root_name, image_ref=order.image_ref)


def _flavor_disks(flavor: Flavor, disks: list[Disk]) -> list[Disk]:
    """An ephemeral disk and a swap disk, unless there is one of the kind already
    (docs/contract/create-flow.md D6).
    """
    added = []
    if flavor.ephemeral_gb and not any(disk.is_ephemeral for disk in disks):
        added.append(_blank_disk(flavor.ephemeral_gb, None))
    if flavor.swap and not any(disk.is_swap for disk in disks):
        added.append(_blank_disk(flavor.swap, "swap"))
    return added


def _blank_disk(size: int, guest_format: str | None) -> Disk:
    return Disk(
        source_type="blank",
        destination_type="local",
        device_type="disk",
        guest_format=guest_format,
        boot_index=-1,
        delete_on_termination=True,
        volume_size=size,
    )


def _check_values(disk: Disk) -> None:
    """Check words that the schema does not check, or that come from an image."""
    for name, known in VALUES.items():
        value = getattr(disk, name)
        if value is not None and value not in known:
            raise MalformedDisk(
                f"The {name} of a block device is one of {', '.join(sorted(known))}, not {value}.",
                field=NEW_FIELD,
            )
