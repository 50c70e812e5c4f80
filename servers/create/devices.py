"""Reads block devices in the two forms of requests, each item by itself
(docs/contract/create-request.md 5).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from compute_site.caller import Caller
from servers.create.errors import ImageRequired, MalformedDisk, TwoDiskForms
from servers.create.order import ServerOrder
from servers.machine.disk import Disk, read_flag
from servers.policies.server import CREATE_ATTACH_VOLUME

NEW_FIELD = "server.block_device_mapping_v2"
OLD_FIELD = "server.block_device_mapping"
LONGEST_TEXT = 255
LARGEST_NUMBER = 2**31 - 1
SMALLEST_NUMBER = -(2**31)
TEXT_KEYS = frozenset(
    (
        "source_type",
        "destination_type",
        "guest_format",
        "device_type",
        "disk_bus",
        "device_name",
        "snapshot_id",
        "volume_id",
        "volume_type",
        "image_id",
        "tag",
        "encryption_format",
    )
)
DRIVE_PREFIX = re.compile(r"^(x?v|s|h)d")


DISK_KEYS = frozenset(field.name for field in dataclasses.fields(Disk))
IGNORED_KEYS = frozenset(
    ["id", "uuid", "instance_uuid", "attachment_id", "encryption_secret_uuid", "encryption_options"]
)
"""Keys of Nova's own rows, which an image made from a server may still carry."""


@dataclasses.dataclass(frozen=True, slots=True)
class AskedDisks:
    """The client's devices in one of the two forms. Items of the old form are translated later,
    when the name of the root device is known.
    """

    old: tuple[Mapping[str, Any], ...] = ()
    new: tuple[Disk, ...] = ()

    def boot_devices(self) -> Iterator[Disk]:
        """The devices that are marked as root: boot index 0, or in the old form the letter a."""
        yield from (disk for disk in self.new if disk.boot_index == 0)
        for item in self.old:
            if _drive_letter(item.get("device_name")) == "a":
                yield Disk(volume_id=item.get("volume_id"), snapshot_id=item.get("snapshot_id"))


def read_devices(caller: Caller, order: ServerOrder) -> AskedDisks:
    """Read the items, check the right to give any, and check that there is a device or image to
    boot from (docs/contract/create-flow.md A13, A14).
    """
    if order.legacy_disks and order.disks:
        raise TwoDiskForms(
            "Give block_device_mapping or block_device_mapping_v2, not both.", field=NEW_FIELD
        )
    new = tuple(
        read_item(item, bool(order.image_ref), f"{NEW_FIELD}.{index}")
        for index, item in enumerate(order.disks)
    )
    if order.legacy_disks or new:
        caller.permit(CREATE_ATTACH_VOLUME)
    elif not order.image_ref:
        raise ImageRequired(
            "Name an image, or a block device to boot from.", field="server.imageRef"
        )
    return AskedDisks(old=order.legacy_disks, new=new)


def read_item(item: Mapping[str, Any], image_given: bool, field: str) -> Disk:
    """One item of the new form, with ``uuid`` written to the key of its source."""
    record = dict(item)
    source, uuid = record.get("source_type"), record.pop("uuid", None)
    if not record.get("no_device"):
        _check_source(record, uuid, image_given, field)
        if source != "blank":
            record[f"{source}_id"] = uuid
    return read_record(record, field)


def read_record(record: Mapping[str, Any], field: str) -> Disk:
    """A block device whose keys are those of ``Disk``; also used for those that an image
    defines, whose values may be anything.
    """
    unknown = record.keys() - DISK_KEYS - IGNORED_KEYS
    if unknown:
        raise MalformedDisk(
            f"A block device does not have {', '.join(sorted(unknown))}.", field=field
        )
    _check_texts(record, field)
    suppressed = bool(record.get("no_device"))
    if not suppressed and record.get("source_type") is None:
        raise MalformedDisk("A block device needs source_type.", field=f"{field}.source_type")
    values = {key: record[key] for key in record.keys() & DISK_KEYS}
    values["no_device"] = suppressed
    values["delete_on_termination"] = read_flag(record.get("delete_on_termination"))
    values["device_name"] = _device_name(record.get("device_name"), suppressed, field)
    values["volume_size"] = _whole_number(record, "volume_size", field)
    if (values["volume_size"] or 0) < 0:
        raise MalformedDisk("volume_size cannot be negative.", field=f"{field}.volume_size")
    values["boot_index"] = _whole_number(record, "boot_index", field)
    values["encrypted"] = read_flag(record.get("encrypted"))
    return Disk(**values)


def _check_texts(record: Mapping[str, Any], field: str) -> None:
    """Check the texts of an image's devices; those of a client have passed the schema."""
    for key in record.keys() & TEXT_KEYS:
        value = record[key]
        if value is not None and not (isinstance(value, str) and len(value) <= LONGEST_TEXT):
            raise MalformedDisk(
                f"{key} should be a text of at most {LONGEST_TEXT} characters.",
                field=f"{field}.{key}",
            )


def _check_source(record: Mapping[str, Any], uuid: Any, image_given: bool, field: str) -> None:
    source, destination = record.get("source_type"), record.get("destination_type")
    if source is None:
        raise MalformedDisk("A block device needs source_type.", field=f"{field}.source_type")
    if source == "blank" and uuid:
        raise MalformedDisk("A blank device has no uuid.", field=f"{field}.uuid")
    if source != "blank" and not uuid:
        raise MalformedDisk(f"A device from a {source} needs its uuid.", field=f"{field}.uuid")
    if source == "image" and destination == "local":
        index = _whole_number(record, "boot_index", field)
        if not image_given or index != 0:
            raise MalformedDisk(
                "An image can only be local as the root disk: with imageRef and boot_index 0.",
                field=f"{field}.destination_type",
            )
    if record.get("volume_type") and (destination == "local" or source == "volume"):
        raise MalformedDisk(
            "Only a volume that is to be made can have a volume_type.",
            field=f"{field}.volume_type",
        )


def _device_name(name: Any, suppressed: bool, field: str) -> str | None:
    if name is not None and not suppressed:
        good = isinstance(name, str) and 0 < len(name) <= 255 and " " not in name
        if not good:
            raise MalformedDisk(
                "A device name has 1 to 255 characters and no space.",
                field=f"{field}.device_name",
            )
    return f"/dev/{name.removeprefix('/dev/')}" if name else None


def _whole_number(record: Mapping[str, Any], key: str, field: str) -> int | None:
    value = record.get(key)
    if value is None or value == "":
        return None
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        number = None
    if number is None or not SMALLEST_NUMBER <= number <= LARGEST_NUMBER:
        raise MalformedDisk(
            f"{key} should be a whole number of at most 32 bits, not {value}.",
            field=f"{field}.{key}",
        )
    return number


def _drive_letter(name: str | None) -> str:
    """The letters of a device name without prefix and numbers: ``a`` of /dev/vda1."""
    plain = (name or "").removeprefix("/dev/")
    return re.sub(r"\d", "", DRIVE_PREFIX.sub("", plain))
