"""Names of disks in a guest: ``/dev/vdb`` and the like."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable

from servers.attachments.errors import DeviceNameTaken, VolumeNotAttachable

NAME = re.compile(r"(/dev/x?[a-z]?d?)([a-z]+)[0-9]*")
USUAL_ROOT = ("/dev/vd", "a")
LETTERS = string.ascii_lowercase
ENDINGS: tuple[str, ...] = (*LETTERS, *(first + second for first in LETTERS for second in LETTERS))


def choose_name(root: str | None, taken: Iterable[str | None], asked: str | None = None) -> str:
    """The name of one disk more: the asked one, or the next that is free. All disks of a guest
    are of the kind that the root's name tells, so that ``/dev/sdc`` may become ``/dev/vdc``.

    Raises:
        DeviceNameTaken: another disk has it.
        VolumeNotAttachable: a name is none, or no name is left.
    """
    kind, root_ending = _split(root or "") or USUAL_ROOT
    busy = {root_ending, *(parts[1] for name in taken if name and (parts := _split(name)))}
    if asked is None:
        free = next((ending for ending in ENDINGS if ending not in busy), None)
        if free is None:
            raise VolumeNotAttachable("The server has so many disks that no name is left.")
        return kind + free
    parts = _split(asked)
    if parts is None:
        raise VolumeNotAttachable(
            f"{asked[:64]!r} is no name of a disk.", field="volumeAttachment.device"
        )
    if parts[1] in busy:
        raise DeviceNameTaken(
            f"The server has a disk {asked} already; choose another name, or name none.",
            field="volumeAttachment.device",
        )
    return kind + parts[1]


def _split(name: str) -> tuple[str, str] | None:
    """What the disk is (``/dev/vd``), and which one of its kind (``b``)."""
    match = NAME.fullmatch(name if name.startswith("/dev/") else f"/dev/{name}")
    return (match[1], match[2]) if match else None
