"""Block devices in the body of ``POST /servers``: both forms (docs/contract/create-request.md 5).

Only the form of the values is checked here; what the devices mean is decided in
``servers.create``.
"""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.fields import (
    LARGEST_INT32,
    Boolish,
    Choice,
    Integer,
    Size,
    Truth,
    wrong_type,
)
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Tag, Text, Uuid

SMALLEST_INT32 = -LARGEST_INT32 - 1


class DiskSize(Size):
    """Nova: a whole number that is written with a fraction is no size."""

    def convert(self, value: Any) -> int:
        if type(value) is float:
            raise wrong_type("a whole number without a fraction", value)
        return super().convert(value)


class LegacyDisk(VersionedSerializer):
    """An item of ``block_device_mapping``."""

    device_name = Text(
        1,
        255,
        pattern=r"[a-zA-Z0-9._/-]*",
        means="is not a device name of letters, digits, dots, hyphens, underscores and slashes",
    )
    volume_id = Uuid()
    snapshot_id = Uuid()
    volume_size = DiskSize(help_text="GiB; for swap MiB")
    virtual_name = Text(0, 255)
    delete_on_termination = Boolish()
    no_device = Truth()
    connection_info = Text(0, 16777215)


class Disk(LegacyDisk):
    """An item of ``block_device_mapping_v2``."""

    source_type = Choice("volume", "image", "snapshot", "blank")
    destination_type = Choice("local", "volume")
    uuid = Text(
        1,
        255,
        pattern=r"[a-zA-Z0-9._-]*",
        means="is not an id of letters, digits, dots, hyphens and underscores",
    )
    image_id = Uuid()
    boot_index = Integer(SMALLEST_INT32, LARGEST_INT32, text=True, null=True)
    guest_format = Text(0, 255)
    device_type = Text(0, 255)
    disk_bus = Text(0, 255)
    tag = History({"2.32": Tag(), "2.33": None, "2.42": Tag()})
    volume_type = History({"2.67": Text(0, 255, null=True)})
