"""Reads which bytes of an image's data are asked for."""

from __future__ import annotations

import re

from compute_site.faults import BadRequest, Fault

RANGE = re.compile(r"bytes=(\d*)-(\d*)")
CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(?:\d+|\*)")
MOST_DIGITS = 18


class RangeNotThere(Fault):
    """The image does not have such bytes."""

    status = 416
    code = "range_not_there"


def read_range(asked: str, size: int) -> tuple[int, int]:
    """The first and the last byte of a ``Range`` (``bytes=0-99``, ``bytes=100-``, ``bytes=-50``),
    or of a ``Content-Range`` (``bytes 0-99/*``), which old clients send.

    Raises:
        BadRequest: several ranges are asked for.
        RangeNotThere: this is no range of bytes, or it begins beyond the end.
    """
    if "," in asked:
        raise BadRequest("Ask for one range of bytes at a time.")
    match = RANGE.fullmatch(asked.strip()) or CONTENT_RANGE.fullmatch(asked.strip())
    if match is None or max(map(len, match.groups())) > MOST_DIGITS or not any(match.groups()):
        raise RangeNotThere(f"{asked[:80]!r} is no range of bytes, such as bytes=0-99.")
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size - 1
    else:
        start, end = int(first), min(int(last), size - 1) if last else size - 1
    if start > end:
        raise RangeNotThere(f"The image has {size} bytes; {asked[:80]!r} is not among them.")
    return start, end
