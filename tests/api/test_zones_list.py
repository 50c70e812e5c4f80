"""``/os-availability-zone``: what users choose from, and what operators see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers.models import Service
from tests.world.client import ApiClient
from tests.world.hosts import make_host, make_zone


@pytest.fixture
def zones(cast: object) -> None:
    make_host("plain")
    make_zone("zone-b", make_host("b1"), make_host("b2", disabled=True))
    make_zone("zone-a", make_host("a1", forced_down=True))
    make_zone("empty")


@pytest.mark.usefixtures("zones")
@pytest.mark.parametrize(
    "client", ["as_reader", "as_member", "as_manager", "as_outsider", "as_admin"]
)
def test_everyone_sees_the_zones_that_have_hosts(
    client: str, request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert caller.get("/os-availability-zone").expect(200).json == {
        "availabilityZoneInfo": [
            {"zoneName": "nova", "zoneState": {"available": True}, "hosts": None},
            {"zoneName": "zone-b", "zoneState": {"available": True}, "hosts": None},
            {"zoneName": "zone-a", "zoneState": {"available": False}, "hosts": None},
        ]
    }


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_sees_the_hosts(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert caller.get("/os-availability-zone/detail").expect(403).fault == "forbidden"


@pytest.mark.usefixtures("zones")
def test_an_admin_sees_hosts_with_their_services(as_admin: ApiClient) -> None:
    shown = as_admin.get("/os-availability-zone/detail").expect(200).json["availabilityZoneInfo"]
    service = {"active": True, "available": True, "updated_at": None}
    silent = service | {"available": False}
    assert shown == [
        {
            "zoneName": "internal",
            "zoneState": {"available": True},
            "hosts": {
                "conductor": {"nova-conductor": silent},
                "scheduler": {"nova-scheduler": silent},
            },
        },
        {
            "zoneName": "nova",
            "zoneState": {"available": True},
            "hosts": {"plain": {"nova-compute": service}},
        },
        {
            "zoneName": "zone-b",
            "zoneState": {"available": True},
            "hosts": {"b1": {"nova-compute": service}},
        },
        {"zoneName": "zone-a", "zoneState": {"available": False}, "hosts": None},
    ]


def test_without_hosts_there_is_no_zone(as_member: ApiClient) -> None:
    assert as_member.get("/os-availability-zone").json == {"availabilityZoneInfo": []}


@pytest.mark.parametrize("path", ["/os-availability-zone", "/os-availability-zone/detail"])
@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_the_query_string_becomes_strict(
    as_admin: ApiClient, path: str, microversion: str, status: int
) -> None:
    as_admin.get(f"{path}?nosuch=1", microversion=microversion).expect(status)


@pytest.mark.usefixtures("zones")
@pytest.mark.parametrize("path", ["/os-availability-zone", "/os-availability-zone/detail"])
def test_a_list_costs_the_same_however_long_it_is(
    as_admin: ApiClient, statements: Callable[[], Any], path: str
) -> None:
    as_admin.get(path).expect(200)
    with statements() as few:
        as_admin.get(path)
    for number in range(4):
        make_zone(f"zone-{number}", make_host(f"host{number}"))
    assert Service.objects.computes().count() == 8
    with statements() as many:
        as_admin.get(path)
    assert len(few) == len(many)
