"""The block devices and the root device name that an image defines (docs/contract/create-flow.md
C8, D2).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.create.devices import LONGEST_TEXT, read_record
from servers.create.errors import MalformedDisk
from servers.create.legacy_disks import blank_format, is_blank_name, translate_items
from servers.machine.disk import Disk

FIELD = "server.imageRef"


def root_device_name(image: ImageData | None) -> str | None:
    """The root device by the image, with /dev/ in front."""
    if image is None:
        return None
    name = image.properties.get("root_device_name")
    for mapping in _read_list(image, "mappings"):
        if name is None and mapping.get("virtual") == "root":
            name = mapping.get("device")
    if not name:
        return None
    device = f"/dev/{str(name).removeprefix('/dev/')}"
    if len(device) > LONGEST_TEXT:
        raise MalformedDisk("The name of the image's root device is too long.", field=FIELD)
    return device


def find_image_disks(image: ImageData | None, flavor: Flavor, root_name: str) -> list[Disk]:
    """The devices of ``block_device_mapping``, then the blank ones of ``mappings`` whose names
    those do not use.
    """
    if image is None:
        return []
    items = _read_list(image, "block_device_mapping")
    if image.properties.get("bdm_v2"):  # Nova: any text is true, "False" too
        disks = [read_record(item, FIELD) for item in items]
    else:
        disks = translate_items(items, root_name=root_name)
    blanks = [
        _blank_disk(mapping, flavor)
        for mapping in _read_list(image, "mappings")
        if is_blank_name(mapping.get("virtual"))
    ]
    return merge_disks(disks, [disk for disk in blanks if disk.volume_size != 0])


def merge_disks(winners: list[Disk], others: list[Disk]) -> list[Disk]:
    """All of ``winners``, and those of ``others`` with device names that ``winners`` do not use."""
    names = {disk.device_name for disk in winners if disk.device_name}
    return winners + [disk for disk in others if disk.device_name not in names]


def _blank_disk(mapping: Mapping[str, Any], flavor: Flavor) -> Disk:
    virtual, device = str(mapping["virtual"]), str(mapping.get("device") or "")
    if not device:
        raise MalformedDisk(f"The image maps {virtual} to no device.", field=FIELD)
    return Disk(
        source_type="blank",
        destination_type="local",
        device_type="disk",
        guest_format=_guest_format(mapping, virtual),
        device_name=device if device.startswith("/") else f"/dev/{device}",
        boot_index=-1,
        delete_on_termination=True,
        volume_size=flavor.swap if virtual == "swap" else flavor.ephemeral_gb,
    )


def _guest_format(mapping: Mapping[str, Any], virtual: str) -> str | None:
    if virtual != "swap" and mapping.get("guest_format"):
        return str(mapping["guest_format"])
    return blank_format(virtual)


def _read_list(image: ImageData, key: str) -> list[Mapping[str, Any]]:
    """A property that holds a list of objects, or such a list as JSON text."""
    value = image.properties.get(key) or []
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            value = None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise MalformedDisk(f"The image property {key} is no list of objects.", field=FIELD)
    return value
