"""What is on the disks of guests, on hosts with agents: images of them, and moves between hosts."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from servers.agent.files import read_json
from servers.agent.hypervisor.pretend import CONFIG
from servers.agent.loop import Agent
from servers.host_orders import spool
from servers.models import HostOrder, Instance, Migration
from tests.agents.test_life import DATA, act, becomes, create, make_image, state
from tests.world.agents import at_work, jobs_at_work, join, make_agent, wait_until
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor

WRITTEN = b"what the guest has written"


@pytest.fixture
def member(transactional_db: None) -> ApiClient:
    return ApiClient(make_cast().member)


@pytest.fixture
def admin(transactional_db: None) -> ApiClient:
    return ApiClient(make_cast().admin)


@pytest.fixture
def agent(live_server: LiveServer, member: ApiClient, tmp_path: Path) -> Iterator[Agent]:
    join(live_server.url, tmp_path / "one", "one")
    with jobs_at_work(), at_work(make_agent(tmp_path / "one")) as agent:
        yield agent


@contextlib.contextmanager
def second_host(site: str, folder: Path, **settings: Any) -> Iterator[Agent]:
    join(site, folder, "two")
    with at_work(make_agent(folder, **settings)) as agent:
        yield agent


def built(member: ApiClient, **more: Any) -> Instance:
    server = create(member, **more)
    becomes(server, "active", 1)
    return server


def disk_of(folder: Path, server: Instance) -> Path:
    return folder / "pretend" / str(server.uuid) / "disk"


def write(folder: Path, server: Instance) -> None:
    """As the guest does it."""
    disk_of(folder, server).write_bytes(WRITTEN)


def fail_at(folder: Path, *calls: str) -> None:
    (folder / "pretend" / "fails").write_text("\n".join(calls))


def data_of(member: ApiClient, image: str) -> bytes:
    wait_until(lambda: member.get(f"//image/v2/images/{image}").json["status"] == "active")
    return member.get(f"//image/v2/images/{image}/file").expect(200).content


def test_an_image_has_what_is_on_the_disk(agent: Agent, member: ApiClient, tmp_path: Path) -> None:
    server = built(member)
    write(tmp_path / "one", server)
    path = f"/servers/{server.uuid}/action"
    fail_at(tmp_path / "one", "snapshot")
    body = {"createImage": {"name": "image"}}
    image = member.post(path, body).expect(202).headers["Location"].rpartition("/")[2]
    wait_until(lambda: state(server)[1] is None)
    wait_until(lambda: member.get(f"//image/v2/images/{image}").status == 404)
    fail_at(tmp_path / "one")
    image = member.post(path, body).expect(202).headers["Location"].rpartition("/")[2]
    assert data_of(member, image) == WRITTEN
    becomes(server, "active", 1)
    actions = member.get(f"/servers/{server.uuid}/os-instance-actions").expect(200).json
    assert [one["action"] for one in actions["instanceActions"]] == [
        *("createImage", "createImage", "create"),
    ]
    assert list((tmp_path / "one" / "moves").iterdir()) == []


def test_the_newest_backups_are_kept_once_the_new_one_is_complete(
    agent: Agent, member: ApiClient, tmp_path: Path
) -> None:
    server = built(member)
    ids = []
    for _ in range(2):
        body = {"createBackup": {"name": "b", "backup_type": "daily", "rotation": 1}}
        answer = member.post(f"/servers/{server.uuid}/action", body, microversion="2.45")
        ids.append(answer.expect(202).json["image_id"])
        becomes(server, "active", 1)
    assert data_of(member, ids[1]) == DATA
    wait_until(lambda: member.get(f"//image/v2/images/{ids[0]}").status == 404)


def test_a_shelved_server_comes_back_with_what_it_held(
    agent: Agent, member: ApiClient, tmp_path: Path
) -> None:
    server = built(member)
    write(tmp_path / "one", server)
    act(member, server, shelve=None)
    wait_until(lambda: state(server)[:2] == ("shelved_offloaded", None))
    assert not disk_of(tmp_path / "one", server).exists()
    act(member, server, unshelve=None)
    becomes(server, "active", 1)
    assert disk_of(tmp_path / "one", server).read_bytes() == WRITTEN
    own = "//image/v2/images?name=real-shelved"
    wait_until(lambda: member.get(own).json["images"] == [])


def test_a_guest_is_rescued_and_gets_a_password(
    agent: Agent, member: ApiClient, tmp_path: Path
) -> None:
    server = built(member)
    image = make_image(member, b"rescue")
    act(member, server, changePassword={"adminPass": "hush"})
    becomes(server, "active", 1)
    admin = ApiClient(make_cast().admin)
    path = f"/servers/{server.uuid}/diagnostics"
    seen = admin.get(path, microversion="2.48").expect(200).json
    assert (seen["driver"], seen["hypervisor"], seen["uptime"]) == ("pretend", "pretend", 0)
    assert seen["cpu_details"] == [{"id": 0, "time": None, "utilisation": None}]
    assert seen["nic_details"][0]["mac_address"] == server.network_info[0]["mac"]
    body = {"rescue": {"rescue_image_ref": image}}
    member.post(f"/servers/{server.uuid}/action", body).expect(200)
    becomes(server, "rescued", 1)
    folder = disk_of(tmp_path / "one", server).parent
    assert (folder / "disk.rescue").read_bytes() == b"rescue"
    act(member, server, unrescue=None)
    becomes(server, "active", 1)
    assert not (folder / "disk.rescue").exists()
    body = {"trigger_crash_dump": None}
    member.post(f"/servers/{server.uuid}/action", body, microversion="2.17").expect(202)
    log = (folder / "console.log").read_text().split("\n")
    assert log[1:-1] == ["password changed", "rescue", "unrescue", "kernel panic"]
    assert "hush" not in str(list(HostOrder.objects.values()))


def test_an_image_says_how_long_its_guests_take_to_shut_down(
    agent: Agent, member: ApiClient, tmp_path: Path
) -> None:
    image = make_image(member)
    step = {"op": "add", "path": "/os_shutdown_timeout", "value": "0"}
    member.patch(f"//image/v2/images/{image}", [step]).expect(200)
    server = built(member, imageRef=image)
    act(member, server, **{"os-stop": None})
    becomes(server, "stopped", 4)
    folder = disk_of(tmp_path / "one", server).parent
    assert "stop at once" in (folder / "console.log").read_text()


def test_a_server_moves_with_its_disk_and_back(
    agent: Agent, live_server: LiveServer, member: ApiClient, admin: ApiClient, tmp_path: Path
) -> None:
    server = built(member)
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, server)
    with second_host(live_server.url, two):
        admin.post(f"/servers/{server.uuid}/action", {"migrate": None}).expect(202)
        becomes(server, "resized", 1)
        assert (server.host, disk_of(two, server).read_bytes()) == ("two", WRITTEN)
        assert not disk_of(one, server).exists()
        act(admin, server, revertResize=None)
        becomes(server, "active", 1)
        assert (server.host, disk_of(one, server).read_bytes()) == ("one", WRITTEN)
        assert not disk_of(two, server).exists()
        admin.post(f"/servers/{server.uuid}/action", {"migrate": None}).expect(202)
        becomes(server, "resized", 1)
        admin.post(f"/servers/{server.uuid}/action", {"confirmResize": None}).expect(204)
        becomes(server, "active", 1)
        assert disk_of(two, server).read_bytes() == WRITTEN
        assert not (one / "moves" / str(server.uuid)).exists()
        assert not (spool.folder() / str(server.uuid)).exists()


def test_a_server_that_cannot_be_packed_goes_on(
    agent: Agent, live_server: LiveServer, member: ApiClient, admin: ApiClient, tmp_path: Path
) -> None:
    server = built(member)
    with second_host(live_server.url, tmp_path / "two"):
        fail_at(tmp_path / "one", "pack")
        admin.post(f"/servers/{server.uuid}/action", {"migrate": None}).expect(202)
        becomes(server, "active", 1)
    assert server.host == "one"
    assert read_json(disk_of(tmp_path / "one", server).parent / "power") == 1


def test_a_server_gets_another_flavor_on_its_host(
    agent: Agent,
    member: ApiClient,
    tmp_path: Path,
    settings: Any,
) -> None:
    server = built(member)
    write(tmp_path / "one", server)
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, allow_resize_to_same_host=True)
    larger = make_flavor(vcpus=2, root_gb=20)
    act(member, server, resize={"flavorRef": larger.flavorid})
    becomes(server, "resized", 1)
    folder = disk_of(tmp_path / "one", server).parent
    assert (folder / "disk").read_bytes() == WRITTEN
    assert read_json(folder / "guest.json")["vcpus"] == 2
    act(member, server, revertResize=None)
    becomes(server, "active", 1)
    assert read_json(folder / "guest.json")["vcpus"] != 2
    assert (folder / "disk").read_bytes() == WRITTEN


def test_a_server_moves_while_it_runs(
    agent: Agent, live_server: LiveServer, member: ApiClient, admin: ApiClient, tmp_path: Path
) -> None:
    server = built(member, config_drive=True)
    write(tmp_path / "one", server)
    told = (tmp_path / "one" / "pretend" / str(server.uuid) / CONFIG).read_bytes()
    assert json.loads(told)["password"]
    body = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    path = f"/servers/{server.uuid}"
    with second_host(live_server.url, tmp_path / "two"):
        shared = {"os-migrateLive": {"host": None, "block_migration": False}}
        refused = admin.post(f"{path}/action", shared, microversion="2.30").expect(400)
        assert "have to be copied" in refused.json["badRequest"]["message"]
        Migration.objects.all().delete()
        fail_at(tmp_path / "one", "live")
        admin.post(f"{path}/action", body, microversion="2.30").expect(202)
        becomes(server, "active", 1)
        assert (server.host, Migration.objects.get().status) == ("one", "error")
        fail_at(tmp_path / "one")
        agent.hypervisor.delay = 0.3  # type: ignore[attr-defined]  # of pretend
        admin.post(f"{path}/action", body, microversion="2.30").expect(202)
        wait_until(lambda: HostOrder.objects.filter(task="live_disks").count() == 2)
        move = Migration.objects.get(status="running")
        admin.delete(f"{path}/migrations/{move.pk}", microversion="2.30").expect(202)
        becomes(server, "active", 1)
        move.refresh_from_db()
        assert (server.host, move.status) == ("one", "cancelled")
        admin.post(f"{path}/action", body, microversion="2.30").expect(202)
        wait_until(lambda: HostOrder.objects.filter(task="live_disks").count() == 3)
        move = Migration.objects.get(status="running")
        force = {"force_complete": None}
        admin.post(f"{path}/migrations/{move.pk}/action", force, microversion="2.30").expect(202)
        becomes(server, "active", 1)
        assert (server.host, disk_of(tmp_path / "two", server).read_bytes()) == ("two", WRITTEN)
        assert not disk_of(tmp_path / "one", server).exists()
        # with what nobody but the old host knew any more
        drive = disk_of(tmp_path / "two", server).with_name(CONFIG)
        assert drive.read_bytes() == told
        assert not (spool.folder() / str(server.uuid)).exists()
