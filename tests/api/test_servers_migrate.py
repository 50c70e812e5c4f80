"""``migrate``, ``os-migrateLive``, ``evacuate``: who may, where to, what is held meanwhile."""

from __future__ import annotations

from typing import Any, Self

import pytest

from compute_site.neighbours.network.models import Port
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.models import (
    Allocation,
    ComputeNode,
    Instance,
    InstanceAction,
    Migration,
    ServerFault,
    Service,
)
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network
from tests.world.hosts import make_host, nodes_of, set_inventory
from tests.world.jobs import queued, run_jobs
from tests.world.moving import (
    Rack,
    act,
    assert_books_balance,
    confirm,
    in_use,
    move_of,
    revert,
    state,
)


@pytest.fixture
def rack(db: None) -> Rack:
    return Rack()


def other_host(server: Instance) -> str:
    return "host2" if server.host == "host1" else "host1"


def migrate(client: ApiClient, server: Instance, host: str | None = None) -> Answer:
    return act(client, server, "2.56", migrate={"host": host} if host else None)


def live(
    client: ApiClient, server: Instance, host: str | None = None, version: str = "2.68", **more: Any
) -> Answer:
    values = {"host": host, "block_migration": "auto", **more}
    return act(client, server, version, **{"os-migrateLive": values})


def evacuate(client: ApiClient, server: Instance, version: str = "2.68", **values: Any) -> Answer:
    return act(client, server, version, evacuate=values)


def host_fails(server: Instance) -> None:
    Service.objects.filter(host=server.host).update(forced_down=True)


def assert_lies_alone_on(server: Instance, host: str) -> None:
    """There, and nothing is held anywhere else."""
    server.refresh_from_db()
    assert server.host == host
    assert nodes_of(server) == [(host, False)]
    assert not Migration.objects.open().filter(instance=server).exists()
    assert_books_balance()


def failing(*_: Any, **__: Any) -> int:
    raise DriverFailed("The disk is full.")


# cold migration


@pytest.mark.parametrize("vm_state", ["active", "stopped"])
def test_a_cold_migration_waits_for_the_verdict(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack, vm_state: str
) -> None:
    server = rack.server(as_member)
    if vm_state == "stopped":
        act(as_member, server, **{"os-stop": None}).expect(202)
        run_jobs()
    target = other_host(server)
    migrate(as_manager, server).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)
    move = move_of(server)
    assert (move.migration_type, move.status) == ("migration", "finished")
    assert (move.user_id, in_use("cores")) == (Cast.manager.user_id, 1)
    confirm(as_member, server).expect(204)
    run_jobs()
    assert state(server) == (vm_state, None)
    assert_lies_alone_on(server, target)
    assert InstanceAction.objects.filter(instance=server, action="migrate").exists()


def test_a_cold_migration_can_be_taken_back(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    source = str(server.host)
    migrate(as_manager, server).expect(202)
    run_jobs()
    revert(as_member, server).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert_lies_alone_on(server, source)


def test_an_admin_names_the_host(as_member: ApiClient, as_admin: ApiClient, rack: Rack) -> None:
    make_host("host3")
    server = rack.server(as_member)
    target = next(name for name in ("host1", "host2", "host3") if name != server.host)
    migrate(as_admin, server, str(server.host)).expect(400)
    migrate(as_admin, server, "nowhere").expect(400)
    migrate(as_admin, server, target).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert (server.vm_state, server.host) == ("resized", target)


def test_before_2_56_no_host_is_named(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    act(as_admin, server, "2.55", migrate={"host": "nowhere"}).expect(202)
    act(as_admin, server, "2.56", migrate={"nosuch": 1}).expect(400)


def test_who_may_migrate(
    as_member: ApiClient, as_manager: ApiClient, as_outsider: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    migrate(as_member, server).expect(403)
    migrate(as_outsider, server).expect(404)
    migrate(as_manager, server, other_host(server)).expect(403)
    live(as_member, server).expect(403)
    live(as_manager, server, other_host(server)).expect(403)
    evacuate(as_manager, server).expect(403)
    assert state(server) == ("active", None)


def test_without_another_host_nothing_happens(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    source = str(server.host)
    Service.objects.exclude(host=server.host).update(disabled=True)
    migrate(as_manager, server).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert move_of(server).status == "error"
    assert_lies_alone_on(server, source)


# live migration


@pytest.mark.parametrize("vm_state", ["active", "paused"])
def test_a_server_moves_while_it_runs(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack, vm_state: str
) -> None:
    network = make_network()
    server = rack.server(as_member, networks=[{"uuid": str(network.pk)}])
    if vm_state == "paused":
        act(as_member, server, pause=None).expect(202)
        run_jobs()
    target = other_host(server)
    live(as_manager, server).expect(202)
    assert state(server) == (vm_state, "migrating")
    shown = as_member.get(f"/servers/{server.uuid}").json["server"]
    assert shown["status"] == "MIGRATING"
    run_jobs()
    assert state(server) == (vm_state, None)
    assert move_of(server).status == "completed"
    assert Port.objects.get().binding_host == target
    assert_lies_alone_on(server, target)
    action = InstanceAction.objects.get(instance=server, action="live-migration")
    assert {event.result for event in action.events.all()} == {"Success"}


def test_a_live_migration_needs_a_server_that_runs(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    act(as_member, server, **{"os-stop": None}).expect(202)
    live(as_manager, server).expect(409)
    run_jobs()
    live(as_manager, server).expect(409)


@pytest.mark.parametrize(
    ("version", "more"),
    [("2.29", {}), ("2.30", {"force": True}), ("2.67", {"force": True})],
)
def test_a_forced_host_need_not_be_enabled(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack, version: str, more: dict[str, Any]
) -> None:
    server = rack.server(as_member)
    target = other_host(server)
    Service.objects.filter(host=target).update(disabled=True)
    live(as_admin, server, target, version, **more).expect(202)
    run_jobs()
    assert_lies_alone_on(server, target)


@pytest.mark.parametrize(("version", "status"), [("2.30", 400), ("2.33", 400), ("2.34", 202)])
def test_until_2_33_one_waits_for_the_destination(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack, version: str, status: int
) -> None:
    server = rack.server(as_member)
    source, target = str(server.host), other_host(server)
    Service.objects.filter(host=target).update(disabled=True)
    live(as_admin, server, target, version, force=False).expect(status)
    run_jobs()
    assert state(server) == ("active", None)
    assert move_of(server).status == "error"
    assert_lies_alone_on(server, source)


def test_a_wrong_destination(as_member: ApiClient, as_admin: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    live(as_admin, server, "nowhere").expect(400)
    live(as_admin, server, None, "2.30", force=True).expect(400)
    values = {"host": server.host, "block_migration": False, "disk_over_commit": False}
    act(as_admin, server, "2.24", **{"os-migrateLive": values}).expect(400)
    live(as_admin, server, str(server.host), "2.33", force=False).expect(400)
    assert state(server) == ("active", None)
    assert_books_balance()


def test_a_host_without_room_cannot_be_forced(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    target = other_host(server)
    set_inventory(ComputeNode.objects.get(hypervisor_hostname=target), {"MEMORY_MB": 256})
    live(as_admin, server, target, "2.30", force=True).expect(400)
    assert state(server) == ("active", None)


def test_a_host_that_fails_leaves_a_live_server_where_it_was(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = rack.server(as_member)
    source = str(server.host)
    monkeypatch.setattr(fake, "copy_live", failing)
    live(as_manager, server).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert ServerFault.objects.get(instance=server).message == "The disk is full."
    assert_lies_alone_on(server, source)


class While:
    """Does something while a host copies a live server."""

    def __init__(self, do: Any) -> None:
        self.do = do
        self.answers: list[Answer] = []

    def __enter__(self) -> Self:
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(fake, "copy_live", lambda *_: self.answers.append(self.do()))
        return self

    def __exit__(self, *_: object) -> None:
        self.patch.undo()


def test_a_live_migration_is_shown_while_it_goes_on(
    as_member: ApiClient, as_manager: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    source = server.host
    live(as_manager, server).expect(202)
    path = f"/servers/{server.uuid}/migrations"

    def look() -> Answer:
        move = move_of(server)
        as_admin.get(f"{path}/{move.pk}", microversion="2.80").expect(200)
        as_admin.get(f"{path}/nosuch", microversion="2.80").expect(404)
        as_manager.get(f"{path}/{move.pk}", microversion="2.80").expect(403)
        hidden = as_manager.get(path, microversion="2.23").expect(200).json["migrations"]
        assert hidden[0]["source_compute"] is None
        assert "uuid" not in hidden[0]
        return as_admin.get(path, microversion="2.80").expect(200)

    with While(look) as copying:
        run_jobs()
    [shown] = copying.answers[0].json["migrations"]
    assert (shown["status"], shown["source_compute"]) == ("running", source)
    assert shown["server_uuid"] == str(server.uuid)
    assert shown["memory_total_bytes"] is None
    assert as_admin.get(path, microversion="2.80").json == {"migrations": []}
    as_admin.get(f"{path}/{shown['id']}", microversion="2.80").expect(404)


def test_a_live_migration_is_aborted(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    source = str(server.host)
    live(as_manager, server).expect(202)
    path = f"/servers/{server.uuid}/migrations/{move_of(server).pk}"
    as_manager.delete(path, microversion="2.65").expect(400)  # it is not even queued
    with While(lambda: as_manager.delete(path, microversion="2.24")) as copying:
        run_jobs()
    copying.answers[0].expect(202)
    assert state(server) == ("active", None)
    assert move_of(server).status == "cancelled"
    assert_lies_alone_on(server, source)
    as_manager.delete(path, microversion="2.24").expect(409)


def test_a_live_migration_is_told_to_end_soon(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    target = other_host(server)
    live(as_manager, server).expect(202)
    path = f"/servers/{server.uuid}/migrations/{move_of(server).pk}/action"
    body = {"force_complete": None}
    as_manager.post(path, body, microversion="2.22").expect(400)
    as_manager.post(path, {}, microversion="2.22").expect(400)
    as_manager.post(path, body, microversion="2.21").expect(404)
    with While(lambda: as_manager.post(path, body, microversion="2.22")) as copying:
        run_jobs()
    copying.answers[0].expect(202)
    assert_lies_alone_on(server, target)
    as_manager.post(path, body, microversion="2.22").expect(409)


def test_deleting_a_server_that_migrates_gives_all_back(
    as_member: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    live(as_manager, server).expect(202)
    with While(lambda: as_member.delete(f"/servers/{server.uuid}")):
        run_jobs()
    assert state(server) == ("deleted", None)
    assert not Allocation.objects.exists()
    assert in_use("instances") == 0
    assert_books_balance()
    assert queued() == []


# evacuation


@pytest.mark.parametrize(
    "case",
    [
        ("2.68", "active", "active"),
        ("2.68", "error", "active"),
        ("2.94", "stopped", "stopped"),
        ("2.95", "active", "stopped"),
        ("2.95", "stopped", "stopped"),
    ],
)
def test_a_server_of_a_failed_host_is_built_elsewhere(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack, case: tuple[str, str, str]
) -> None:
    version, before, after = case
    server = rack.server(as_member)
    target = other_host(server)
    Instance.objects.update(vm_state=before)
    host_fails(server)
    answer = evacuate(as_admin, server, version).expect(200)
    assert answer.content == b""
    assert state(server) == (before, "rebuilding")
    run_jobs()
    assert state(server) == (after, None)
    move = move_of(server)
    assert (move.migration_type, move.status) == ("evacuation", "done")
    assert server.power_state == (4 if after == "stopped" else 1)
    assert_lies_alone_on(server, target)


def test_only_failed_hosts_are_left(as_member: ApiClient, as_admin: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member)
    evacuate(as_admin, server).expect(400)
    host_fails(server)
    evacuate(as_admin, server, host="nowhere").expect(404)
    evacuate(as_admin, server, host=server.host).expect(400)
    evacuate(as_admin, server, "2.30", force=True).expect(400)
    Instance.objects.update(vm_state="paused")
    evacuate(as_admin, server).expect(409)
    assert not Migration.objects.exists()


def test_the_password_is_told_until_2_13(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    seen: list[str] = []

    def spawn(guest: Guest) -> None:
        seen.append(guest.admin_password)

    server = rack.server(as_member)
    host_fails(server)
    evacuate(as_admin, server, "2.13").expect(400)
    evacuate(as_admin, server, "2.13", onSharedStorage=True, adminPass="new").expect(400)
    answer = evacuate(as_admin, server, "2.13", onSharedStorage=False, adminPass="new").expect(200)
    assert answer.json == {"adminPass": "new"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, "spawn", spawn)
        run_jobs()
    assert seen == ["new"]


def test_a_lost_task_does_not_keep_a_server_on_a_failed_host(
    as_member: ApiClient, as_admin: ApiClient, as_manager: ApiClient, rack: Rack
) -> None:
    make_host("host3")
    server = rack.server(as_member)
    live(as_manager, server).expect(202)
    host_fails(server)
    evacuate(as_admin, server).expect(200)
    statuses = Migration.objects.order_by("pk").values_list("status", flat=True)
    assert list(statuses) == ["error", "accepted"]
    run_jobs()
    assert state(server) == ("active", None)
    assert_lies_alone_on(server, move_of(server).dest_compute or "")


def test_without_a_host_the_server_is_in_error_and_may_be_tried_again(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    target = other_host(server)
    host_fails(server)
    Service.objects.filter(host=target).update(disabled=True)
    evacuate(as_admin, server).expect(200)
    run_jobs()
    assert state(server) == ("error", None)
    assert move_of(server).status == "error"
    Service.objects.filter(host=target).update(disabled=False)
    evacuate(as_admin, server).expect(200)
    run_jobs()
    assert state(server) == ("active", None)
    assert_lies_alone_on(server, target)


def test_deleting_a_server_that_is_evacuated_leaves_no_guest(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member)
    target = other_host(server)
    host_fails(server)
    evacuate(as_admin, server).expect(200)
    guests: set[str] = set()

    def spawn(guest: Guest) -> None:
        as_member.delete(f"/servers/{server.uuid}").expect(204)
        guests.add(guest.node)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fake, "spawn", spawn)
        patch.setattr(fake, "destroy_later", lambda _, node: guests.discard(node))
        run_jobs()
        assert target not in guests
    assert state(server) == ("deleted", None)
    assert not Allocation.objects.exists()
    assert in_use("cores") == 0
    assert_books_balance()
