"""Every demand that is accepted binds the placement: what becomes of a server is what becomes of it
in a real Nova, in three worlds (``demand_cases``).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from servers.models import Aggregate, ComputeNode, Instance
from servers.placement.rules import NAMES
from tests.servers.placement.demand_cases import (
    AGGREGATES,
    ALIASES,
    CASES,
    RICH,
    STRICT_AGGREGATES,
    VOLUME_CASES,
    Case,
)
from tests.servers.placement.rich_hosts import enrich, make_asking_port
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import (
    make_flavor,
    make_image,
    make_server_group,
    make_volume,
)
from tests.world.hosts import assert_hosts_add_up, make_host
from tests.world.jobs import run_jobs
from tests.world.orders import limit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

BARE, RICHER, STRICT = range(3)
SIZES = {"vcpus": 1000, "memory_mb": 800_000, "local_gb": 600_000}
DEFAULT_FILTERS = (
    *("ComputeFilter", "ComputeCapabilitiesFilter", "ImagePropertiesFilter"),
    *("ServerGroupAntiAffinityFilter", "ServerGroupAffinityFilter"),
)
"""Of Nova."""
LEFT_OUT = {"AllHostsFilter", "AggregateIoOpsFilter", "AggregateNumInstancesFilter"}
"""Not enabled in the strict world."""
NOT_GOLD = {"trait:CUSTOM_GOLD": "forbidden"}
"""A trait must be known before it can be forbidden; then the other host is meant."""
AT_ONCE = 25


def parts_of(world: int) -> list[list[Case]]:
    """All cases for the bare hosts; for others those in which they make a difference, and some."""
    cases = [
        case
        for number, case in enumerate(CASES)
        if world == BARE
        or case.outcome(world) != case.outcome(BARE)
        or ("E" not in case.became and number % 10 == 0)
    ]
    return [cases[start : start + AT_ONCE] for start in range(0, len(cases), AT_ONCE)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the hosts as they were when the cases were recorded."""

    def make(kind: int) -> None:
        nodes = [make_host(f"host{number}", **SIZES, disabled=number == 3) for number in (1, 2, 3)]
        both = [node.service for node in nodes[:2]]
        _aggregate("rack", AGGREGATES["rack"], both[:1])
        _aggregate("fast", AGGREGATES["fast"], both)
        changed: dict[str, Any] = {"pci_alias": ALIASES, "enabled_filters": DEFAULT_FILTERS}
        if kind == RICHER:
            enrich(nodes[0], RICH)
        if kind == STRICT:
            for name, metadata in STRICT_AGGREGATES.items():
                _aggregate(name, metadata, both)
            changed["cross_az_attach"] = False
            changed["enabled_filters"] = tuple(sorted(NAMES - LEFT_OUT))
        monkeypatch.setattr(settings, "OPTIONS", dataclasses.replace(settings.OPTIONS, **changed))
        for resource in ("instances", "cores", "ram"):
            limit(resource, -1)

    return make


def _aggregate(name: str, metadata: Mapping[str, str], services: list[Any]) -> None:
    Aggregate.objects.create(name=name, metadata=dict(metadata)).hosts.set(services)


@pytest.mark.parametrize(
    ("kind", "cases"),
    [
        pytest.param(kind, cases, id=f"{name}-{number}")
        for kind, name in enumerate(("bare", "rich", "strict"))
        for number, cases in enumerate(parts_of(kind))
    ],
)
def test_what_becomes_of_a_demand(
    world: Callable[[int], None], kind: int, cases: list[Case]
) -> None:
    world(kind)
    became, hosts = {}, {}
    for case in cases:
        with transaction.atomic():
            became[case.name] = outcome(case)
            hosts[case.name] = set(wanted().values_list("host", flat=True))
            transaction.set_rollback(True)
    assert became == {case.name: case.outcome(kind) for case in cases}
    if kind == RICHER:
        only_there = [case for case in cases if (case.outcome(0), case.outcome(1)) == ("E", "A")]
        assert {case.name: hosts[case.name] for case in only_there} == {
            case.name: {"host2" if case.specs == NOT_GOLD else "host1"} for case in only_there
        }


@pytest.mark.parametrize("kind", [BARE, STRICT], ids=["bare", "strict"])
@pytest.mark.parametrize("case", VOLUME_CASES, ids=lambda case: case.name)
def test_what_becomes_of_a_server_with_a_volume_of_a_zone(
    world: Callable[[int], None], kind: int, case: Case
) -> None:
    """A volume is attached in transactions of its own, so that each case is a test."""
    world(kind)
    assert outcome(case) == case.outcome(kind)


def wanted() -> QuerySet[Instance]:
    """The servers that a case has ordered."""
    return Instance.objects.filter(display_name__startswith="wanted")


def outcome(case: Case) -> str:
    """Order the servers of the case and let the workers work: in the letters of the table."""
    group = make_server_group(policy=case.group) if case.group else None
    hints = dict(case.hints) | ({"group": str(group.uuid)} if group else {})
    near = [_neighbour(hints if group else {}) for _ in range(case.members or int(case.near))]
    answer = ApiClient(Cast.admin if case.admin else Cast.member).post(
        "/servers",
        {
            "server": {"name": "wanted", **_references(case), **case.server},
            "os:scheduler_hints": {
                name: _told(value, near[0] if near else "") for name, value in hints.items()
            },
        },
        microversion="latest",
    )
    if answer.status != 202:
        return str(answer.status)
    run_jobs()
    assert_hosts_add_up()
    states = set(wanted().values_list("vm_state", flat=True))
    return "/".join(sorted({"active": "A", "error": "E"}.get(state, state) for state in states))


def _references(case: Case) -> dict[str, Any]:
    sizes = {"vcpus": 1, "ram": 512, "disk": 1, **case.sizes}
    flavor = make_flavor(
        vcpus=sizes["vcpus"],
        memory_mb=sizes["ram"],
        root_gb=sizes["disk"],
        extra_specs=dict(case.specs),
    )
    networks: Any = "none"
    if case.port is not None:
        networks = [{"port": str(make_asking_port(case.port).pk)}]
    references = {"flavorRef": flavor.flavorid, "networks": networks}
    if case.volume is not None:
        volume = make_volume(availability_zone=case.volume)
        boot = {"source_type": "volume", "destination_type": "volume", "boot_index": 0}
        return {**references, "block_device_mapping_v2": [{**boot, "uuid": str(volume.pk)}]}
    image = make_image(disk_format="raw", properties=dict(case.image))
    return {**references, "imageRef": str(image.pk)}


def _neighbour(hints: Mapping[str, Any]) -> str:
    """A server that runs on ``host1``."""
    body = {
        "server": {
            "name": "near",
            "flavorRef": make_flavor().flavorid,
            "imageRef": str(make_image().pk),
            "networks": "none",
            "availability_zone": "zone-a",
        },
        "os:scheduler_hints": dict(hints),
    }
    answer = ApiClient(Cast.member).post("/servers", body, microversion="latest").expect(202)
    run_jobs()
    server = str(answer.json["server"]["id"])
    assert Instance.objects.get(uuid=server).host == "host1"
    return server


def _told(value: Any, near: str) -> Any:
    if isinstance(value, str):
        return value.replace("{near}", near)
    return [_told(part, near) for part in value] if isinstance(value, list) else value


def test_hosts_with_more_are_as_the_table_says() -> None:
    """What the rich world is made of is really there, and counted nowhere else."""
    node = make_host("host1", **SIZES)
    children = enrich(node, RICH)
    node = ComputeNode.objects.get(pk=node.pk)
    assert children["eth-0"].parent == children["agent"]
    assert {child.pk for child in children.values()} < set(
        node.provider.tree.values_list("pk", flat=True)
    )
    assert (node.free_vcpus, node.vcpus) == (4000, 1016)
