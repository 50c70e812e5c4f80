"""The memory of a guest, and the pages that back it."""

from __future__ import annotations

import pytest

from tests.servers.placement.fit.factories import make_guest, make_host, place, refuse

CPUS = {"shared_cpus": "0-3", "dedicated_cpus": "4-7"}
SMALL = {"size_kb": 4, "total": 262144}
BIG = {"size_kb": 2048, "total": 1024}
HUGE = {"size_kb": 1048576, "total": 1}
PAGED = {**CPUS, "pages": [SMALL, BIG, HUGE]}
"""1 GiB of small pages, 2 GiB of 2 MiB, one page of 1 GiB."""


@pytest.mark.parametrize("policy", ["shared", "dedicated"])
@pytest.mark.parametrize(
    ("page_size", "memory_mb", "chosen"),
    [
        ("small", 1024, 4),
        ("large", 1024, 1048576),
        ("large", 512, 2048),
        ("any", 1024, 1048576),
        ("any", 2048, 2048),
        ("any", 511, 4),
        (2048, 1024, 2048),
        (4, 512, 4),
    ],
)
def test_pages_are_as_large_as_asked_and_possible(
    policy: str, page_size: int | str, memory_mb: int, chosen: int
) -> None:
    guest = make_guest("0", policy=policy, page_size=page_size, memory_mb=memory_mb)
    (cell,) = place(make_host(PAGED), guest).cells
    assert cell.page_size == cell.counted_page_size == chosen


@pytest.mark.parametrize(
    ("page_size", "memory_mb", "reason"),
    [
        ("small", 1025, "small size: 1025, free pages: 262144 of 4 KiB, 1024 of 2048 KiB, 1 of"),
        ("large", 511, "MiB needed in free pages of large size: 511"),
        (2048, 2050, "MiB needed in free pages of 2048 KiB: 2050"),
        (64, 64, "MiB needed in free pages of 64 KiB: 64"),
    ],
)
def test_pages_that_are_not_there_are_told(
    page_size: int | str, memory_mb: int, reason: str
) -> None:
    guest = make_guest("0", page_size=page_size, memory_mb=memory_mb)
    assert reason in refuse(make_host(PAGED), guest)


def test_pages_in_use_or_kept_are_not_free() -> None:
    pages = {**BIG, "used": 300, "reserved": 300}
    host = make_host({**CPUS, "pages": [SMALL, pages]})
    place(host, make_guest("0", page_size=2048, memory_mb=848))
    refuse(host, make_guest("0", page_size=2048, memory_mb=850))


def test_a_guest_without_a_page_size_uses_ordinary_pages() -> None:
    (cell,) = place(make_host(PAGED), make_guest("0")).cells
    assert (cell.page_size, cell.counted_page_size) == (None, 4)


@pytest.mark.parametrize("pages", [[], [SMALL]])
@pytest.mark.parametrize(
    ("policy", "fits"), [(None, True), ("shared", True), ("dedicated", False), ("mixed", False)]
)
def test_ordinary_memory_is_shared_by_guests_that_share_cpus(
    pages: list[dict[str, int]], policy: str | None, fits: bool
) -> None:
    used = [{**size, "used": 200000} for size in pages]
    cell = {**CPUS, "memory_mb": 1024, "memory_used_mb": 800, "pages": used}
    host = make_host(cell, ram_allocation_ratio=1.5)
    guest = make_guest({"cpus": "0", "dedicated_cpus": "1"}, policy=policy)
    if policy != "mixed":
        guest = make_guest("0", policy=policy)
    if fits:
        place(host, guest)
    else:
        refuse(host, guest)


@pytest.mark.parametrize("pages", [[], [SMALL]])
def test_no_guest_is_larger_than_the_memory(pages: list[dict[str, int]]) -> None:
    host = make_host({**CPUS, "memory_mb": 1024, "pages": pages}, ram_allocation_ratio=4.0)
    place(host, make_guest("0", policy="shared", memory_mb=1024))
    refuse(host, make_guest("0", policy="shared", memory_mb=1025))


def test_the_allocation_ratio_bounds_the_memory_of_guests_that_share() -> None:
    host = make_host({**CPUS, "memory_used_mb": 5500}, ram_allocation_ratio=1.5)
    place(host, make_guest("0", policy="shared", memory_mb=644))
    reason = refuse(host, make_guest("0", policy="shared", memory_mb=645))
    assert "MiB of memory that would be used: 6145, limit: 6144" in reason


@pytest.mark.parametrize("policy", ["shared", "dedicated"])
@pytest.mark.parametrize("pages", [[], [{"size_kb": 4, "total": 1048576}]])
def test_memory_of_the_host_itself_is_not_for_guests(
    policy: str, pages: list[dict[str, int]]
) -> None:
    host = make_host({**CPUS, "memory_reserved_mb": 1024, "pages": pages})
    place(host, make_guest("0", policy=policy, memory_mb=3072))
    refuse(host, make_guest("0", policy=policy, memory_mb=3073))


def test_memory_of_the_host_itself_is_not_taken_off_large_pages() -> None:
    host = make_host({**PAGED, "memory_reserved_mb": 1024})
    place(host, make_guest("0", page_size=2048, memory_mb=2048))
    refuse(host, make_guest("0", page_size=4, memory_mb=4))


@pytest.mark.parametrize(
    ("used", "ratio", "fits"), [(0, 1.0, True), (1, 1.0, False), (4, 2.0, True), (5, 2.0, False)]
)
def test_the_allocation_ratio_bounds_the_cpus_that_float(
    used: int, ratio: float, fits: bool
) -> None:
    host = make_host({**CPUS, "shared_cpus_used": used}, cpu_allocation_ratio=ratio)
    guest = make_guest("0-3", policy="shared")
    if fits:
        place(host, guest)
    else:
        assert f"CPUs that would share: {used + 4}, limit: {4 * ratio:.10g}" in refuse(host, guest)


def test_no_guest_has_more_cpus_than_there_are() -> None:
    host = make_host(CPUS, cpu_allocation_ratio=16.0)
    guest = make_guest("0-4", policy="shared")
    assert "shared CPUs needed: 5, there: 4" in refuse(host, guest)
