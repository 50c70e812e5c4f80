"""Claims on a host and what is given back of it, by the order of guests that come and go."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.placement.fit import (
    CannotClaim,
    GuestDemand,
    GuestPlacement,
    HostTopology,
    NotHeld,
    claim,
    claim_all,
    fit_on_host,
    give_back,
)
from tests.servers.placement.fit.checker import check_placement
from tests.servers.placement.fit.factories import (
    NIC,
    WHOLE_NIC,
    make_guest,
    make_host,
    make_nic,
    make_request,
    place,
)

WHOLE = {**WHOLE_NIC, "device_type": "type-PF"}


@st.composite
def hosts(draw: st.DrawFn) -> HostTopology:
    """Hosts without guests, of many kinds."""
    threads = draw(st.sampled_from([1, 2, 2, 4]))
    divided = draw(st.booleans())
    paged = draw(st.sampled_from(["none", "small", "large"]))
    cells, devices = [], []
    for index in range(draw(st.integers(1, 3))):
        cores = [
            list(range(first, first + threads))
            for first in range(100 * index, 100 * index + 6 * threads, threads)
        ]
        cpus = [cpu for core in cores for cpu in core]
        shared = draw(st.integers(0, len(cpus))) if divided else len(cpus)
        pages = [{"size_kb": 4, "total": 131072}, {"size_kb": 2048, "total": 256}]
        cells.append(
            {
                "siblings": cores,
                "shared_cpus": cpus[:shared],
                "dedicated_cpus": cpus[shared:] if divided else cpus,
                "memory_mb": 1024,
                "memory_reserved_mb": draw(st.sampled_from([0, 128])),
                "pages": {"none": [], "small": pages[:1], "large": pages}[paged],
                "socket": index,
            }
        )
        devices += make_nic(index + 1, functions=3, numa_node=index)
    return make_host(
        *cells, devices=devices, ram_allocation_ratio=draw(st.sampled_from([1.0, 1.5]))
    )


@st.composite
def demands(draw: st.DrawFn) -> GuestDemand:
    policy = draw(st.sampled_from([None, "dedicated", "dedicated", "mixed"]))
    pinned = policy in {"dedicated", "mixed"}
    cells: list[dict[str, Any]] = []
    for index in range(draw(st.integers(1, 2))):
        first = 10 * index
        cell = {"cpus": list(range(first, first + draw(st.integers(1, 4))))}
        if policy == "mixed":
            cell["dedicated_cpus"] = [first + 5]
        cells.append({name: ",".join(map(str, cpus)) for name, cpus in cell.items()})
    numa = make_guest(
        *cells,
        policy=policy,
        thread_policy=draw(st.sampled_from([None, "prefer", "isolate", "require"]))
        if pinned
        else None,
        emulator_policy=draw(st.sampled_from([None, "isolate"])) if pinned else None,
        page_size=draw(st.sampled_from([None, None, "small", "large", "any", 2048])),
        memory_mb=draw(st.sampled_from([64, 128, 256])),
    )
    asked = draw(st.lists(st.sampled_from([NIC, NIC, WHOLE]), max_size=2))
    policies = st.sampled_from(["required", "preferred", "legacy", "socket"])
    requests = tuple(make_request(spec, policy=draw(policies)) for spec in asked)
    return GuestDemand(numa=draw(st.sampled_from([numa, numa, None])), devices=requests)


def check_host(host: HostTopology, before: HostTopology) -> None:
    """Nothing of the host is over, and nothing but its use has changed."""
    assert host.without_usage() == before
    for cell in host.cells:
        assert cell.pinned_cpus <= cell.dedicated_cpus
        usable = cell.memory_mb - cell.memory_reserved_mb
        limits = host.limits
        assert 0 <= cell.memory_used_mb <= usable * limits.ram_allocation_ratio
        assert cell.shared_cpus_used >= 0
        assert cell.shared_cpus_used <= len(cell.shared_cpus) * limits.cpu_allocation_ratio
        for pages in cell.pages:
            assert pages.used >= 0
            if pages.size_kb != cell.pages[0].size_kb:
                assert pages.used + pages.reserved <= pages.total
    held = {device.address for device in host.devices if device.held_by}
    assert not any(device.parent in held for device in host.devices if device.held_by)


@given(hosts(), st.lists(st.tuples(demands(), st.integers(0, 9)), max_size=10))
def test_guests_come_and_go_and_nothing_is_over_or_left(
    empty: HostTopology, arrivals: list[tuple[GuestDemand, int]]
) -> None:
    """A draw of 7 and more lets the guest that is there longest go first."""
    host = empty
    there: dict[str, GuestPlacement] = {}
    for number, (demand, leaves) in enumerate(arrivals):
        if leaves >= 7 and there:
            holder = next(iter(there))
            host = give_back(host, there.pop(holder), holder=holder)
            check_host(host, empty)
        placement = fit_on_host(host, demand)
        if not isinstance(placement, GuestPlacement):
            continue
        check_placement(host, demand, placement)
        holder = f"guest {number}"
        after = claim(host, placement, holder=holder)
        assert give_back(after, placement, holder=holder) == host
        host, there[holder] = after, placement
        check_host(host, empty)
    assert host == claim_all(empty, there)
    for holder, placement in there.items():
        host = give_back(host, placement, holder=holder)
    assert host == empty


@given(hosts(), demands())
def test_forms_are_read_back_as_they_were(host: HostTopology, demand: GuestDemand) -> None:
    placement = fit_on_host(host, demand)
    if isinstance(placement, GuestPlacement):
        form = json.loads(json.dumps(placement.as_json()))
        assert GuestPlacement.from_json(form) == placement
        host = claim(host, placement, holder="guest")
    assert HostTopology.from_json(json.loads(json.dumps(host.as_json()))) == host


CELL = {
    "dedicated_cpus": "0-3",
    "memory_mb": 1024,
    "pages": [{"size_kb": 4, "total": 131072}, {"size_kb": 2048, "total": 256}],
}
HOST = make_host(CELL, devices=make_nic(1))
PLACED = place(HOST, make_guest("0-2", page_size=2048, memory_mb=300), devices=(make_request(NIC),))


def without(part: str) -> GuestPlacement:
    """The placement with only its cell, or only its devices."""
    return dataclasses.replace(PLACED, **{part: ()})


@pytest.mark.parametrize(
    ("host", "placement", "reason"),
    [
        (claim(HOST, PLACED, holder="other"), without("devices"), "The dedicated CPUs 0-2 of cell"),
        (claim(HOST, PLACED, holder="other"), without("cells"), "The PCI devices 0000:01:02.0 are"),
        (
            claim(HOST, place(HOST, devices=(make_request(WHOLE),)), holder="other"),
            PLACED,
            "The PCI devices 0000:01:02.0 are taken or gone.",
        ),
        (
            make_host({**CELL, "pages": [{"size_kb": 2048, "total": 256, "used": 200}]}),
            without("devices"),
            "150 pages of 2048 KiB are needed on cell 0; free are 56.",
        ),
        (make_host({**CELL, "pages": []}), without("devices"), "has no pages of 2048 KiB."),
        (make_host({**CELL, "id": 5}), without("devices"), "The host has no NUMA cell 0."),
        (make_host({**CELL, "dedicated_cpus": "1-3"}), without("devices"), "CPUs 0 of cell 0 are"),
    ],
)
def test_a_fit_that_is_out_of_date_is_not_claimed(
    host: HostTopology, placement: GuestPlacement, reason: str
) -> None:
    with pytest.raises(CannotClaim) as caught:
        claim(host, placement, holder="guest")
    assert reason in str(caught.value)


def test_a_guest_does_not_get_a_card_as_a_whole_and_in_part() -> None:
    both = dataclasses.replace(
        PLACED,
        devices=(
            *PLACED.devices,
            *place(HOST, devices=(make_request(WHOLE),)).devices,
        ),
    )
    with pytest.raises(CannotClaim, match="twice, as a whole or in part"):
        claim(HOST, both, holder="guest")


@pytest.mark.parametrize(
    ("host", "placement", "reason"),
    [
        (HOST, PLACED, "guest does not have the PCI devices 0000:01:02.0."),
        (claim(HOST, PLACED, holder="other"), PLACED, "guest does not have the PCI devices"),
        (HOST, without("devices"), "The dedicated CPUs 0-2 of cell 0 are not taken."),
        (make_host({**CELL, "id": 5}), without("devices"), "The host has no NUMA cell 0."),
    ],
)
def test_what_is_not_held_is_not_given_back(
    host: HostTopology, placement: GuestPlacement, reason: str
) -> None:
    with pytest.raises(NotHeld) as caught:
        give_back(host, placement, holder="guest")
    assert reason in str(caught.value)


def test_a_guest_that_shares_is_given_back_once() -> None:
    host = make_host({"shared_cpus": "0-3"})
    placement = place(host, make_guest("0-1", policy="shared"))
    claimed = claim(host, placement, holder="guest")
    assert give_back(claimed, placement, holder="guest") == host
    with pytest.raises(NotHeld, match="Of cell 0 0 CPUs are used, not 2"):
        give_back(host, placement, holder="guest")
