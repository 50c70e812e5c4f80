"""Which cells of a host a guest lies on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.servers.placement.fit.factories import (
    NIC,
    host_cells,
    make_device,
    make_guest,
    make_host,
    make_request,
    place,
    refuse,
)


def cells(*values: dict[str, Any]) -> list[dict[str, Any]]:
    """Cells with two shared and two dedicated CPUs each."""
    return [
        {
            "shared_cpus": f"{4 * index}-{4 * index + 1}",
            "dedicated_cpus": f"{4 * index + 2}-{4 * index + 3}",
            **given,
        }
        for index, given in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("policy", "usage", "spread", "packed"),
    [
        pytest.param("shared", [{}, {}], 0, 0, id="the first among equals"),
        pytest.param("shared", [{"memory_used_mb": 9}, {}], 1, 0, id="memory"),
        pytest.param("shared", [{"shared_cpus_used": 1}, {}], 1, 0, id="CPUs that float"),
        pytest.param(
            "shared", [{"shared_cpus_used": 1}, {"memory_used_mb": 9}], 1, 0, id="CPUs, then memory"
        ),
        pytest.param("dedicated", [{"pinned_cpus": "2"}, {}], 1, 0, id="CPUs that are taken"),
        pytest.param("dedicated", [{}, {"shared_cpus_used": 1}], 0, 0, id="only the policy's CPUs"),
    ],
)
def test_the_least_used_cell_is_tried_first_or_the_most_used(
    policy: str, usage: list[dict[str, Any]], spread: int, packed: int
) -> None:
    guest = make_guest("0", policy=policy)
    assert host_cells(place(make_host(*cells(*usage)), guest)) == [spread]
    assert host_cells(place(make_host(*cells(*usage), pack_cells=True), guest)) == [packed]


def test_cells_with_devices_are_kept_for_guests_that_ask_for_some() -> None:
    host = make_host(*cells({}, {"memory_used_mb": 9}), devices=[make_device(1, numa_node=0)])
    assert host_cells(place(host, make_guest("0"))) == [1]
    request = make_request(NIC, policy="preferred")
    assert host_cells(place(host, make_guest("0"), devices=(request,))) == [0]


def test_all_cells_of_a_host_are_taken_in_their_order() -> None:
    host = make_host(*cells({"memory_used_mb": 9}, {}))
    assert host_cells(place(host, make_guest("0", "1"))) == [0, 1]


def test_cells_are_exchanged_where_one_takes_only_one_of_the_guest() -> None:
    host = make_host(*cells({}, {"pinned_cpus": "6"}))
    assert host_cells(place(host, make_guest("0", "1-2"))) == [1, 0]


@pytest.mark.parametrize(
    ("host", "guest", "reason"),
    [
        ([], ["0"], "The guest asks for a NUMA layout; the host does not tell of its NUMA cells."),
        ([{}], ["0", "1"], "NUMA cells of the guest: 2, of the host: 1."),
        (
            [{}, {"pinned_cpus": "6"}],
            ["0", "1-3"],
            (
                "No cell of the host takes cell 1 of the guest: on cell 0, dedicated CPUs needed:"
                " 3, free: 2; on cell 1, dedicated CPUs needed: 3, free: 1."
            ),
        ),
        (
            [{}, {"pinned_cpus": "6"}],
            ["0-1", "2-3"],
            "Cells of the host take each cell of the guest, but not all of them at once.",
        ),
    ],
)
def test_the_reason_of_a_misfit_is_told(
    host: list[dict[str, Any]], guest: list[str], reason: str
) -> None:
    assert refuse(make_host(*cells(*host)), make_guest(*guest)) == reason


NETWORKS = cells({"physnets": ["left"]}, {"physnets": ["right", "both"], "tunneled": True}, {})


@pytest.mark.parametrize(
    ("networks", "chosen"),
    [
        ({}, 0),
        ({"physnets": {"left"}}, 0),
        ({"physnets": {"right"}}, 1),
        ({"physnets": {"right", "both"}, "tunneled": True}, 1),
        ({"tunneled": True}, 1),
        ({"physnets": {"elsewhere"}}, 0),
    ],
)
def test_a_guest_lies_near_its_networks(networks: dict[str, Any], chosen: int) -> None:
    demand = {**networks, "physnets": frozenset(networks.get("physnets", ()))}
    assert host_cells(place(make_host(*NETWORKS), make_guest("0"), **demand)) == [chosen]


@pytest.mark.parametrize(
    ("networks", "reason"),
    [
        (
            {"physnets": frozenset({"left", "right"})},
            "On cell 0 of the host, the physical networks right are near other cells; on cell 1 of",
        ),
        (
            {"physnets": frozenset({"left"}), "tunneled": True},
            "On cell 0 of the host, the tunneled networks are near other cells; on cell 1 of",
        ),
    ],
)
def test_networks_near_different_cells_refuse_a_guest_of_one(
    networks: dict[str, Any], reason: str
) -> None:
    assert refuse(make_host(*NETWORKS), make_guest("0"), **networks).startswith(reason)
    assert host_cells(place(make_host(*NETWORKS), make_guest("0", "1"), **networks)) == [0, 1]


def test_tunneled_networks_without_a_place_do_not_matter() -> None:
    place(make_host(*cells({}, {})), make_guest("0"), tunneled=True)


def test_devices_decide_between_cells() -> None:
    devices = [make_device(slot, numa_node=1) for slot in (1, 2)]
    devices.append(make_device(3, numa_node=0, physical_network="other"))
    host = make_host(*cells({}, {}), devices=devices)
    request = make_request({**NIC, "physical_network": None}, count=2, policy="required")
    placement = place(host, make_guest("0"), devices=(request,))
    assert host_cells(placement) == [1]
    assert placement.addresses == ("0000:01:00.0", "0000:02:00.0")


def test_a_search_among_very_many_cells_comes_to_an_end() -> None:
    many = [{"dedicated_cpus": f"{index}", "memory_mb": 1024} for index in range(24)]
    host = make_host(*many, devices=[make_device(1)])
    request = make_request(NIC, policy="required")
    reason = refuse(host, make_guest(*map(str, range(8))), devices=(request,))
    assert reason.endswith("; the search ended after 1000 sets of cells.")


def test_many_cells_are_searched_within_bounds() -> None:
    """8 cells of a guest on 8 of a host have 40,320 orders; none of them suits the device."""
    many = [{"id": index, "dedicated_cpus": f"{index}", "memory_mb": 1024} for index in range(8)]
    host = make_host(*many, devices=[make_device(1)])
    request = make_request(NIC, policy="required")
    reason = refuse(host, make_guest(*map(str, range(8))), devices=(request,))
    assert reason.startswith("On cells 0, 1, 2, 3, 4, 5, 6, 7 of the host, PCI devices needed for")
