"""What a server boots from: a volume, or a disk of its host."""

from __future__ import annotations

from collections.abc import Iterable

from servers.models import BlockDevice, Instance

VOLUME = "volume"


def root_of(disks: Iterable[BlockDevice]) -> BlockDevice | None:
    """The disk that the server boots from first; ``None``: it has no rows of disks."""
    return next((disk for disk in disks if disk.boot_index == 0), None)


def is_volume_backed(instance: Instance, root: BlockDevice | None) -> bool:
    """Is the root disk a volume? One made of an image may be, too. Where it is not known, a server
    that names no image is taken to be.
    """
    return not instance.image_ref if root is None else root.destination_type == VOLUME
