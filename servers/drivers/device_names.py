"""Names of disks in a guest: ``/dev/vdb`` and the like. All disks of a guest are of the kind that
its root disk's name tells.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Iterable, Iterator

ROOT = "/dev/vda"
"""The root disk's name where no other is asked for."""
NAME = re.compile(r"(/dev/x?[a-z]?d?)([a-z]+)[0-9]*")


def split_name(name: str) -> tuple[str, str] | None:
    """What the disk is (``/dev/vd``), and which one of its kind (``b``); ``None``: no name."""
    match = NAME.fullmatch(name if name.startswith("/dev/") else f"/dev/{name}")
    return (match[1], match[2]) if match else None


def kind_of(root: str | None) -> str:
    """What all disks are beside a root disk of that name."""
    parts = split_name(root or ROOT) or split_name(ROOT)
    assert parts is not None  # noqa: S101 - ROOT is a name
    return parts[0]


def busy_endings(root: str | None, taken: Iterable[str | None]) -> set[str]:
    """The endings that a further disk cannot have, whatever the kind of those that have them."""
    names = [root if split_name(root or "") else ROOT, *taken]
    return {parts[1] for name in names if name and (parts := split_name(name))}


def free_names(root: str | None, taken: Iterable[str | None]) -> Iterator[str]:
    """Names of further disks in the order of the alphabet, without end; after z comes aa."""
    kind, busy = kind_of(root), busy_endings(root, taken)
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            ending = "".join(letters)
            if ending not in busy:
                yield kind + ending
