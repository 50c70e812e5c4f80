"""``GET /os-aggregates``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from servers.models import Aggregate
from tests.world.client import ApiClient
from tests.world.hosts import make_host, make_zone


def test_aggregates_are_listed_with_hosts_and_metadata(as_admin: ApiClient) -> None:
    zone = make_zone("east", make_host("host1"), make_host("host2"))
    Aggregate.objects.create(name="A plain one")
    listed = as_admin.get("/os-aggregates", microversion="2.41").expect(200).json["aggregates"]
    assert [aggregate["name"] for aggregate in listed] == [zone.name, "A plain one"]
    assert listed[0] == {
        "id": zone.pk,
        "uuid": str(zone.uuid),
        "name": zone.name,
        "hosts": ["host1", "host2"],
        "metadata": {"availability_zone": "east"},
        "availability_zone": "east",
        "created_at": zone.created_at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    one = as_admin.get(f"/os-aggregates/{zone.pk}", microversion="2.41").expect(200)
    assert one.json == {"aggregate": listed[0]}
    assert (listed[1]["hosts"], listed[1]["availability_zone"]) == ([], None)


def test_the_uuid_is_shown_from_2_41(as_admin: ApiClient) -> None:
    Aggregate.objects.create(name="rack")
    (listed,) = as_admin.get("/os-aggregates", microversion="2.40").json["aggregates"]
    assert "uuid" not in listed


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_sees_aggregates(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    row = Aggregate.objects.create(name="rack")
    caller.get("/os-aggregates").expect(403)
    caller.get(f"/os-aggregates/{row.pk}").expect(403)


@pytest.mark.parametrize(("microversion", "status"), [("2.101", 200), ("2.102", 400)])
def test_the_query_string_becomes_strict(
    as_admin: ApiClient, microversion: str, status: int
) -> None:
    row = Aggregate.objects.create(name="rack")
    as_admin.get("/os-aggregates?nosuch=1", microversion=microversion).expect(status)
    as_admin.get(f"/os-aggregates/{row.pk}?nosuch=1", microversion=microversion).expect(status)


def test_a_list_costs_the_same_however_long_it_is(
    as_admin: ApiClient, statements: Callable[[], Any]
) -> None:
    make_zone("east", make_host("host1"))
    as_admin.get("/os-aggregates").expect(200)
    with statements() as few:
        as_admin.get("/os-aggregates")
    for number in range(4):
        make_zone(f"zone-{number}", make_host(f"more{number}"))
    with statements() as many:
        as_admin.get("/os-aggregates")
    assert len(few) == len(many)
