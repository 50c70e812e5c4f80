"""``POST``, ``PUT`` and ``DELETE`` of aggregates, and their actions."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import Aggregate
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import make_host, make_zone

ZONE = "availability_zone"


def make(name: str = "rack", **metadata: str) -> Aggregate:
    return Aggregate.objects.create(name=name, metadata=metadata)


def act(client: ApiClient, aggregate: Aggregate, name: str, argument: Any) -> Answer:
    return client.post(f"/os-aggregates/{aggregate.pk}/action", {name: argument})


def hosts(aggregate: Aggregate) -> list[str]:
    return sorted(aggregate.hosts.values_list("host", flat=True))


def metadata(aggregate: Aggregate) -> dict[str, str]:
    kept: dict[str, str] = Aggregate.objects.get(pk=aggregate.pk).metadata
    return kept


def test_an_aggregate_is_made(as_admin: ApiClient) -> None:
    sent = {"aggregate": {"name": "rack", ZONE: "east"}}
    shown = as_admin.post("/os-aggregates", sent).expect(200).json["aggregate"]
    row = Aggregate.objects.get()
    assert shown == {
        "id": row.pk,
        "name": "rack",
        ZONE: "east",
        "created_at": row.created_at.replace(tzinfo=None).isoformat(timespec="microseconds"),
        "updated_at": None,
        "deleted": False,
        "deleted_at": None,
    }
    assert (row.name, row.metadata, hosts(row)) == ("rack", {ZONE: "east"}, [])


def test_its_uuid_is_shown_from_2_41(as_admin: ApiClient) -> None:
    before = as_admin.post("/os-aggregates", {"aggregate": {"name": "a"}}, microversion="2.40")
    since = as_admin.post("/os-aggregates", {"aggregate": {"name": "b"}}, microversion="2.41")
    assert "uuid" not in before.expect(200).json["aggregate"]
    assert since.json["aggregate"]["uuid"] == str(Aggregate.objects.get(name="b").uuid)


@pytest.mark.parametrize(
    ("keys", "blamed"),
    [
        ({}, "aggregate.name"),
        ({"name": ""}, "aggregate.name"),
        ({"name": " a"}, "aggregate.name"),
        ({"name": "n" * 256}, "aggregate.name"),
        ({"name": 5}, "aggregate.name"),
        ({"name": "a", ZONE: ""}, f"aggregate.{ZONE}"),
        ({"name": "a", ZONE: "a:b"}, f"aggregate.{ZONE}"),
        ({"name": "a", ZONE: "a "}, f"aggregate.{ZONE}"),
        ({"name": "a", "nosuch": 1}, "aggregate.nosuch"),
    ],
)
def test_a_wrong_value_is_refused_and_named(
    as_admin: ApiClient, keys: dict[str, Any], blamed: str
) -> None:
    assert as_admin.post("/os-aggregates", {"aggregate": keys}).expect(400).blamed == [blamed]
    assert not Aggregate.objects.exists()


def test_the_old_api_strips_names(as_admin: ApiClient) -> None:
    sent = {"aggregate": {"name": " rack ", ZONE: " east "}}
    as_admin.post("//compute/v2/os-aggregates", sent).expect(200)
    row = Aggregate.objects.get()
    assert (row.name, row.metadata) == ("rack", {ZONE: "east"})


def test_a_name_can_be_had_once(as_admin: ApiClient) -> None:
    make("rack")
    other = make("other")
    as_admin.post("/os-aggregates", {"aggregate": {"name": "rack"}}).expect(409)
    url = f"/os-aggregates/{other.pk}"
    taken = as_admin.put(url, {"aggregate": {"name": "rack"}}).expect(409)
    assert taken.fault == "conflictingRequest"
    assert sorted(Aggregate.objects.values_list("name", flat=True)) == ["other", "rack"]


def test_name_and_zone_can_be_changed(as_admin: ApiClient) -> None:
    row = make("rack", ssd="true")
    url = f"/os-aggregates/{row.pk}"
    shown = as_admin.put(url, {"aggregate": {"name": " new ", ZONE: "east"}}).expect(200).json
    assert shown["aggregate"]["updated_at"] is not None
    row.refresh_from_db()
    assert (row.name, row.metadata) == ("new", {"ssd": "true", ZONE: "east"})
    assert row.updated_at is not None


@pytest.mark.parametrize("keys", [{}, {ZONE: None}, {ZONE: ""}, {"name": ""}, {"hosts": []}])
def test_a_change_that_makes_no_sense_is_refused(as_admin: ApiClient, keys: dict[str, Any]) -> None:
    row = make("rack", **{ZONE: "east"})
    as_admin.put(f"/os-aggregates/{row.pk}", {"aggregate": keys}).expect(400)
    assert metadata(row) == {ZONE: "east"}


def test_metadata_are_added_changed_and_removed(as_admin: ApiClient) -> None:
    row = make("rack", a="1", b="2")
    items = {"metadata": {"a": None, "b": "3", "c": "", "gone": None}}
    shown = act(as_admin, row, "set_metadata", items).expect(200).json["aggregate"]
    assert shown["metadata"] == metadata(row) == {"b": "3", "c": ""}
    assert shown["updated_at"] is not None


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"nosuch": {}},
        {"add_host": {}},
        {"add_host": {"host": "a b"}},
        {"add_host": {"host": "host1"}, "set_metadata": {"metadata": {"a": "b"}}},
        {"set_metadata": {}},
        {"set_metadata": {"metadata": {"a": 5}}},
        {"set_metadata": {"metadata": {"a": "v" * 256}}},
        {"set_metadata": {"metadata": {"k" * 256: "v"}}},
        {"set_metadata": {"metadata": {"a/b": "v"}}},
        {"set_metadata": {"metadata": {ZONE: None}}},
        {"set_metadata": {"metadata": {ZONE: ""}}},
    ],
)
def test_an_action_that_makes_no_sense_is_refused(as_admin: ApiClient, sent: Any) -> None:
    make_host("host1")
    row = make("rack", a="1")
    as_admin.post(f"/os-aggregates/{row.pk}/action", sent).expect(400)
    assert (metadata(row), hosts(row)) == ({"a": "1"}, [])


def test_hosts_come_and_go(as_admin: ApiClient) -> None:
    for name in ("host1", "host2"):
        make_host(name)
    row = make("rack")
    act(as_admin, row, "add_host", {"host": "host2"}).expect(200)
    shown = act(as_admin, row, "add_host", {"host": "host1"}).expect(200).json["aggregate"]
    assert shown["hosts"] == hosts(row) == ["host1", "host2"]
    act(as_admin, row, "add_host", {"host": "host1"}).expect(409)
    shown = act(as_admin, row, "remove_host", {"host": "host2"}).expect(200).json["aggregate"]
    assert shown["hosts"] == hosts(row) == ["host1"]
    act(as_admin, row, "remove_host", {"host": "host2"}).expect(404)
    act(as_admin, row, "remove_host", {"host": "nosuch"}).expect(404)
    act(as_admin, row, "add_host", {"host": "nosuch"}).expect(404)
    act(as_admin, row, "add_host", {"host": "conductor"}).expect(404)


def test_a_host_is_in_one_zone_at_most(as_admin: ApiClient) -> None:
    node = make_host("host1")
    make_zone("east", node)
    west, east, plain = make("w", **{ZONE: "west"}), make("e", **{ZONE: "east"}), make("p")
    assert act(as_admin, west, "add_host", {"host": "host1"}).expect(409).fault
    act(as_admin, east, "add_host", {"host": "host1"}).expect(200)
    act(as_admin, plain, "add_host", {"host": "host1"}).expect(200)
    items = {"metadata": {ZONE: "west"}}
    act(as_admin, plain, "set_metadata", items).expect(400)
    url = f"/os-aggregates/{plain.pk}"
    as_admin.put(url, {"aggregate": {ZONE: "west"}}).expect(400)
    as_admin.put(url, {"aggregate": {ZONE: "east"}}).expect(200)
    assert (hosts(west), hosts(east), metadata(plain)) == ([], ["host1"], {ZONE: "east"})


def test_servers_do_not_change_their_zone_with_their_host(as_admin: ApiClient) -> None:
    zone = make_zone("east", make_host("host1"))
    make_host("host2")
    for name in ("host1", "host2"):
        make_instance(host=name, node=name)
    west = make("w", **{ZONE: "west"})
    act(as_admin, zone, "remove_host", {"host": "host1"}).expect(409)
    act(as_admin, west, "add_host", {"host": "host2"}).expect(409)
    act(as_admin, zone, "set_metadata", {"metadata": {ZONE: "west"}}).expect(400)
    act(as_admin, zone, "set_metadata", {"metadata": {ZONE: "east"}}).expect(200)
    second = make("e", **{ZONE: "east"})
    act(as_admin, second, "add_host", {"host": "host1"}).expect(200)
    act(as_admin, zone, "remove_host", {"host": "host1"}).expect(200)
    assert (hosts(zone), hosts(second), hosts(west)) == ([], ["host1"], [])


def test_an_aggregate_with_hosts_is_not_deleted(as_admin: ApiClient) -> None:
    zone = make_zone("east", make_host("host1"))
    assert as_admin.delete(f"/os-aggregates/{zone.pk}").expect(400).fault == "badRequest"
    act(as_admin, zone, "remove_host", {"host": "host1"}).expect(200)
    assert as_admin.delete(f"/os-aggregates/{zone.pk}").expect(200).content == b""
    as_admin.delete(f"/os-aggregates/{zone.pk}").expect(404)
    assert not Aggregate.objects.exists()


@pytest.mark.parametrize(
    ("aggregate_id", "status"),
    [("word", 400), ("1.5", 400), ("-1", 404), ("99999999", 404), ("9" * 30, 404)],
)
def test_an_id_that_names_nothing(as_admin: ApiClient, aggregate_id: str, status: int) -> None:
    url = f"/os-aggregates/{aggregate_id}"
    as_admin.get(url).expect(status)
    as_admin.put(url, {"aggregate": {"name": "x"}}).expect(status)
    as_admin.delete(url).expect(status)
    as_admin.post(f"{url}/action", {"set_metadata": {"metadata": {}}}).expect(status)
    images = {"cache": [{"id": "70a599e0-31e7-49b7-b260-868f441e862b"}]}
    as_admin.post(f"{url}/images", images, microversion="2.81").expect(status)


@pytest.mark.parametrize("client", ["as_reader", "as_member", "as_manager", "as_outsider"])
def test_only_an_admin_changes_aggregates(client: str, request: pytest.FixtureRequest) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    make_host("host1")
    row = make("rack", a="1")
    url = f"/os-aggregates/{row.pk}"
    caller.post("/os-aggregates", {"aggregate": {"name": "x"}}).expect(403)
    caller.put(url, {"aggregate": {"name": "x"}}).expect(403)
    caller.delete(url).expect(403)
    act(caller, row, "add_host", {"host": "host1"}).expect(403)
    act(caller, row, "remove_host", {"host": "host1"}).expect(403)
    act(caller, row, "set_metadata", {"metadata": {"a": None}}).expect(403)
    images = {"cache": [{"id": "70a599e0-31e7-49b7-b260-868f441e862b"}]}
    caller.post(f"{url}/images", images, microversion="2.81").expect(403)
    assert (Aggregate.objects.get().name, metadata(row), hosts(row)) == ("rack", {"a": "1"}, [])


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (["70a599e0-31e7-49b7-b260-868f441e862b"], 202),
        ([], 400),
        (["nosuch"], 400),
        (["70a599e0-31e7-49b7-b260-868f441e862b"] * 2, 400),
    ],
)
def test_images_can_be_asked_for_from_2_81(
    as_admin: ApiClient, sent: list[str], status: int
) -> None:
    url = f"/os-aggregates/{make().pk}/images"
    body = {"cache": [{"id": image} for image in sent]}
    as_admin.post(url, body, microversion="2.80").expect(404)
    as_admin.post(url, body, microversion="2.81").expect(status)
