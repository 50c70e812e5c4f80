"""The life of servers on a host with an agent, through real HTTP on both sides of the site."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from servers.agent.files import read_json
from servers.agent.loop import Agent
from servers.models import Instance
from tests.world.agents import (
    at_work,
    jobs_at_work,
    join,
    make_agent,
    power_off_from_inside,
    wait_until,
)
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_network

DATA = bytes(range(256)) * 4096


@pytest.fixture
def member(transactional_db: None) -> ApiClient:
    return ApiClient(make_cast().member)


@pytest.fixture
def folder(live_server: LiveServer, member: ApiClient, tmp_path: Path) -> Path:
    """That of a host that has joined."""
    join(live_server.url, tmp_path)
    return tmp_path


@pytest.fixture
def agent(folder: Path) -> Iterator[Agent]:
    with jobs_at_work(), at_work(make_agent(folder)) as agent:
        yield agent


def make_image(client: ApiClient, data: bytes = DATA) -> str:
    body = {"name": "image", "disk_format": "raw", "container_format": "bare"}
    image_id = str(client.post("//image/v2/images", body).expect(201).json["id"])
    client.put(f"//image/v2/images/{image_id}/file", data).expect(204)
    return image_id


def create(client: ApiClient, **more: Any) -> Instance:
    body = {
        "name": "real",
        "imageRef": make_image(client),
        "flavorRef": make_flavor().flavorid,
        "networks": [{"uuid": str(make_network().pk)}],
        **more,
    }
    answer = client.post("/servers", {"server": body}, microversion="2.37").expect(202)
    return Instance.objects.get(uuid=answer.json["server"]["id"])


def state(server: Instance) -> tuple[str, str | None, int]:
    server.refresh_from_db()
    return server.vm_state, server.task_state, server.power_state


def becomes(server: Instance, vm_state: str, power: int) -> None:
    wait_until(lambda: state(server) == (vm_state, None, power))


def act(client: ApiClient, server: Instance, **body: Any) -> None:
    client.post(f"/servers/{server.uuid}/action", body).expect(202)


def test_a_server_lives_on_a_real_host(agent: Agent, member: ApiClient, folder: Path) -> None:
    server = create(member)
    becomes(server, "active", 1)
    guest = folder / "pretend" / str(server.uuid)
    assert hashlib.sha256((guest / "disk").read_bytes()).digest() == hashlib.sha256(DATA).digest()
    told = read_json(guest / "guest.json")
    [nic] = told["nics"]
    assert nic["mac"] == server.network_info[0]["mac"]
    assert nic["subnets"][0]["gateway"].endswith(".1")
    act(member, server, **{"os-stop": None})
    becomes(server, "stopped", 4)
    act(member, server, **{"os-start": None})
    becomes(server, "active", 1)
    act(member, server, reboot={"type": "SOFT"})
    becomes(server, "active", 1)
    act(member, server, pause=None)
    becomes(server, "paused", 3)
    act(member, server, unpause=None)
    becomes(server, "active", 1)
    console = member.post(f"/servers/{server.uuid}/action", {"os-getConsoleOutput": {}})
    assert console.expect(200).json["output"].split() == [
        *("real", "login:", "stop", "start", "reboot", "pause", "unpause"),
    ]
    member.delete(f"/servers/{server.uuid}").expect(204)
    wait_until(lambda: state(server)[0] == "deleted")
    assert not guest.exists()


def test_a_rebuild_brings_the_disk_of_the_new_image(
    agent: Agent, member: ApiClient, folder: Path
) -> None:
    server = create(member)
    becomes(server, "active", 1)
    new = make_image(member, b"new" * 1000)
    act(member, server, rebuild={"imageRef": new})
    becomes(server, "active", 1)
    assert (folder / "pretend" / str(server.uuid) / "disk").read_bytes() == b"new" * 1000


def test_a_guest_that_powers_itself_off_is_shut_off(
    agent: Agent, member: ApiClient, folder: Path
) -> None:
    server = create(member)
    becomes(server, "active", 1)
    power_off_from_inside(folder, str(server.uuid))
    becomes(server, "stopped", 4)
    shown = member.get(f"/servers/{server.uuid}").expect(200).json["server"]
    assert shown["status"] == "SHUTOFF"
    actions = member.get(f"/servers/{server.uuid}/os-instance-actions").expect(200).json
    assert [one["action"] for one in actions["instanceActions"]] == ["stop", "create"]
    act(member, server, **{"os-start": None})
    becomes(server, "active", 1)
