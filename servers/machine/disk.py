"""A block device as all rules on disks know it."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.values.words import LOOSE_TRUE


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """One block device. ``volume_size`` is GiB, for swap MiB; ``device_name`` begins with /dev/.

    The sources are ``image``, ``volume``, ``snapshot`` and ``blank``, the destinations
    ``volume`` and ``local``; a suppressed device (``no_device``) may have neither.
    """

    source_type: str | None = None
    destination_type: str | None = None
    guest_format: str | None = None
    device_type: str | None = None
    disk_bus: str | None = None
    boot_index: int | None = None
    device_name: str | None = None
    delete_on_termination: bool = False
    snapshot_id: str | None = None
    volume_id: str | None = None
    volume_size: int | None = None
    volume_type: str | None = None
    image_id: str | None = None
    no_device: bool = False
    connection_info: str | None = None
    tag: str | None = None
    encrypted: bool = False
    encryption_format: str | None = None

    @property
    def is_local(self) -> bool:
        return self.destination_type == "local"

    @property
    def is_volume(self) -> bool:
        return self.destination_type == "volume"

    @property
    def is_swap(self) -> bool:
        return self.source_type == "blank" and self.is_local and self.guest_format == "swap"

    @property
    def is_ephemeral(self) -> bool:
        return self.source_type == "blank" and self.is_local and self.guest_format != "swap"

    @property
    def plain_name(self) -> str | None:
        """The device name without /dev/."""
        return self.device_name.removeprefix("/dev/") if self.device_name else self.device_name


def read_flag(value: Any) -> bool:
    """Read a boolean or a text; a text that is no word for true is false."""
    return value.strip().lower() in LOOSE_TRUE if isinstance(value, str) else bool(value)
