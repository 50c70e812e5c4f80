"""What a request spec demands of a host."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import RequestSpec, ServerGroup
from servers.placement.demand import read_demand

FLAVOR = {"vcpus": 2, "memory_mb": 2048, "root_gb": 20, "ephemeral_gb": 5, "swap": 0}


def spec(*, flavor: dict[str, Any] | None = None, **values: Any) -> RequestSpec:
    return RequestSpec(flavor={**FLAVOR, **(flavor or {})}, **values)


@pytest.mark.parametrize(
    ("flavor", "values", "disk_gb"),
    [
        ({}, {}, 25),
        ({}, {"is_bfv": True}, 5),
        ({"swap": 1}, {}, 26),
        ({"swap": 1024}, {}, 26),
        ({"swap": 1025}, {}, 27),
        ({"extra_specs": {"resources:DISK_GB": "7"}}, {}, 7),
        ({"extra_specs": {"resources:DISK_GB": "seven"}}, {}, 25),
    ],
)
def test_disk_is_root_ephemeral_and_swap(
    flavor: dict[str, Any], values: dict[str, Any], disk_gb: int
) -> None:
    assert read_demand(spec(flavor=flavor, **values)).disk_gb == disk_gb


def test_the_flavor_may_ask_for_other_resources_than_it_shows() -> None:
    extra_specs = {"resources:VCPU": "0", "resources:MEMORY_MB": "1"}
    demand = read_demand(spec(flavor={"extra_specs": extra_specs}))
    assert (demand.vcpus, demand.memory_mb) == (0, 1)


def test_traits_come_from_flavor_and_image() -> None:
    demand = read_demand(
        spec(
            flavor={"extra_specs": {"trait:A": "required", "trait:B": "forbidden", "hw:x": "y"}},
            image={"properties": {"trait:C": "required", "trait:D": "maybe"}},
        )
    )
    assert demand.required_traits == {"A", "C"}
    assert demand.forbidden_traits == {"B"}


@pytest.mark.parametrize(
    ("hint", "servers"),
    [(["A1", "b2"], {"a1", "b2"}), ("A1", {"a1"}), ([], set()), (None, set()), (5, set())],
)
def test_hints_name_servers(hint: Any, servers: set[str]) -> None:
    demand = read_demand(spec(scheduler_hints={"same_host": hint, "different_host": hint}))
    assert demand.near_servers == demand.apart_servers == servers


def test_force_and_destination() -> None:
    forced = read_demand(spec(force_hosts=["host1"]))
    assert forced.is_forced
    wanted = read_demand(spec(requested_destination={"host": "host1", "node": None}))
    assert not wanted.is_forced
    assert (wanted.wanted_host, wanted.wanted_node) == ("host1", None)


@pytest.mark.parametrize(
    ("policy", "rules", "limit"),
    [
        ("affinity", {}, 1),
        ("anti-affinity", {}, 1),
        ("anti-affinity", {"max_server_per_host": 3}, 3),
        ("soft-anti-affinity", {}, 1),
    ],
)
def test_the_group_of_the_spec_gives_the_rule(
    policy: str, rules: dict[str, int], limit: int
) -> None:
    demand = read_demand(spec(instance_group=ServerGroup(policy=policy, rules=rules)))
    assert demand.group is not None
    assert (demand.group.policy, demand.group.max_per_host) == (policy, limit)
