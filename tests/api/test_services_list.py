"""``GET /os-services``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from servers.models import Service
from tests.world.client import Answer, ApiClient
from tests.world.hosts import make_host, make_zone


def hosts(answer: Answer) -> list[str]:
    return [service["host"] for service in answer.expect(200).json["services"]]


@pytest.fixture
def services(cast: object) -> None:
    make_zone("zone-a", make_host("host1"))
    make_host("host2", disabled=True, disabled_reason="repair", forced_down=True)


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_sees_services(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    assert caller.get("/os-services").expect(403).fault == "forbidden"


@pytest.mark.usefixtures("services")
def test_all_services_are_listed(as_admin: ApiClient) -> None:
    assert hosts(as_admin.get("/os-services")) == ["conductor", "scheduler", "host1", "host2"]


@pytest.mark.usefixtures("services")
def test_a_service_is_shown_as_the_version_has_it(as_admin: ApiClient) -> None:
    now = timezone.now()
    Service.objects.filter(host="host2").update(updated_at=now)
    row = Service.objects.get(host="host2")
    same = {
        "binary": "nova-compute",
        "host": "host2",
        "zone": "nova",
        "status": "disabled",
        "state": "down",
        "updated_at": now.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "disabled_reason": "repair",
    }
    for microversion, more in (
        ("2.1", {"id": row.pk}),
        ("2.10", {"id": row.pk}),
        ("2.11", {"id": row.pk, "forced_down": True}),
        ("2.52", {"id": row.pk, "forced_down": True}),
        ("2.53", {"id": str(row.uuid), "forced_down": True}),
        ("2.69", {"id": str(row.uuid), "forced_down": True}),
    ):
        answer = as_admin.get("/os-services?host=host2", microversion=microversion)
        assert answer.expect(200).json == {"services": [same | more]}


@pytest.mark.usefixtures("services")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("host=host1", ["host1"]),
        ("host=nosuch", []),
        ("binary=nova-compute", ["host1", "host2"]),
        ("binary=nova-scheduler", ["scheduler"]),
        ("binary=nova-compute&host=scheduler", []),
        ("host=host1&host=host2", ["host2"]),
        ("host=&binary=", ["conductor", "scheduler", "host1", "host2"]),
        ("nosuch=1", ["conductor", "scheduler", "host1", "host2"]),
    ],
)
def test_services_are_filtered_by_host_and_kind(
    as_admin: ApiClient, query: str, expected: list[str]
) -> None:
    assert hosts(as_admin.get(f"/os-services?{query}")) == expected


def test_unknown_keys_are_refused_from_2_75(as_admin: ApiClient) -> None:
    as_admin.get("/os-services?nosuch=1", microversion="2.74").expect(200)
    assert as_admin.get("/os-services?nosuch=1", microversion="2.75").expect(400).blamed == [
        "nosuch"
    ]


@pytest.mark.usefixtures("services")
def test_services_of_a_zone_say_so(as_admin: ApiClient) -> None:
    listed = as_admin.get("/os-services").json["services"]
    assert {service["host"]: service["zone"] for service in listed} == {
        "conductor": "internal",
        "scheduler": "internal",
        "host1": "zone-a",
        "host2": "nova",
    }


@pytest.mark.usefixtures("services")
def test_a_list_costs_the_same_however_long_it_is(
    as_admin: ApiClient, statements: Callable[[], Any]
) -> None:
    as_admin.get("/os-services").expect(200)
    with statements() as few:
        as_admin.get("/os-services")
    for number in range(5):
        make_host(f"more{number}")
    with statements() as many:
        as_admin.get("/os-services")
    assert len(few) == len(many)
