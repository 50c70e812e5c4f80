"""The old form of block devices, translated to the new (docs/contract/create-request.md 5.1)."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings

from servers.create.devices import OLD_FIELD, read_record
from servers.create.errors import MalformedDisk
from servers.machine.disk import Disk

EPHEMERAL = re.compile(r"ephemeral(\d|[1-9]\d+)")
KEPT = frozenset(
    (
        "device_name",
        "delete_on_termination",
        "snapshot_id",
        "volume_id",
        "volume_size",
        "no_device",
        "connection_info",
    )
)
BOOTABLE_SOURCES = frozenset(("volume", "snapshot", "image"))


def is_blank_name(virtual_name: object) -> bool:
    """Does the virtual name mean swap or an ephemeral disk?"""
    return isinstance(virtual_name, str) and (
        virtual_name == "swap" or EPHEMERAL.fullmatch(virtual_name) is not None
    )


def blank_format(virtual_name: str) -> str | None:
    """The guest format of a blank disk."""
    ephemeral: str | None = settings.OPTIONS.default_ephemeral_format
    return "swap" if virtual_name == "swap" else ephemeral


def translate_items(
    items: Iterable[Mapping[str, Any]], *, root_name: str, image_ref: str = ""
) -> list[Disk]:
    """The devices with their boot index: the one with the name of the root device is the root.

    Where none is and there is an image, its root disk is put in front.
    """
    disks = [_with_index(disk, root_name) for disk in read_items(items)]
    if image_ref and not any(disk.boot_index == 0 for disk in disks):
        disks.insert(0, root_of_image(image_ref))
    return disks


def read_items(items: Iterable[Mapping[str, Any]]) -> list[Disk]:
    """Translate each item by itself, without choosing a root."""
    return [
        dataclasses.replace(_translate(item, f"{OLD_FIELD}.{index}"), boot_index=-1)
        for index, item in enumerate(items)
    ]


def root_of_image(image_ref: str) -> Disk:
    """The default root disk of a server with an image."""
    return Disk(
        source_type="image",
        destination_type="local",
        image_id=image_ref,
        device_type="disk",
        boot_index=0,
        delete_on_termination=True,
    )


def _translate(item: Mapping[str, Any], field: str) -> Disk:
    """Try the kinds in this order: blank, snapshot, volume, suppressed."""
    record = {key: item[key] for key in item.keys() & KEPT}
    virtual_name = item.get("virtual_name")
    if is_blank_name(virtual_name):
        record |= {
            "source_type": "blank",
            "destination_type": "local",
            "guest_format": blank_format(str(virtual_name)),
            "delete_on_termination": True,
        }
    elif item.get("snapshot_id"):
        record |= {"source_type": "snapshot", "destination_type": "volume"}
    elif item.get("volume_id"):
        record |= {"source_type": "volume", "destination_type": "volume"}
    elif not item.get("no_device"):
        raise MalformedDisk(
            "A block device needs a snapshot_id, a volume_id, no_device, or the virtual_name swap "
            "or ephemeral0.",
            field=field,
        )
    return read_record(record, field)


def _with_index(disk: Disk, root_name: str) -> Disk:
    if disk.source_type in BOOTABLE_SOURCES and disk.plain_name == root_name.removeprefix("/dev/"):
        return dataclasses.replace(disk, boot_index=0)
    return dataclasses.replace(disk, boot_index=None) if disk.no_device else disk
