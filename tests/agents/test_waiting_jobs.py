"""Jobs do not wait for hosts: they end, and the host's answer lets them go on."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from servers.host_orders.give import outcome_of
from servers.host_orders.parking import PARKED, WaitingForHost, park, wake_late
from servers.host_orders.take import purge_orders
from servers.lifecycle.companions import doing
from servers.lifecycle.jobs import COMPUTE
from servers.models import HostOrder, Instance, ServerStep
from tests.agents.test_host_api import BEAT, Host, give, host, joined
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.jobs import fetch_job, run_jobs

__all__ = ["host"]


@pytest.fixture
def member(db: None) -> ApiClient:
    return ApiClient(make_cast().member)


def stored_image() -> str:
    """One of which the host is told; nobody fetches it here."""
    return str(make_image(stored=True, size=4, os_hash_value="ab").pk)


def create(client: ApiClient, **more: Any) -> list[Instance]:
    """The newest first."""
    body = {
        "name": "real",
        "imageRef": stored_image(),
        "flavorRef": make_flavor().flavorid,
        "networks": "none",
        **more,
    }
    client.post("/servers", {"server": body}, microversion="2.37").expect(202)
    run_jobs()
    return list(Instance.objects.order_by("-pk"))


def answer(host: Host, **result: Any) -> str:
    """Do the oldest open order; its task."""
    order = host.orders()[0]
    told = {"ok": True, "result": {"power_state": 1, **result}}
    assert host.post(f"orders/{order['id']}/done", told)[0] == 200
    run_jobs()
    return str(order["task"])


def state(server: Instance) -> tuple[str, str | None]:
    server.refresh_from_db()
    return server.vm_state, server.task_state


def queues() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT queue_name FROM procrastinate_jobs ORDER BY id")
        return [name for (name,) in cursor.fetchall()]


def test_a_build_goes_on_with_the_answer_of_its_host(host: Host, member: ApiClient) -> None:
    [server] = create(member)
    assert state(server) == ("building", "spawning")
    assert queues() == [PARKED]
    assert run_jobs() == 0
    assert answer(host) == "spawn"
    assert state(server) == ("active", None)
    assert queues() == []
    steps = list(ServerStep.objects.filter(instance=server).values_list("step", flat=True))
    assert len(steps) == len(set(steps)), steps
    assert HostOrder.objects.count() == 1


def test_builds_that_are_done_together_wait_each_for_itself(host: Host, member: ApiClient) -> None:
    servers = create(member, min_count=3)
    assert queues() == [PARKED] * 3
    orders = host.orders()
    for number, order in enumerate(reversed(orders)):
        done = {"ok": True, "result": {"power_state": 1}}
        assert host.post(f"orders/{order['id']}/done", done)[0] == 200
        run_jobs()
        assert [state(server)[0] for server in servers].count("active") == number + 1
    assert HostOrder.objects.count() == 3


def test_an_action_of_several_orders_goes_on_after_each(host: Host, member: ApiClient) -> None:
    [server] = create(member)
    answer(host)
    path = f"/servers/{server.uuid}/action"
    member.post(path, {"os-stop": None}).expect(202)
    run_jobs()
    assert state(server) == ("active", "powering-off")
    assert answer(host, power_state=4) == "stop"
    assert state(server) == ("stopped", None)
    member.post(path, {"rebuild": {"imageRef": stored_image()}}).expect(202)
    run_jobs()
    assert [answer(host), answer(host, power_state=4)] == ["rebuild", "stop"]
    assert state(server) == ("stopped", None)
    steps = list(ServerStep.objects.filter(instance=server).values_list("step", flat=True))
    assert steps.count("rebuilding") == 1


def test_a_server_that_is_deleted_while_its_host_builds_it_is_gone(
    host: Host, member: ApiClient
) -> None:
    [server] = create(member)
    member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert state(server) == ("building", "deleting")
    assert [answer(host), answer(host)] == ["spawn", "destroy"]
    assert state(server)[0] == "deleted"
    assert queues() == []
    assert HostOrder.objects.count() == 2


def test_no_order_of_a_migration_follows_the_deletion_of_its_server(
    host: Host, member: ApiClient
) -> None:
    [server] = create(member)
    answer(host)
    other = joined("other")
    admin = ApiClient(make_cast().admin)
    body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    admin.post(f"/servers/{server.uuid}/action", body, microversion="2.30").expect(202)
    run_jobs()
    assert [order["task"] for order in host.orders()] == ["live_disks"]
    member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    answer(host, sizes={})
    while host.orders():
        answer(host)
    tasks = {order["task"] for order in other.orders()}
    while other.orders():
        answer(other)
    assert tasks == {"destroy"}
    assert state(server)[0] == "deleted"
    assert queues() == []


def test_a_host_that_is_too_late_fails_its_order(host: Host, member: ApiClient) -> None:
    [server] = create(member)
    wake_late()
    assert queues() == [PARKED]
    host.orders()
    past = timezone.now() - dt.timedelta(seconds=1)
    HostOrder.objects.update(not_after=past)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = %s", [past])
    wake_late()
    run_jobs()
    assert state(server) == ("error", None)
    assert [order["task"] for order in host.orders()] == ["spawn", "destroy"]


def test_an_answer_that_comes_before_the_job_waits_is_not_missed(
    host: Host, member: ApiClient
) -> None:
    create(member)
    answer(host)
    member.delete(f"/servers/{Instance.objects.get().uuid}").expect(204)
    found = fetch_job()
    assert found is not None
    with doing(found[0]):
        order = give(host)
        with pytest.raises(WaitingForHost) as waiting:
            outcome_of(order)
    assert host.post(f"orders/{order.uuid}/done", {"ok": True})[0] == 200
    park({found[0]: waiting.value})
    assert queues() == [COMPUTE]


def test_what_a_host_has_not_begun_is_not_late(host: Host) -> None:
    begun, queued = give(host), give(host)
    host.orders()
    unheard = give(host)
    soon = timezone.now() + dt.timedelta(seconds=1)
    HostOrder.objects.update(not_after=soon)
    host.post("heartbeat", BEAT)  # of an older agent
    assert set(HostOrder.objects.values_list("not_after", flat=True)) == {soon}
    assert host.post("heartbeat", {**BEAT, "doing": [str(begun.uuid)]})[0] == 200
    for order in (begun, queued, unheard):
        order.refresh_from_db()
    assert begun.not_after == unheard.not_after == soon
    assert queued.not_after > soon + dt.timedelta(seconds=60)


def test_an_answer_is_kept_as_long_as_its_job_has_not_seen_it(
    host: Host, member: ApiClient
) -> None:
    create(member)
    order = host.orders()[0]
    host.post(f"orders/{order['id']}/done", {"ok": True, "result": {"power_state": 1}})
    HostOrder.objects.update(done_at=timezone.now() - dt.timedelta(days=30))
    assert purge_orders() == 0
    run_jobs()
    assert purge_orders() == 1
