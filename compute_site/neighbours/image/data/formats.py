"""Checks that data are of the format that the image names, and refer to no other file.

The formats are read by the inspectors of oslo.utils while the data pass by: no program of the host
opens what a stranger has sent. They keep headers and descriptors, of at most a MiB, and expand
nothing. Some read a table of theirs at each piece, so that pieces are put together for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from oslo_utils.imageutils import format_inspector

from compute_site.faults import Fault

SAME = {"vpc": "vhd", "gpt": "raw"}
"""The inspectors' names for formats of images, and what they tell apart that images do not."""
LEAST_PIECE = 4 << 20
CHECKED = frozenset(("raw", "qcow2", "vhd", "vhdx", "vmdk", "vdi", "qed", "iso"))


class WrongFormat(Fault):
    """The data are not of the image's ``disk_format``, or not safe to use. Glance: 415."""

    status = 415
    code = "wrong_format"


class Inspection:
    """Passes data on and looks at them. Images in a container, or of a format that nobody can
    recognise, are not looked at.
    """

    def __init__(self, pieces: Iterable[bytes], *, disk_format: str, container_format: str) -> None:
        self.disk_format = disk_format
        self.expected = SAME.get(disk_format, disk_format)
        self.is_checked = self.expected in CHECKED and container_format == "bare"
        large = _put_together(pieces)
        self.wrapper: Any = format_inspector.InspectWrapper(large)  # type: ignore[arg-type] # it says file, and takes iterators
        self.virtual_size: int | None = None

    def __iter__(self) -> Iterator[bytes]:
        """The data; at their end it is known what they are.

        Raises:
            WrongFormat: they are not what the image says.
        """
        yield from self.wrapper
        if self.is_checked:
            self._check()

    def _check(self) -> None:
        try:
            found = self.wrapper.format
            if SAME.get(str(found), str(found)) != self.expected:
                raise WrongFormat(
                    f"The image is of the disk_format {self.disk_format}; the data are {found}."
                )
            found.safety_check()
        except (format_inspector.ImageFormatError, format_inspector.SafetyCheckFailed) as error:
            raise WrongFormat(f"The data cannot be used as {self.disk_format}: {error}") from None
        self.virtual_size = found.virtual_size or None


def _put_together(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same data in pieces of at least ``LEAST_PIECE`` bytes, but for the last one."""
    waiting = bytearray()
    for piece in pieces:
        waiting += piece
        if len(waiting) >= LEAST_PIECE:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)
