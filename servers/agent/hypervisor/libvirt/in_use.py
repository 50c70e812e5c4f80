"""What a machine needs of its PCI devices itself: a card whose interface has routes, or a disk with
its files. Read from ``/sys`` and ``/proc``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

PROC = Path("/proc")
NEIGHBOURS_ALONE = ("fe8", "ff0")
"""How routes of IPv6 begin that each interface has."""


def needed_parts(proc: Path = PROC) -> frozenset[str]:
    """The names of interfaces with routes, and names and numbers of disks and partitions that have
    files or memory of the machine.
    """
    return frozenset((*_with_routes(proc), *_mounted(proc)))


def used_part(device: Path, needed: Collection[str]) -> str:
    """The name of an interface or disk of the device that the machine uses; empty: of none."""
    below = device.resolve()
    for interface in sorted(below.rglob("net/*")):
        if interface.name in needed or any(interface.glob("upper_*")):
            return interface.name
    for holders in sorted(below.rglob("holders")):  # each disk and partition has this folder
        disk = holders.parent
        if disk.name in needed or text_of(disk / "dev") in needed or any(holders.iterdir()):
            return disk.name
    return ""


def text_of(path: Path) -> str:
    """Without the white space around it; empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _with_routes(proc: Path) -> set[str]:
    """The interfaces by which the machine reaches more than its neighbours of IPv6."""
    old = {line.split()[0] for line in _lines(proc / "net/route")[1:]}
    return old | {
        line.split()[-1]
        for line in _lines(proc / "net/ipv6_route")
        if not line.startswith(NEIGHBOURS_ALONE)
    }


def _mounted(proc: Path) -> set[str]:
    mounts = [line.split() for line in _lines(proc / "self/mountinfo")]
    sources = [words[words.index("-") + 2] for words in mounts]
    swaps = [line.split()[0] for line in _lines(proc / "swaps")[1:]]
    devices = {Path(name).name for name in (*sources, *swaps) if name.startswith("/dev/")}
    return {words[2] for words in mounts} | devices


def _lines(path: Path) -> list[str]:
    return text_of(path).splitlines()
