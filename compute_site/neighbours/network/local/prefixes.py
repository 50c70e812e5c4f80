"""Ranges of addresses as sets: what is left of some when others are taken. Nothing is asked or
saved here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from typing import Any

Range = ipaddress.IPv4Network | ipaddress.IPv6Network


def versions_of(prefixes: Iterable[str]) -> set[int]:
    """The IP versions of the ranges."""
    return {ipaddress.ip_network(one).version for one in prefixes}


def compacted(prefixes: Iterable[str]) -> list[str]:
    """The same addresses, of one IP version, in as few ranges as there can be, in their order."""
    return [str(one) for one in _collapsed(prefixes)]


def without_ranges(prefixes: Iterable[str], taken: Iterable[str]) -> list[str]:
    """The addresses of the first that are in none of the others."""
    return [str(one) for one in _free(prefixes, taken)]


def covers(prefixes: Iterable[str], inner: Iterable[str]) -> bool:
    """Is every address of the second in one of the first?"""
    return not without_ranges(inner, prefixes)


def have_common(prefixes: Iterable[str], others: Iterable[str]) -> bool:
    """Is there an address in both?"""
    whole = compacted(prefixes)
    return without_ranges(whole, others) != whole


def cut_range(prefixes: Iterable[str], taken: Iterable[str], length: int) -> str | None:
    """A free range with a prefix of that length, out of the smallest gap in which one fits, so that
    larger ones are kept. ``None``: there is none.
    """
    gaps = [one for one in _free(prefixes, taken) if one.prefixlen <= length]
    if not gaps:
        return None
    gap: Range = max(gaps, key=lambda one: (one.prefixlen, -int(one.network_address)))
    return f"{gap.network_address}/{length}"


def _collapsed(prefixes: Iterable[str]) -> list[Range]:
    rows: list[Any] = [ipaddress.ip_network(one) for one in prefixes]
    return list(ipaddress.collapse_addresses(rows))


def _free(prefixes: Iterable[str], taken: Iterable[str]) -> Iterator[Range]:
    """The gaps between the taken ranges, as ranges; all are of one IP version."""
    busy = [_ends(one) for one in _collapsed(taken)]
    for whole in _collapsed(prefixes):
        kind = type(whole.network_address)
        start, end = _ends(whole)
        for first, last in busy:
            if last < start or first > end:
                continue
            if first > start:
                yield from _summed(kind, start, first - 1)
            start = last + 1
        if start <= end:
            yield from _summed(kind, start, end)


def _ends(one: Range) -> tuple[int, int]:
    return int(one.network_address), int(one.broadcast_address)


def _summed(kind: Any, first: int, last: int) -> Iterator[Range]:
    yield from ipaddress.summarize_address_range(kind(first), kind(last))
