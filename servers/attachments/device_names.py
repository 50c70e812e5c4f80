"""Names of disks in a guest: ``/dev/vdb`` and the like."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable

from servers.attachments.errors import DeviceNameTaken, VolumeNotAttachable

NAME = re.compile(r"(/dev/x?[a-z]?d?)([a-z]+)[0-9]*")
USUAL_ROOT = "/dev/vda"
LETTERS = string.ascii_lowercase
ENDINGS = (*LETTERS, *(first + second for first in LETTERS for second in LETTERS))


def choose_name(root: str | None, taken: Iterable[str | None], asked: str | None = None) -> str:
    """The name of one disk more: the asked one, or the next that is free. All disks of a guest
    are of the kind that the root's name tells, so that ``/dev/sdc`` may become ``/dev/vdc``.

    Raises:
        DeviceNameTaken: another disk has it.
        VolumeNotAttachable: a name is none, or no name is left.
    """
    root = root or USUAL_ROOT
    kind, root_ending = _split(root)
    busy = {root_ending, *(_split(name)[1] for name in taken if name)}
    if asked is None:
        ending = next((ending for ending in ENDINGS if ending not in busy), None)
        if ending is None:
            raise VolumeNotAttachable("The server has so many disks that no name is left.")
        return kind + ending
    ending = _split(asked)[1]
    if ending in busy:
        raise DeviceNameTaken(
            f"The server has a disk {asked} already; choose another name, or name none.",
            field="volumeAttachment.device",
        )
    return kind + ending


def _split(name: str) -> tuple[str, str]:
    """What the disk is (``/dev/vd``), and which one of its kind (``b``)."""
    match = NAME.fullmatch(name if name.startswith("/dev/") else f"/dev/{name}")
    if match is None:
        raise VolumeNotAttachable(f"{name[:64]!r} is no name of a disk.")
    return match[1], match[2]
