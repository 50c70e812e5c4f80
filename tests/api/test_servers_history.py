"""``GET /servers/{id}/history``: each step of a server's actions, and how long it took."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from django.conf import settings
from django.db.models import F

from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.models import Instance, ServerStep
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop

BUILD = ["queued", "scheduling", "queued", "networking", "block_device_mapping", "spawning"]


def history(client: ApiClient, server_id: str, query: str = "", version: str = "2.1") -> Any:
    path = f"/servers/{server_id}/history{query}"
    return client.get(path, microversion=version).expect(200).json["history"]


def order(shop: Shop, client: ApiClient) -> str:
    return str(shop.order(client).expect(202).json["server"]["id"])


def words(action: dict[str, Any]) -> list[str]:
    return [step["step"] for step in action["steps"]]


def test_the_steps_of_a_build_follow_each_other_without_gaps(
    shop: Shop, as_member: ApiClient, as_reader: ApiClient
) -> None:
    make_host("one")
    server_id = order(shop, as_member)
    [waiting] = history(as_reader, server_id)
    assert waiting["action"] == "create"
    assert waiting["finish_time"] is waiting["result"] is None
    assert words(waiting) == ["queued"]
    assert waiting["duration"] >= 0
    run_jobs()
    [built] = history(as_reader, server_id, version="2.104")
    assert words(built) == BUILD
    assert built["result"] == "Success"
    assert built["request_id"] == waiting["request_id"]
    begins = [built["start_time"], *(step["start_time"] for step in built["steps"][1:])]
    assert [step["start_time"] for step in built["steps"]] == begins
    assert [step["finish_time"] for step in built["steps"]] == [*begins[1:], built["finish_time"]]
    assert total(built["steps"]) == pytest.approx(built["duration"], abs=0.001)
    assert built["duration"] == pytest.approx(
        (time_of(built["finish_time"]) - time_of(built["start_time"])).total_seconds(), abs=0.001
    )


def total(steps: Sequence[dict[str, Any]]) -> float:
    return sum(step["duration"] for step in steps)


def time_of(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def test_hosts_are_told_to_those_who_may_see_them(
    shop: Shop, as_member: ApiClient, as_admin: ApiClient
) -> None:
    make_host("one")
    server_id = order(shop, as_member)
    run_jobs()
    [seen] = history(as_admin, server_id)
    assert [step["host"] for step in seen["steps"]] == [None, None, "one", "one", "one", "one"]
    assert "one" not in str(history(as_member, server_id))


def test_a_build_that_tries_another_host_shows_both(
    shop: Shop, as_member: ApiClient, as_admin: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        make_host(name)
    server_id = order(shop, as_member)
    failed: list[Guest] = []

    def fail_once(guest: Guest) -> None:
        if not failed:
            failed.append(guest)
            raise DriverFailed("The host is out of order.")

    monkeypatch.setattr(fake, "spawn", fail_once)
    run_jobs()
    [built] = history(as_admin, server_id)
    assert words(built) == [*BUILD, "scheduling", "networking", "block_device_mapping", "spawning"]
    hosts = [step["host"] for step in built["steps"] if step["step"] == "spawning"]
    assert sorted(hosts) == ["one", "two"]
    assert built["result"] == "Success"


def test_a_server_without_a_host_has_a_history_too(shop: Shop, as_member: ApiClient) -> None:
    server_id = order(shop, as_member)
    run_jobs()
    [failed] = history(as_member, server_id)
    assert words(failed) == ["queued", "scheduling"]
    assert failed["result"] == "Error"


def test_the_time_that_a_build_waits_for_a_place_on_its_host_is_told(
    shop: Shop, as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = dataclasses.replace(settings.OPTIONS, max_concurrent_builds=1)
    monkeypatch.setattr(settings, "OPTIONS", options)
    make_host("one")
    first, second = order(shop, as_member), order(shop, as_member)
    waiting: list[Any] = []
    monkeypatch.setattr(fake, "spawn", lambda _: waiting.extend(history(as_member, second)))
    run_jobs()
    assert words(waiting[0]) == [*BUILD[:3], "waiting_for_place"]
    assert waiting[0]["result"] is None
    [built] = history(as_member, second)
    assert words(built) == [*BUILD[:3], "waiting_for_place", "queued", *BUILD[3:]]
    [built] = history(as_member, first)
    assert words(built) == BUILD


def test_actions_that_need_a_worker_wait_for_it_first(
    shop: Shop, as_member: ApiClient, as_admin: ApiClient
) -> None:
    for name in ("one", "two"):
        make_host(name)
    server_id = order(shop, as_member)
    run_jobs()
    as_member.post(f"/servers/{server_id}/action", {"reboot": {"type": "SOFT"}}).expect(202)
    [reboot, _] = history(as_member, server_id)
    assert (words(reboot), reboot["result"]) == ([], None)
    run_jobs()
    as_member.post(f"/servers/{server_id}/action", {"lock": None}).expect(202)
    as_admin.post(f"/servers/{server_id}/action", {"migrate": None}).expect(202)
    run_jobs()
    migrate, lock, reboot, create = history(as_member, server_id)
    assert words(reboot) == ["queued", "rebooting"]
    assert (lock["action"], words(lock), lock["result"]) == ("lock", [], "Success")
    assert words(migrate) == [
        "queued",
        "scheduling",
        "queued",
        "resize_prep",
        "resize_migrating",
        "resize_migrated",
        "resize_finish",
    ]
    assert words(create) == BUILD
    assert all(action["result"] == "Success" for action in (migrate, reboot, create))


def test_steps_of_two_attachments_at_once_are_told_apart(shop: Shop, as_member: ApiClient) -> None:
    make_host("one")
    server_id = order(shop, as_member)
    run_jobs()
    for _ in range(2):
        body = {"volumeAttachment": {"volumeId": str(make_volume().pk)}}
        as_member.post(f"/servers/{server_id}/os-volume_attachments", body).expect(200)
    run_jobs()
    second, first, _ = history(as_member, server_id)
    assert words(first) == words(second) == ["queued", "attach_volume"]


def test_clocks_that_differ_a_little_lose_no_step(shop: Shop, as_member: ApiClient) -> None:
    make_host("one")
    server_id = order(shop, as_member)
    run_jobs()
    [built] = history(as_member, server_id)
    ServerStep.objects.update(started_at=F("started_at") - dt.timedelta(seconds=1))
    [shown] = history(as_member, server_id)
    assert words(shown) == words(built)
    assert all(step["duration"] >= 0 for step in shown["steps"])


def test_pages_go_on_from_a_request(shop: Shop, as_member: ApiClient) -> None:
    server = make_instance()
    for name in ("lock", "unlock", "lock"):
        as_member.post(f"/servers/{server.uuid}/action", {name: None}).expect(202)
    newest, middle, oldest = history(as_member, str(server.uuid))
    assert history(as_member, str(server.uuid), "?limit=1") == [newest]
    marker = newest["request_id"]
    assert history(as_member, str(server.uuid), f"?marker={marker}") == [middle, oldest]
    assert history(as_member, str(server.uuid), "?limit=0") == []


@pytest.mark.parametrize(
    ("query", "key"), [("limit=-1", "limit"), ("limit=x", "limit"), ("deleted=1", "deleted")]
)
def test_a_query_that_cannot_be_read_is_refused(as_member: ApiClient, query: str, key: str) -> None:
    path = f"/servers/{make_instance().uuid}/history"
    assert as_member.get(f"{path}?{query}").expect(400).blamed == [key]
    as_member.get(f"{path}?marker=req-none").expect(400)


def test_the_history_of_others_is_not_told(as_outsider: ApiClient) -> None:
    as_outsider.get(f"/servers/{make_instance().uuid}/history").expect(404)


def test_deleted_servers_keep_their_history(shop: Shop, as_member: ApiClient) -> None:
    make_host("one")
    server_id = order(shop, as_member)
    run_jobs()
    as_member.delete(f"/servers/{server_id}").expect(204)
    run_jobs()
    assert Instance.objects.get(uuid=server_id).deleted_at is not None
    deleted, built = history(as_member, server_id)
    assert deleted["action"] == "delete"
    assert words(built) == BUILD
