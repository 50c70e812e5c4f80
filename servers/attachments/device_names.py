"""Chooses the device name of a disk that is added to a guest."""

from __future__ import annotations

from collections.abc import Iterable

from servers.attachments.errors import DeviceNameTaken, VolumeNotAttachable
from servers.drivers.device_names import busy_endings, free_names, kind_of, split_name

LONGEST_ENDING = 2
"""Letters; so many disks are enough."""


def choose_name(root: str | None, taken: Iterable[str | None], asked: str | None = None) -> str:
    """The name of a further disk: the asked one, or the next that is free. All disks of a guest
    have the prefix of the root disk's name, so that ``/dev/sdc`` may become ``/dev/vdc``.

    Raises:
        DeviceNameTaken: another disk has it.
        VolumeNotAttachable: the name is malformed, or no name is left.
    """
    names, kind = list(taken), kind_of(root)
    if asked is None:
        free = next(free_names(root, names))
        if len(free) > len(kind) + LONGEST_ENDING:
            raise VolumeNotAttachable("The server has so many disks that no name is left.")
        return free
    parts = split_name(asked)
    if parts is None:
        raise VolumeNotAttachable(
            f"{asked[:64]!r} is no name of a disk.", field="volumeAttachment.device"
        )
    if parts[1] in busy_endings(root, names):
        raise DeviceNameTaken(
            f"The server has a disk {asked} already; choose another name, or name none.",
            field="volumeAttachment.device",
        )
    return kind + parts[1]
