"""The checker of placements sees what is wrong with one."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from servers.placement.fit import ChosenDevices, GuestDemand, GuestPlacement, fit_on_host
from tests.servers.placement.fit.checker import check_placement
from tests.servers.placement.fit.factories import (
    NIC,
    make_device,
    make_guest,
    make_host,
    make_nic,
    make_request,
)

HOST = make_host(
    {
        "shared_cpus": "0-7",
        "dedicated_cpus": "0-7",
        "siblings": ["0,4", "1,5", "2,6", "3,7"],
        "pinned_cpus": "3,7",
        "pages": [{"size_kb": 4, "total": 524288}, {"size_kb": 2048, "total": 300}],
    },
    {"dedicated_cpus": "8-9"},
    devices=[
        *make_nic(1, numa_node=0),
        make_device(2, numa_node=1),
        make_device(3, numa_node=0, held_by="other"),
        make_device(4, numa_node=0, product_id="ffff"),
        make_device(5, numa_node=0, reserved=True),
    ],
)


def demand_of(thread_policy: str, memory_mb: int = 512) -> GuestDemand:
    guest = make_guest("0-1", thread_policy=thread_policy, page_size=2048, memory_mb=memory_mb)
    return GuestDemand(numa=guest, devices=(make_request(NIC, policy="required"),))


def placement_of(demand: GuestDemand) -> GuestPlacement:
    found = fit_on_host(HOST, demand)
    assert isinstance(found, GuestPlacement)
    return found


@pytest.mark.parametrize(
    ("thread_policy", "wrong"),
    [
        pytest.param("prefer", {"pinning": {0: 1, 1: 1}}, id="a CPU twice"),
        pytest.param("prefer", {"pinning": {0: 1}}, id="no CPU"),
        pytest.param("prefer", {"pinning": {0: 2, 1: 3}}, id="a CPU of another guest"),
        pytest.param("prefer", {"pinning": {0: 2, 1: 8}}, id="a CPU of another cell"),
        pytest.param("prefer", {"emulator_cpus": frozenset({2})}, id="a CPU too many"),
        pytest.param("require", {"pinning": {0: 0, 1: 1}}, id="two cores"),
        pytest.param("isolate", {"idle_cpus": frozenset()}, id="threads left to others"),
        pytest.param("isolate", {"pinning": {0: 0, 1: 4}}, id="one core"),
        pytest.param("prefer", {"page_size": 4, "counted_page_size": 4}, id="other pages"),
        pytest.param("prefer", {"host_cell": 1}, id="another cell"),
        pytest.param("prefer", {"memory_mb": 2}, id="another size"),
    ],
)
def test_a_wrong_cell_is_seen(thread_policy: str, wrong: dict[str, Any]) -> None:
    demand = demand_of(thread_policy)
    placement = placement_of(demand)
    check_placement(HOST, demand, placement)
    cells = (dataclasses.replace(placement.cells[0], **wrong),)
    with pytest.raises(AssertionError):
        check_placement(HOST, demand, dataclasses.replace(placement, cells=cells))


def test_too_much_memory_is_seen() -> None:
    placement = placement_of(demand_of("prefer"))
    more = dataclasses.replace(placement.cells[0], memory_mb=1024)
    with pytest.raises(AssertionError, match="more pages than are free"):
        check_placement(
            HOST, demand_of("prefer", 1024), dataclasses.replace(placement, cells=(more,))
        )


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param((), id="none"),
        pytest.param(("0000:01:00.0",), id="a whole card"),
        pytest.param(("0000:02:00.0",), id="too far"),
        pytest.param(("0000:03:00.0",), id="held"),
        pytest.param(("0000:04:00.0",), id="another product"),
        pytest.param(("0000:05:00.0",), id="reserved"),
        pytest.param(("0000:01:02.0", "0000:01:02.1"), id="too many"),
    ],
)
def test_wrong_devices_are_seen(addresses: tuple[str, ...]) -> None:
    demand = demand_of("prefer")
    chosen = (ChosenDevices(name="card", addresses=addresses),)
    placement = dataclasses.replace(placement_of(demand), devices=chosen)
    with pytest.raises(AssertionError):
        check_placement(HOST, demand, placement)
