"""``GET /servers`` and ``/servers/detail``: who sees what, order and pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from servers.models import BlockDevice, Instance, ServerFault, Tag
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_order
from tests.world.hosts import make_host


def names(client: ApiClient, query: str = "", version: str = "2.1") -> list[str]:
    answer = client.get(f"/servers{query}", microversion=version).expect(200).json
    return [server["name"] for server in answer["servers"]]


def make_named(*wanted: str, **fields: Any) -> list[Instance]:
    """Servers made one second after the other."""
    start = timezone.now() - dt.timedelta(hours=1)
    return [
        make_instance(display_name=name, created_at=start + dt.timedelta(seconds=second), **fields)
        for second, name in enumerate(wanted)
    ]


def test_a_list_shows_ids_names_and_links(as_member: ApiClient) -> None:
    server = make_instance(display_name="one")
    root = "http://testserver/compute"
    assert as_member.get("/servers").expect(200).json == {
        "servers": [
            {
                "id": str(server.uuid),
                "name": "one",
                "links": [
                    {"rel": "self", "href": f"{root}/v2.1/servers/{server.uuid}"},
                    {"rel": "bookmark", "href": f"{root}/servers/{server.uuid}"},
                ],
            }
        ]
    }


def test_the_newest_server_comes_first(as_member: ApiClient) -> None:
    make_named("old", "new")
    assert names(as_member) == ["new", "old"]


def test_only_servers_of_the_own_project_are_listed(
    as_member: ApiClient, as_outsider: ApiClient, as_admin: ApiClient
) -> None:
    make_named("mine")
    make_named("theirs", project_id=BETA)
    assert names(as_member) == ["mine"]
    assert names(as_outsider) == ["theirs"]
    assert names(as_admin) == ["mine"]


def test_deleted_servers_are_not_listed(as_admin: ApiClient) -> None:
    make_instance(vm_state="deleted", deleted_at=timezone.now())
    assert names(as_admin, "?all_tenants=1") == []


@pytest.mark.parametrize("path", ["/servers", "/servers/detail"])
def test_servers_of_all_projects_are_for_admins(
    as_member: ApiClient, as_admin: ApiClient, path: str
) -> None:
    make_named("mine")
    make_named("theirs", project_id=BETA)
    assert as_member.get(f"{path}?all_tenants=1").expect(403).fault == "forbidden"
    as_member.get(f"{path}?all_tenants=0").expect(200)
    found = as_admin.get(f"{path}?all_tenants=1&sort_key=display_name&sort_dir=asc").expect(200)
    assert [server["name"] for server in found.json["servers"]] == ["mine", "theirs"]


@pytest.mark.parametrize(
    ("word", "count"), [("", 2), ("1", 2), ("TRUE", 2), ("yes", 2), ("0", 1), ("off", 1)]
)
def test_all_tenants_is_a_word(as_admin: ApiClient, word: str, count: int) -> None:
    make_named("mine")
    make_named("theirs", project_id=BETA)
    assert len(names(as_admin, f"?all_tenants={word}")) == count


def test_all_tenants_is_no_other_word(as_admin: ApiClient) -> None:
    as_admin.get("/servers?all_tenants=maybe").expect(400)


def test_a_page_is_followed_by_the_rest(as_member: ApiClient) -> None:
    servers = make_named("a", "b", "c")
    first = as_member.get("/servers?limit=2&sort_key=display_name&sort_dir=asc").expect(200).json
    assert [server["name"] for server in first["servers"]] == ["a", "b"]
    [link] = first["servers_links"]
    assert link["rel"] == "next"
    marker = servers[1].uuid
    assert link["href"] == (
        "http://testserver/compute/v2.1/servers"
        f"?limit=2&sort_dir=asc&sort_key=display_name&marker={marker}"
    )
    rest = link["href"].removeprefix("http://testserver/compute/v2.1")
    last = as_member.get(rest).expect(200).json
    assert [server["name"] for server in last["servers"]] == ["c"]
    assert "servers_links" not in last


def test_every_server_is_on_exactly_one_page(as_member: ApiClient) -> None:
    moment = timezone.now()
    made = {str(make_instance(created_at=moment).uuid) for _ in range(5)}
    made |= {str(make_order(created_at=moment, key_name=None).instance.uuid) for _ in range(2)}
    for key in ("created_at", "key_name", "launched_at", "vm_state", "uuid", "locked"):
        for direction in ("asc", "desc"):
            seen: list[str] = []
            query = f"limit=2&sort_key={key}&sort_dir={direction}"
            while True:
                marker = f"&marker={seen[-1]}" if seen else ""
                page = as_member.get(f"/servers?{query}{marker}", microversion="2.73").json
                if not page["servers"]:
                    break
                seen += [server["id"] for server in page["servers"]]
            assert sorted(seen) == sorted(made), (key, direction)


def test_nulls_are_paged_through(as_member: ApiClient) -> None:
    make_named("a", "b", key_name=None)
    make_named("c", "d", key_name="k")
    for direction, expected in (("asc", {"c", "d"}), ("desc", {"a", "b"})):
        query = f"?limit=2&sort_key=key_name&sort_dir={direction}"
        first = as_member.get(f"/servers{query}").json["servers"]
        assert {server["name"] for server in first} == expected
        rest = names(as_member, f"{query}&marker={first[-1]['id']}")
        assert set(rest) == {"a", "b", "c", "d"} - expected


@pytest.mark.parametrize("limit", ["-1", "x", "1.5", ""])
def test_a_limit_is_a_number(as_member: ApiClient, limit: str) -> None:
    as_member.get(f"/servers?limit={limit}").expect(400)


def test_a_limit_of_0_shows_nothing(as_member: ApiClient) -> None:
    make_named("a")
    assert as_member.get("/servers?limit=0").expect(200).json == {"servers": []}


@pytest.mark.parametrize("key", ["host", "node"])
@pytest.mark.parametrize("path", ["/servers", "/servers/detail"])
def test_nobody_but_admins_sorts_by_hosts_be_it_nothing(
    as_member: ApiClient, as_admin: ApiClient, key: str, path: str
) -> None:
    url = f"{path}?sort_key=uuid&sort_key={key}&limit=0"
    as_member.get(url).expect(403)
    as_admin.get(url).expect(200)
    as_member.get(f"{path}?sort_key=uuid&sort_dir=up&limit=0").expect(200)


@pytest.mark.parametrize("marker", ["nosuch", "00000000-0000-4000-8000-00000000ffff"])
def test_an_unknown_marker_is_400(as_member: ApiClient, marker: str) -> None:
    as_member.get(f"/servers?marker={marker}").expect(400)


def test_an_empty_marker_is_none(as_member: ApiClient) -> None:
    make_named("a")
    [listed] = as_member.get("/servers?marker=").expect(200).json["servers"]
    assert listed["name"] == "a"


@pytest.mark.parametrize("query", ["project_id={id}", "tenant_id={id}", "name=web&nosuch=x{id}x"])
def test_links_carry_the_project_when_the_query_does(as_member: ApiClient, query: str) -> None:
    make_named("web")
    [server] = as_member.get("/servers?" + query.format(id=ALPHA)).expect(200).json["servers"]
    assert [f"/{ALPHA}/servers/" in link["href"] for link in server["links"]] == [True, True]


def test_a_foreign_server_is_no_marker(as_outsider: ApiClient) -> None:
    as_outsider.get(f"/servers?marker={make_instance().uuid}").expect(400)


@pytest.mark.parametrize(
    ("key", "statuses"),
    [
        ("display_name", {"2.1": 200, "2.75": 200}),
        ("instance_type_id", {"2.1": 200, "2.75": 200}),
        ("locked", {"2.1": 200, "2.73": 200, "2.75": 200}),
        ("memory_mb", {"2.1": 200, "2.74": 200, "2.75": 400}),
        ("user_data", {"2.1": 200, "2.75": 400}),
        ("nosuch", {"2.1": 400, "2.75": 400}),
        ("", {"2.1": 400}),
    ],
)
def test_sort_keys_by_version(as_member: ApiClient, key: str, statuses: dict[str, int]) -> None:
    for version, status in statuses.items():
        as_member.get(f"/servers?sort_key={key}", microversion=version).expect(status)


@pytest.mark.parametrize("key", ["host", "node"])
def test_only_an_admin_sorts_by_hosts(as_member: ApiClient, as_admin: ApiClient, key: str) -> None:
    as_member.get(f"/servers?sort_key={key}").expect(403)
    as_admin.get(f"/servers?sort_key={key}").expect(200)


def test_several_sort_keys_with_their_directions(as_member: ApiClient) -> None:
    make_named("a", "b", key_name="x")
    make_named("c", key_name="y")
    query = "?sort_key=key_name&sort_key=display_name&sort_dir=desc&sort_dir=asc"
    assert names(as_member, query) == ["c", "a", "b"]
    assert names(as_member, "?sort_key=key_name&sort_key=display_name") == ["c", "b", "a"]


@pytest.mark.parametrize("query", ["sort_dir=up", "sort_dir=asc&sort_dir=asc&sort_key=uuid"])
def test_directions_that_make_no_sense_are_400(as_member: ApiClient, query: str) -> None:
    as_member.get(f"/servers?{query}").expect(400)


def test_unknown_parameters_are_refused_from_2_75(as_member: ApiClient) -> None:
    as_member.get("/servers?nosuch=1", microversion="2.74").expect(200)
    as_member.get("/servers?nosuch=1", microversion="2.75").expect(400)
    as_member.get("//compute/v2/servers?nosuch=1", microversion=None).expect(200)


def test_unknown_parameters_are_left_out_of_the_next_link(as_member: ApiClient) -> None:
    make_named("a", "b")
    [link] = as_member.get("/servers?limit=1&nosuch=1").json["servers_links"]
    assert "nosuch" not in link["href"]


def test_details_are_those_of_show(as_admin: ApiClient) -> None:
    make_host("host")
    failed = make_instance(vm_state="error")
    ServerFault.objects.create(instance=failed, message="broken")
    order = make_order(tags=["red"])
    busy = make_instance(task_state="rebooting")
    Tag.objects.create(instance=busy, tag="blue")
    BlockDevice.objects.create(instance=busy, volume_id="v")
    for version in ("2.1", "2.16", "2.26", "2.70", "2.96", "2.104"):
        page = as_admin.get("/servers/detail", microversion=version).expect(200).json["servers"]
        listed = {server["id"]: server for server in page}
        for server in (failed, order.instance, busy):
            path = f"/servers/{server.uuid}"
            shown = as_admin.get(path, microversion=version).expect(200).json["server"]
            shown.pop("server_groups", None)  # Nova: not in a list
            assert listed[str(server.uuid)] == shown, version


def test_a_page_takes_as_many_statements_as_a_server(as_admin: ApiClient, statements: Any) -> None:
    as_admin.get("/servers/detail", microversion="2.104").expect(200)
    counts = []
    for _ in range(2):
        for _ in range(3):
            make_instance(vm_state="error")
            make_order()
        with statements() as seen:
            as_admin.get("/servers/detail", microversion="2.104").expect(200)
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8


def test_readers_may_list(as_reader: ApiClient, cast: Cast) -> None:
    make_named("a")
    assert names(as_reader) == ["a"]
