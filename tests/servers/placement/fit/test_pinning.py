"""Which CPUs a guest with CPUs of its own gets."""

from __future__ import annotations

from typing import Any

import pytest

from servers.placement.fit import claim
from tests.servers.placement.fit.factories import make_guest, make_host, place, refuse

FOUR_CORES = {"dedicated_cpus": "0-7", "siblings": ["0,4", "1,5", "2,6", "3,7"]}
UNDIVIDED = {"shared_cpus": "0-7", **FOUR_CORES}
"""A host that keeps both kinds of guests on all its CPUs."""
SINGLES = {"dedicated_cpus": "0-3"}


@pytest.mark.parametrize(
    ("pinned", "cpus", "thread_policy", "chosen"),
    [
        pytest.param("", "0-3", None, [0, 4, 1, 5], id="whole cores first"),
        pytest.param("", "0-2", "prefer", [0, 4, 1], id="an odd CPU lies on a core of its own"),
        pytest.param("0", "0-1", "prefer", [1, 5], id="a core in use is left out"),
        pytest.param("0-3", "0-1", "prefer", [4, 5], id="single threads where no core is free"),
        pytest.param("0-2", "0-2", "prefer", [4, 5, 6], id="one thread of each core"),
        pytest.param("0-2", "0-4", "prefer", [4, 5, 6, 3, 7], id="any threads at last"),
        pytest.param("", "0-3", "require", [0, 4, 1, 5], id="required siblings"),
        pytest.param("0-2", "0-1", "require", [3, 7], id="the last whole core"),
        pytest.param("", "0", "require", [0], id="a single CPU needs no second thread"),
    ],
)
def test_cpus_are_chosen_by_cores(
    pinned: str, cpus: str, thread_policy: str | None, chosen: list[int]
) -> None:
    host = make_host({**FOUR_CORES, "pinned_cpus": pinned})
    (cell,) = place(host, make_guest(cpus, thread_policy=thread_policy)).cells
    assert list(cell.pinning.values()) == chosen


@pytest.mark.parametrize(
    ("host", "guest", "reason"),
    [
        (SINGLES, {"cpus": "0-4"}, "dedicated CPUs needed: 5, free: 4"),
        ({**SINGLES, "pinned_cpus": "1-3"}, {"cpus": "0-1"}, "dedicated CPUs needed: 2, free: 1"),
        ({"shared_cpus": "0-7"}, {"cpus": "0"}, "dedicated CPUs needed: 1, free: 0"),
        (
            {**FOUR_CORES, "pinned_cpus": "0-3"},
            {"cpus": "0-1", "thread_policy": "require"},
            "CPUs needed: 2 on cores with several free threads, free: 4 on 4 cores",
        ),
        (SINGLES, {"cpus": "0-1", "thread_policy": "require"}, "cores have one thread each"),
        (FOUR_CORES, {"cpus": "0", "thread_policy": "isolate"}, "several threads each"),
        (
            {**UNDIVIDED, "pinned_cpus": "0-2"},
            {"cpus": "0-1", "thread_policy": "isolate"},
            "cores needed of which every thread is free: 2, there: 1",
        ),
    ],
)
def test_a_guest_that_does_not_fit_is_told_why(
    host: dict[str, Any], guest: dict[str, Any], reason: str
) -> None:
    assert reason in refuse(make_host(host), make_guest(guest))


def test_an_isolated_guest_leaves_the_threads_beside_it_idle() -> None:
    host = make_host(UNDIVIDED)
    placement = place(host, make_guest("0-1", thread_policy="isolate"))
    (cell,) = placement.cells
    assert (dict(cell.pinning), cell.idle_cpus) == ({0: 0, 1: 1}, {4, 5})
    assert claim(host, placement, holder="guest").cells[0].pinned_cpus == {0, 1, 4, 5}


def test_a_guest_is_isolated_on_cores_of_one_thread() -> None:
    (cell,) = place(make_host(SINGLES), make_guest("0-1", thread_policy="isolate")).cells
    assert (dict(cell.pinning), cell.idle_cpus) == ({0: 0, 1: 1}, frozenset())


@pytest.mark.parametrize(
    ("host", "thread_policy", "emulator", "idle"),
    [
        pytest.param(FOUR_CORES, None, {1}, set(), id="beside the guest"),
        pytest.param(FOUR_CORES, "require", {1}, set(), id="not on the guest's core"),
        pytest.param(UNDIVIDED, "isolate", {2}, {4, 5, 6}, id="on a core of its own"),
        pytest.param(
            {**UNDIVIDED, "pinned_cpus": "0"}, "isolate", {3}, {5, 6, 7}, id="on a whole core"
        ),
    ],
)
def test_isolated_emulator_threads_get_a_cpu(
    host: dict[str, Any], thread_policy: str | None, emulator: set[int], idle: set[int]
) -> None:
    guest = make_guest("0-1", thread_policy=thread_policy, emulator_policy="isolate")
    (cell,) = place(make_host(host), guest).cells
    assert (cell.emulator_cpus, cell.idle_cpus) == (emulator, idle)


def test_emulator_threads_lie_with_the_first_cell_alone() -> None:
    guest = make_guest("0-1", "2-3", emulator_policy="isolate")
    host = make_host({"dedicated_cpus": "0-2"}, {"dedicated_cpus": "3-5"})
    assert [len(cell.emulator_cpus) for cell in place(host, guest).cells] == [1, 0]


def test_emulator_threads_that_share_take_nothing() -> None:
    guest = make_guest("0-3", emulator_policy="share")
    placement = place(make_host(SINGLES), guest)
    assert placement.cells[0].emulator_cpus == frozenset()
    assert placement.emulator_policy == "share"


def test_emulator_threads_may_be_one_cpu_too_much() -> None:
    guest = make_guest("0-3", emulator_policy="isolate")
    reason = refuse(make_host(SINGLES), guest)
    assert "dedicated CPUs needed: 5 (one for the emulator's threads), free: 4" in reason


def test_a_mixed_guest_floats_with_one_part_and_is_pinned_with_the_other() -> None:
    host = make_host({"shared_cpus": "0-1", "dedicated_cpus": "2-5"})
    guest = make_guest({"cpus": "0-1", "dedicated_cpus": "2-3"}, policy="mixed")
    placement = place(host, guest)
    (cell,) = placement.cells
    assert (cell.cpus, dict(cell.pinning)) == ({0, 1}, {2: 2, 3: 3})
    claimed = claim(host, placement, holder="guest").cells[0]
    assert (claimed.shared_cpus_used, claimed.pinned_cpus) == (2, {2, 3})


@pytest.mark.parametrize(
    ("thread_policy", "emulator_policy", "reason"),
    [
        ("isolate", None, "a guest with isolated CPUs needs dedicated ones in each of its cells"),
        (None, "isolate", "the guest's first cell has no dedicated CPU"),
    ],
)
def test_a_cell_of_a_mixed_guest_may_need_a_dedicated_cpu(
    thread_policy: str | None, emulator_policy: str | None, reason: str
) -> None:
    guest = make_guest(
        {"cpus": "0"},
        {"dedicated_cpus": "1"},
        policy="mixed",
        thread_policy=thread_policy,
        emulator_policy=emulator_policy,
    )
    cell = {"shared_cpus": "0-1", "dedicated_cpus": "2-5"}
    other = {"shared_cpus": "6-7", "dedicated_cpus": "8-11"}
    assert reason in refuse(make_host(cell, other), guest)


def test_a_cell_of_memory_alone_is_for_guests_without_dedicated_cpus() -> None:
    host = make_host({"shared_cpus": "0-1", "dedicated_cpus": "2-5"})
    place(host, make_guest("", policy="shared"))
    assert "a cell of a guest with dedicated CPUs needs a CPU" in refuse(host, make_guest(""))


def test_cpus_that_guests_may_not_use_are_no_threads() -> None:
    """The host keeps the second thread of each core, so its cores have one thread for guests."""
    host = make_host({"dedicated_cpus": "0-1", "siblings": ["0,4", "1,5"]})
    place(host, make_guest("0-1", thread_policy="isolate"))
    assert "one thread each" in refuse(host, make_guest("0-1", thread_policy="require"))
