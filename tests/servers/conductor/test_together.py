"""Builds that wait are done together, and on each host no more at once than the site wants."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext

from compute_site.db.locks import Kind
from compute_site.neighbours.network.models import FixedIp, Port, Quota, Subnet
from servers.build import together
from servers.build.place import place_reservation
from servers.delete.delete import delete_server
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.lifecycle.companions import FEW_SERVERS, Group
from servers.models import Instance, InstanceActionEvent, ServerFault
from tests.world.callers import caller_of
from tests.world.cast import Cast
from tests.world.factories import make_flavor, make_network
from tests.world.hosts import assert_hosts_add_up, make_host
from tests.world.jobs import queued, run_jobs, run_next
from tests.world.reservations import make_reservation
from tests.world.worker_process import url_of_database

pytestmark = pytest.mark.django_db


def placed(count: int, **values: Any) -> list[Instance]:
    """Servers whose builds wait."""
    servers = make_reservation(count, **values)
    place_reservation(servers[0].reservation_id)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE task_name <> 'servers.build_server'")
    return servers


def states() -> list[tuple[str, str | None]]:
    return list(Instance.objects.order_by("pk").values_list("vm_state", "task_state"))


def job_queues() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue_name, status FROM procrastinate_jobs ORDER BY id")
        return list(cursor.fetchall())


def places_held() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE classid = %s", [int(Kind.BUILD)])
        return int(cursor.fetchone()[0])


def wanting(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    monkeypatch.setattr(settings, "OPTIONS", dataclasses.replace(settings.OPTIONS, **values))


def test_one_job_builds_all_that_wait_in_the_statements_of_one() -> None:
    make_host("host1", vcpus=1000)
    make_host("host2", vcpus=1000)
    network = make_network(subnet=False)
    Subnet.objects.create(
        network=network,
        project_id=network.project_id,
        ip_version=6,
        cidr="fd00:1::/64",  # so large that no two draws meet
        allocation_pools=[{"start": "fd00:1::2", "end": "fd00:1::ffff:ffff"}],
    )
    counts = []
    for number in (2, 2, 16):
        servers = placed(number, networks=[{"network_id": str(network.pk)}])
        with CaptureQueriesContext(connection) as statements:
            assert run_jobs() == 1
        counts.append(len(statements))
        assert Port.objects.filter(device_id=str(servers[-1].uuid)).count() == 1
    assert set(states()) == {("active", None)}
    assert counts[1] == counts[2]
    assert queued() == []


def test_a_server_alone_takes_few_statements_and_transactions() -> None:
    make_host()
    network = make_network()
    for _ in range(2):
        placed(1, networks=[{"network_id": str(network.pk)}])
        with CaptureQueriesContext(connection) as statements:
            run_jobs()
    texts = [statement["sql"] for statement in statements]
    steps = [text for text in texts if "UPDATE servers_instance AS server" in text]
    assert len(steps) == 4
    words = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    own = [text for text in texts if "procrastinate" not in text or "released" in text]
    assert sum(not text.startswith(words) for text in own) <= 13  # the last gives the locks back
    assert sum(text.startswith("RELEASE") for text in texts) == 1  # of the one that is written out


def test_what_fails_in_the_middle_fails_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host("host1", vcpus=100)
    servers = placed(5, force_hosts=["host1"])
    bad, gone = str(servers[1].uuid), servers[3]

    def spawn(guest: Guest) -> None:
        if guest.server_id == bad:
            raise DriverFailed("The host is out of order.")
        if guest.server_id == str(gone.uuid):
            delete_server(caller_of(Cast.member), gone)

    monkeypatch.setattr(fake, "spawn", spawn)
    run_jobs()
    assert [state for state, _ in states()] == ["active", "error", "active", "deleted", "active"]
    assert ServerFault.objects.get().instance == servers[1]
    ends = InstanceActionEvent.objects.filter(action__action="create").order_by("action")
    assert list(ends.values_list("result", flat=True)).count("Success") == 3
    assert_hosts_add_up()


def test_the_ports_that_a_quota_leaves_go_to_as_many_servers() -> None:
    make_host("host1", vcpus=100)
    network = make_network()
    Quota.objects.create(project_id=Cast.member.project_id, resource="port", limit=3)
    placed(5, networks=[{"network_id": str(network.pk)}])
    run_jobs()
    found = [state for state, _ in states()]
    assert (found.count("active"), found.count("error")) == (3, 2)
    assert Port.objects.count() == FixedIp.objects.count() == 3
    assert all("3 of at most 3" in fault.message for fault in ServerFault.objects.all())


def test_where_the_database_fails_all_go_back_and_run_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host("host1", vcpus=100)
    placed(3)
    with monkeypatch.context() as patch:

        def lose(_guest: Guest) -> None:
            raise OperationalError("the connection is lost")

        patch.setattr(fake, "spawn", lose)
        with pytest.raises(OperationalError):
            run_jobs()
    assert [status for _, status in job_queues()] == ["doing", "todo", "todo"]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'")
    assert run_jobs() == 3
    assert set(states()) == {("active", None)}


def test_a_job_that_was_tried_before_takes_no_others_along() -> None:
    make_host("host1", vcpus=100)
    placed(3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET attempts = 1 RETURNING id")
        first = min(job for (job,) in cursor.fetchall())
        cursor.execute("UPDATE procrastinate_jobs SET attempts = 0 WHERE id <> %s", [first])
    assert run_next()
    assert [state for state, _ in states()] == ["active", "building", "building"]


def test_no_more_builds_of_a_host_run_at_once_than_the_site_wants(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanting(monkeypatch, max_concurrent_builds=2)
    make_host("host1", vcpus=100)
    placed(5)
    together_now: list[int] = []
    monkeypatch.setattr(
        fake,
        "spawn",
        lambda _guest: together_now.append(Instance.objects.filter(task_state="spawning").count()),
    )
    run_jobs()
    assert set(states()) == {("active", None)}
    assert set(together_now) == {1, 2}
    assert queued() == []
    assert places_held() == 0


def test_builds_without_a_place_wait_until_one_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    wanting(monkeypatch, max_concurrent_builds=1)
    make_host("host1", vcpus=100)
    placed(3)
    seen: list[list[tuple[str, str]]] = []
    monkeypatch.setattr(fake, "spawn", lambda _guest: seen.append(job_queues()))
    assert run_next()
    waiting = (together.WAITING, "todo")
    assert seen == [[("compute", "doing"), waiting, waiting]]
    assert job_queues() == [("compute", "todo"), waiting]


def test_where_the_worker_is_lost_waiting_builds_go_on_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanting(monkeypatch, max_concurrent_builds=2)
    make_host("host1", vcpus=100)
    placed(3)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET queue_name = %s", [together.WAITING])
    together.let_waiting_go_on()
    assert job_queues() == [("compute", "todo"), ("compute", "todo"), (together.WAITING, "todo")]


def test_places_that_are_freed_while_builds_are_set_aside_are_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wanting(monkeypatch, max_concurrent_builds=1)
    node = make_host("host1", vcpus=100)
    placed(2)
    place = [int(Kind.BUILD), node.pk * together.PLACES + 1]
    put_into = Group.put_into

    with psycopg.connect(url_of_database(), autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s, %s)", place)

        def put_late(group: Group, queue: str, keys: Collection[int | None]) -> None:
            other.execute("SELECT pg_advisory_unlock(%s, %s)", place)
            put_into(group, queue, keys)

        monkeypatch.setattr(Group, "put_into", put_late)
        assert run_next()
    assert job_queues() == [("compute", "todo"), (together.WAITING, "todo")]


def test_without_a_limit_all_are_built_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanting(monkeypatch, max_concurrent_builds=0)
    make_host("host1", vcpus=100)
    placed(12)
    assert run_jobs() == 1
    assert set(states()) == {("active", None)}


def job_rows() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, status FROM procrastinate_jobs ORDER BY id")
        return list(cursor.fetchall())


def claims_in(statements: CaptureQueriesContext) -> int:
    return sum("INSERT INTO servers_allocation" in one["sql"] for one in statements)


def test_a_server_alone_is_built_by_the_job_that_places_it() -> None:
    make_host("host1", vcpus=100)
    make_reservation(1)
    assert run_jobs() == 1
    assert states() == [("active", None)]
    assert job_rows() == []


def test_where_the_build_breaks_off_it_is_found_as_a_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host("host1", vcpus=100)
    make_reservation(1)
    make_reservation(1)
    with monkeypatch.context() as patch:

        def lose(_guest: Guest) -> None:
            raise OperationalError("the connection is lost")

        patch.setattr(fake, "spawn", lose)
        with pytest.raises(OperationalError):
            run_jobs()
    build = "servers.build_server"
    assert job_rows() == [(build, "doing"), (build, "todo")]
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo'")
    assert run_jobs() == 2
    assert set(states()) == {("active", None)}
    assert_hosts_add_up()


def test_reservations_that_ask_for_the_same_are_placed_together() -> None:
    make_host("host1", vcpus=100)
    flavor = make_flavor()
    for owner in (Cast.member, Cast.outsider, Cast.member):
        make_reservation(1, flavor=flavor, owner=owner)
    make_reservation(2, flavor=flavor)
    with CaptureQueriesContext(connection) as statements:
        run_jobs()
    assert states() == [("active", None)] * 5
    assert claims_in(statements) == 1
    wanted = set(Instance.objects.values_list("project", "user"))
    assert wanted == {(one.project_id, one.user_id) for one in (Cast.member, Cast.outsider)}
    assert_hosts_add_up()


def test_reservations_that_ask_for_different_things_are_placed_apart() -> None:
    make_host("host1", vcpus=100)
    small, large = make_flavor(vcpus=1), make_flavor(vcpus=4)
    for flavor in (small, large, small):
        make_reservation(1, flavor=flavor)
    with CaptureQueriesContext(connection) as statements:
        run_jobs()
    assert states() == [("active", None)] * 3
    assert claims_in(statements) == 2
    assert_hosts_add_up()


def test_where_there_is_not_room_for_all_those_that_came_first_get_it() -> None:
    make_host("host1", vcpus=2, cpu_allocation_ratio=1.0)
    flavor = make_flavor(vcpus=1)
    for _ in range(3):
        make_reservation(1, flavor=flavor)
    run_jobs()
    assert [state for state, _ in states()] == ["active", "active", "error"]
    assert_hosts_add_up()


def test_a_large_reservation_is_placed_alone() -> None:
    make_host("host1", vcpus=100)
    flavor = make_flavor()
    make_reservation(1, flavor=flavor)
    make_reservation(FEW_SERVERS + 1, flavor=flavor)
    assert run_next()
    assert [state for state, _ in states()] == ["active"] + ["building"] * (FEW_SERVERS + 1)
    run_jobs()
    assert set(states()) == {("active", None)}


def test_jobs_that_others_have_taken_over_keep_no_companion_from_going_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_host("host1", vcpus=100)
    placed(3)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM procrastinate_jobs ORDER BY id")
        _first, taken, left = (job for (job,) in cursor.fetchall())

    def lose(_guest: Guest) -> None:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [taken])
        raise OperationalError("the connection is lost")

    monkeypatch.setattr(fake, "spawn", lose)
    with pytest.raises(OperationalError):
        run_jobs()
    with connection.cursor() as cursor:
        cursor.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [left])
        assert cursor.fetchone() == ("todo",)
        cursor.execute("SELECT count(*) FROM pg_locks WHERE classid = %s", [int(Kind.JOB)])
        assert cursor.fetchone() == (0,)


def test_jobs_that_others_have_taken_over_end_with_those(monkeypatch: pytest.MonkeyPatch) -> None:
    make_host("host1", vcpus=100)
    placed(3)

    def lose(_guest: Guest) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = 'todo'"
                " WHERE id = (SELECT max(id) FROM procrastinate_jobs)"
            )

    with monkeypatch.context() as patch:
        patch.setattr(fake, "spawn", lose)
        assert run_next()
    assert job_queues() == [("compute", "todo")]
    run_jobs()
    assert states() == [("active", None)] * 3
    assert job_queues() == []
