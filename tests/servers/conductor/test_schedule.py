"""Which hosts will do for a demand, which of them is chosen, and what is said when none will."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.placement.demand import Demand, GroupRule
from servers.placement.schedule import HostState, NoValidHost, choose_hosts

SMALL = Demand(vcpus=1, memory_mb=1024, disk_gb=10)


def host(number: int = 1, **values: Any) -> HostState:
    """4 vCPUs, 4 GiB, 100 GiB; later hosts have a little less memory, so that the first wins."""
    name = f"host{number}"
    defaults = {
        "node_id": number,
        "provider_id": number,
        "host": name,
        "node": name,
        "cell_id": 1,
        "zone": "nova",
        "free_vcpus": 4,
        "free_memory_mb": 4096 + 10 - number,
        "free_disk_gb": 100,
    }
    return HostState(**{**defaults, **values})


def demand(**values: Any) -> Demand:
    return dataclasses.replace(SMALL, **values)


def chosen(wanted: Demand, hosts: list[HostState], count: int = 1) -> list[str]:
    return [placement.host.host for placement in choose_hosts(wanted, hosts, count=count)]


FILTERS = [
    ({}, {"enabled": False}, "disabled"),
    ({}, {"up": False}, "down"),
    ({}, {"cell_enabled": False}, "in a disabled cell"),
    ({"zone": "nova"}, {"zone": "other"}, "in another zone"),
    ({"wanted_host": "host2"}, {}, "not the requested host"),
    ({"wanted_node": "host2"}, {}, "not the requested host"),
    ({"forced_hosts": frozenset(["host2"])}, {}, "not the forced host"),
    ({"forced_nodes": frozenset(["host2"])}, {}, "not the forced host"),
    ({"ignored_hosts": frozenset(["host1"])}, {}, "to be ignored"),
    ({"apart_servers": frozenset(["x"])}, {"servers": frozenset(["x"])}, "by different_host"),
    ({"near_servers": frozenset(["x"])}, {"servers": frozenset(["y"])}, "by same_host"),
    ({"vcpus": 5}, {}, "with too little free vCPUs"),
    ({"memory_mb": 5000}, {}, "with too little free memory"),
    ({"disk_gb": 101}, {}, "with too little free disk"),
    (
        {"group": GroupRule(policy="anti-affinity")},
        {"members": 1},
        "closed by the rule of the server group",
    ),
    (
        {"group": GroupRule(policy="anti-affinity", max_per_host=2)},
        {"members": 2},
        "closed by the rule of the server group",
    ),
    (
        {"required_traits": frozenset(["HW_GPU"])},
        {"traits": frozenset(["HW_CPU"])},
        "without a required trait",
    ),
    (
        {"forbidden_traits": frozenset(["HW_CPU"])},
        {"traits": frozenset(["HW_CPU"])},
        "with a forbidden trait",
    ),
]


@pytest.mark.parametrize(("wanted", "state", "reason"), FILTERS)
def test_a_host_that_will_not_do_is_named_with_its_reason(
    wanted: dict[str, Any], state: dict[str, Any], reason: str
) -> None:
    with pytest.raises(NoValidHost) as caught:
        choose_hosts(demand(**wanted), [host(**state)], count=1)
    assert reason in caught.value.detail
    assert "1 hosts" in caught.value.detail
    assert reason in caught.value.details
    assert caught.value.details.startswith("host1 (host1): ")


@pytest.mark.parametrize(("wanted", "state", "reason"), FILTERS)
def test_a_host_beside_it_that_will_do_is_taken(
    wanted: dict[str, Any], state: dict[str, Any], reason: str
) -> None:
    room = {"free_vcpus": 9, "free_memory_mb": 9999, "free_disk_gb": 999}
    good = host(2, servers=wanted.get("near_servers", frozenset()), **room)
    good = dataclasses.replace(good, traits=wanted.get("required_traits", frozenset()))
    assert chosen(demand(**wanted), [host(**state), good]) == ["host2"]


def test_without_hosts_the_text_says_so() -> None:
    with pytest.raises(NoValidHost, match="there is no host"):
        choose_hosts(SMALL, [], count=1)


def test_a_forced_host_need_not_be_enabled_or_in_the_zone_but_must_have_room() -> None:
    forced = demand(forced_hosts=frozenset(["host2"]), zone="other")
    assert chosen(forced, [host(1), host(2, enabled=False)]) == ["host2"]
    with pytest.raises(NoValidHost, match="too little free memory"):
        choose_hosts(forced, [host(2, free_memory_mb=10)], count=1)


def test_a_requested_host_must_pass_the_filters() -> None:
    with pytest.raises(NoValidHost, match="1 disabled"):
        choose_hosts(demand(wanted_host="host1"), [host(enabled=False)], count=1)


def test_servers_are_spread_by_free_memory() -> None:
    assert chosen(SMALL, [host(1), host(2), host(3)], 4) == ["host1", "host2", "host3", "host1"]


def test_affinity_keeps_all_servers_on_the_one_host_that_has_room_for_all() -> None:
    together = demand(group=GroupRule(policy="affinity"))
    assert (
        chosen(together, [host(1), host(2, free_vcpus=8, free_memory_mb=6144)], 6) == ["host2"] * 6
    )
    with pytest.raises(NoValidHost, match="too small for the whole server group"):
        choose_hosts(together, [host(1), host(2)], count=5)


def test_affinity_follows_the_members_there_are() -> None:
    together = demand(group=GroupRule(policy="affinity"))
    assert chosen(together, [host(1), host(2, members=1)], 2) == ["host2", "host2"]
    with pytest.raises(NoValidHost, match="away from the server group"):
        choose_hosts(together, [host(1), host(2, members=1, up=False)], count=1)


def test_anti_affinity_keeps_servers_apart_up_to_the_limit_for_a_host() -> None:
    apart = demand(group=GroupRule(policy="anti-affinity", max_per_host=2))
    assert sorted(chosen(apart, [host(1, members=1), host(2)], 3)) == ["host1", "host2", "host2"]
    with pytest.raises(NoValidHost, match="1 of 4 servers"):
        choose_hosts(apart, [host(1, members=1), host(2)], count=4)


def test_soft_policies_are_wishes() -> None:
    hosts = [host(1), host(2, members=1)]
    near = demand(group=GroupRule(policy="soft-affinity"))
    apart = demand(group=GroupRule(policy="soft-anti-affinity"))
    assert chosen(near, hosts, 5) == ["host2"] * 4 + ["host1"]
    assert chosen(apart, hosts, 5) == ["host1", "host2", "host1", "host2", "host1"]


def test_alternates_are_the_next_best_hosts_of_the_cell() -> None:
    hosts = [host(1), host(2), host(3, cell_id=2), host(4), host(5)]
    [placement] = choose_hosts(SMALL, hosts, count=1, alternates=2)
    assert [state.host for state in placement.alternates] == ["host2", "host4"]


@given(
    rooms=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6144)), max_size=5),
    count=st.integers(1, 8),
    vcpus=st.integers(0, 3),
    memory=st.integers(0, 2048),
)
def test_no_host_is_ever_filled_beyond_its_room(
    rooms: list[tuple[int, int]], count: int, vcpus: int, memory: int
) -> None:
    hosts = [
        host(number, free_vcpus=cpus, free_memory_mb=free)
        for number, (cpus, free) in enumerate(rooms, start=1)
    ]
    wanted = Demand(vcpus=vcpus, memory_mb=memory, disk_gb=0)
    fits = sum(
        min(
            cpus // vcpus if vcpus else count,
            free // memory if memory else count,
            count,
        )
        for cpus, free in rooms
    )
    if fits < count:
        with pytest.raises(NoValidHost):
            choose_hosts(wanted, hosts, count=count)
        return
    names = chosen(wanted, hosts, count)
    for state in hosts:
        number = names.count(state.host)
        assert number * vcpus <= state.free_vcpus
        assert number * memory <= state.free_memory_mb
