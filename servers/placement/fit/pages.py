"""Which pages back a guest's cell, and whether a host's cell has that memory."""

from __future__ import annotations

from collections.abc import Sequence

from servers.hardware.numa import NumaCell
from servers.placement.fit.guest import NoFit
from servers.placement.fit.topology import KB_OF_MB, HostCell, HostLimits, Pages

PINNED_POLICIES = frozenset(("dedicated", "mixed"))


def choose_pages(host: HostCell, guest: NumaCell) -> int | None:
    """The size of the pages that the memory counts as, KiB; ``None`` where the host tells of none.

    Raises:
        NoFit: no such pages, not enough of them, or not enough memory.
    """
    if guest.page_size:
        return _choose_asked(host, guest)
    if host.pages:
        return _choose_ordinary(host, guest)
    _check_memory(host, guest)
    return None


def _choose_asked(host: HostCell, guest: NumaCell) -> int:
    """The largest size of those asked for, of which enough pages are free."""
    for pages in _asked_sizes(host, guest):
        if _holds(pages.size_kb, host.free_pages(pages), guest):
            return pages.size_kb
    raise NoFit(
        f"MiB needed in free pages of {_describe(guest)}: {guest.memory_mb}, free pages:"
        f" {_describe_free(host)}"
    )


def _asked_sizes(host: HostCell, guest: NumaCell) -> Sequence[Pages]:
    match guest.page_size:
        case "small":
            return host.pages[:1]
        case "large":
            return host.pages[:0:-1]
        case "any":
            return host.pages[::-1]
        case size:
            return [pages for pages in host.pages if pages.size_kb == size]


def _choose_ordinary(host: HostCell, guest: NumaCell) -> int:
    """The smallest pages. Guests with CPUs of their own need free ones; others may share them, but
    no guest may be larger than what there is.
    """
    pages = host.pages[0]
    if guest.cpu_policy in PINNED_POLICIES:
        count, word = host.free_pages(pages), "free"
    else:
        count, word = host.usable_pages(pages), "there"
    if not _holds(pages.size_kb, count, guest):
        raise NoFit(
            f"MiB needed in pages of {pages.size_kb} KiB: {guest.memory_mb}, pages {word}:"
            f" {max(0, count)}"
        )
    return pages.size_kb


def _check_memory(host: HostCell, guest: NumaCell) -> None:
    if guest.cpu_policy in PINNED_POLICIES:
        size, word = host.free_memory_mb, "free"
    else:
        size, word = host.usable_memory_mb, "there"
    if guest.memory_mb > size:
        raise NoFit(f"MiB of memory needed: {guest.memory_mb}, {word}: {max(0, size)}")


def check_memory_limit(host: HostCell, guest: NumaCell, limits: HostLimits) -> None:
    """
    Raises:
        NoFit: the guests would use more memory than the allocation ratio allows.
    """
    used = host.memory_used_mb + guest.memory_mb
    limit = host.usable_memory_mb * limits.ram_allocation_ratio
    if used > limit:
        raise NoFit(f"MiB of memory that would be used: {used}, limit: {limit:.10g}")


def _holds(size_kb: int, count: int, guest: NumaCell) -> bool:
    """Can so many pages hold the memory, without part of a page?"""
    needed_kb = guest.memory_mb * KB_OF_MB
    return needed_kb % size_kb == 0 and needed_kb <= count * size_kb


def _describe(guest: NumaCell) -> str:
    size = guest.page_size
    return f"{size} KiB" if isinstance(size, int) else f"{size} size"


def _describe_free(host: HostCell) -> str:
    counts = [f"{max(0, host.free_pages(pages))} of {pages.size_kb} KiB" for pages in host.pages]
    return ", ".join(counts) or "none"
