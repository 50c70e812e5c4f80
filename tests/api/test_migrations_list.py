"""``/os-migrations``: who sees which moves, filters and pages."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from servers.models import Instance, Migration
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance

NOW = timezone.now().replace(microsecond=0)


def make_move(server: Instance | None = None, *, minutes: int = 0, **fields: Any) -> Migration:
    """An old resize from host1 to host2, asked for by the member."""
    server = server or make_instance()
    defaults = {
        "migration_type": "resize",
        "status": "confirmed",
        "source_compute": "host1",
        "source_node": "node1",
        "dest_compute": "host2",
        "dest_node": "node2",
        "old_flavor": server.flavor,
        "new_flavor": server.flavor,
        "old_flavor_record": server.flavor_record,
        "new_flavor_record": server.flavor_record,
        "old_vm_state": "active",
        "user_id": Cast.member.user_id,
        "project_id": ALPHA,
        "created_at": NOW + dt.timedelta(minutes=minutes),
    }
    return Migration.objects.create(instance=server, **defaults | fields)


def listed(client: ApiClient, query: str = "", microversion: str = "2.80") -> list[int]:
    answer = client.get(f"/os-migrations{query}", microversion=microversion).expect(200)
    return [move["id"] for move in answer.json["migrations"]]


@pytest.mark.parametrize(
    ("client", "statuses"),
    [
        ("as_reader", (403, 403, 403)),
        ("as_member", (403, 403, 403)),
        ("as_manager", (200, 403, 403)),
        ("as_admin", (200, 200, 200)),
    ],
)
def test_who_may_list_the_moves_of_servers(
    client: str, statuses: tuple[int, int, int], request: pytest.FixtureRequest
) -> None:
    caller: ApiClient = request.getfixturevalue(client)
    make_move()
    for query, status, number in zip(
        (f"?project_id={ALPHA}", f"?project_id={BETA}", ""), statuses, (1, 0, 1), strict=True
    ):
        answer = caller.get(f"/os-migrations{query}", microversion="2.80").expect(status)
        assert status == 403 or len(answer.json["migrations"]) == number


@pytest.mark.parametrize(
    ("microversion", "query", "status"),
    [
        ("2.58", "nosuch=1&limit=x&marker=x", 200),
        ("2.59", "nosuch=1", 400),
        ("2.59", "limit=x", 400),
        ("2.59", "marker=x", 400),
        ("2.59", "limit=1&status=done&host=host1", 200),
        ("2.59", "changes-since=yesterday", 400),
        ("2.65", "changes-before=2026-01-01T00:00:00Z", 400),
        ("2.66", "changes-before=2026-01-01T00:00:00Z", 200),
        ("2.66", "changes-since=2026-01-02&changes-before=2026-01-01", 400),
        ("2.79", f"project_id={ALPHA}", 400),
    ],
)
def test_what_may_be_asked(as_admin: ApiClient, microversion: str, query: str, status: int) -> None:
    as_admin.get(f"/os-migrations?{query}", microversion=microversion).expect(status)


def test_what_is_shown_of_a_move(as_admin: ApiClient) -> None:
    move = make_move(updated_at=NOW)
    server, flavor = move.instance, move.instance.flavor_record_id
    time = NOW.strftime("%Y-%m-%dT%H:%M:%S.000000")
    old = {
        "created_at": time,
        "dest_compute": "host2",
        "dest_host": None,
        "dest_node": "node2",
        "id": move.pk,
        "instance_uuid": str(server.uuid),
        "new_instance_type_id": flavor,
        "old_instance_type_id": flavor,
        "source_compute": "host1",
        "source_node": "node1",
        "status": "confirmed",
        "updated_at": time,
    }
    owner = {"user_id": Cast.member.user_id, "project_id": ALPHA}
    kind, uuid = {"migration_type": "resize"}, {"uuid": str(move.uuid)}
    for microversion, more in (
        ("2.22", {}),
        ("2.23", kind),
        ("2.58", kind),
        ("2.59", kind | uuid),
        ("2.79", kind | uuid),
        ("2.80", kind | uuid | owner),
    ):
        answer = as_admin.get("/os-migrations", microversion=microversion).expect(200)
        assert answer.json == {"migrations": [old | more]}


def test_only_live_migrations_that_go_on_have_links(as_admin: ApiClient) -> None:
    going_on = make_move(migration_type="live-migration", status="running")
    make_move(migration_type="live-migration", status="completed")
    shown = as_admin.get("/os-migrations", microversion="2.23").json["migrations"]
    links = {move["id"]: move.get("links") for move in shown}
    assert [key for key, value in links.items() if value] == [going_on.pk]
    end = f"/servers/{going_on.instance.uuid}/migrations/{going_on.pk}"
    assert [link["rel"] for link in links[going_on.pk]] == ["self", "bookmark"]
    assert all(link["href"].endswith(end) for link in links[going_on.pk])


def test_hosts_are_for_admins(as_manager: ApiClient) -> None:
    make_move()
    path = f"/os-migrations?project_id={ALPHA}"
    [shown] = as_manager.get(path, microversion="2.80").json["migrations"]
    hosts = ("source_compute", "source_node", "dest_compute", "dest_node", "dest_host")
    assert [shown[name] for name in hosts] == [None] * 5


def test_filters(as_admin: ApiClient) -> None:
    first = make_move()
    second = make_move(
        minutes=1,
        migration_type="migration",
        status="error",
        source_compute="host2",
        dest_compute="host3",
        user_id=Cast.manager.user_id,
        updated_at=NOW + dt.timedelta(hours=1),
    )
    both = [second.pk, first.pk]
    later = (NOW + dt.timedelta(minutes=30)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for query, found in (
        ("status=error", [second.pk]),
        ("migration_type=resize", [first.pk]),
        ("host=host2", both),
        ("host=host3&source_compute=host1", [second.pk]),
        ("source_compute=host1", [first.pk]),
        (f"instance_uuid={first.instance.uuid}", [first.pk]),
        ("instance_uuid=nosuch", []),
        ("hidden=true", []),
        ("hidden=false", both),
        (f"changes-since={later}", [second.pk]),
        (f"changes-before={later}", [first.pk]),
        (f"user_id={Cast.manager.user_id}", [second.pk]),
        (f"project_id={ALPHA}", both),
    ):
        assert listed(as_admin, f"?{query}") == found, query


def test_pages_begin_with_the_newest(as_admin: ApiClient) -> None:
    moves = [make_move(minutes=minutes) for minutes in (2, 0, 1)]
    newest_first = [moves[0].pk, moves[2].pk, moves[1].pk]
    assert listed(as_admin) == newest_first
    assert listed(as_admin, microversion="2.58") == [move.pk for move in moves]
    page = as_admin.get("/os-migrations?limit=2", microversion="2.59").json
    assert [move["id"] for move in page["migrations"]] == newest_first[:2]
    [link] = page["migrations_links"]
    assert link["rel"] == "next"
    assert link["href"].endswith(f"/os-migrations?limit=2&marker={moves[2].uuid}")
    rest = as_admin.get(f"/os-migrations?marker={moves[2].uuid}", microversion="2.59").json
    assert [move["id"] for move in rest["migrations"]] == newest_first[2:]
    assert "migrations_links" not in rest


def test_the_moves_of_deleted_servers_are_gone(as_admin: ApiClient) -> None:
    make_move(make_instance(vm_state="deleted", deleted_at=NOW))
    assert listed(as_admin) == []
