"""Volumes with bytes on hosts with agents."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django.live_server_helper import LiveServer

from compute_site.neighbours.volume.local import data
from compute_site.neighbours.volume.models import Snapshot, Volume
from servers.agent.files import read_json
from servers.agent.loop import Agent
from servers.models import HostOrder, Instance, ServerFault
from tests.agents.test_life import DATA, act, becomes, create, make_image, state
from tests.world.agents import at_work, jobs_at_work, join, make_agent, wait_until
from tests.world.cast import make_cast
from tests.world.client import ApiClient

V3 = "//volume/v3"


@pytest.fixture
def member(transactional_db: None) -> ApiClient:
    return ApiClient(make_cast().member)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "volumes"
    options = dataclasses.replace(settings.OPTIONS, volume_folder=place)
    monkeypatch.setattr(settings, "OPTIONS", options)
    return place


@pytest.fixture
def agent(live_server: LiveServer, member: ApiClient, tmp_path: Path) -> Iterator[Agent]:
    join(live_server.url, tmp_path)
    with jobs_at_work(), at_work(make_agent(tmp_path)) as agent:
        yield agent


def make_volume(client: ApiClient) -> str:
    body = {"volume": {"size": 1}}
    return str(client.post(f"{V3}/volumes", body).expect(202).json["volume"]["id"])


def status_of(client: ApiClient, volume: str) -> str:
    return str(client.get(f"{V3}/volumes/{volume}").expect(200).json["volume"]["status"])


def disks(tmp_path: Path, server: Instance) -> dict[str | None, Any]:
    told = read_json(tmp_path / "pretend" / str(server.uuid) / "guest.json")
    return {disk["volume_id"]: disk for disk in told["disks"]}


def attach(client: ApiClient, server: Instance, volume: str, status: str = "in-use") -> None:
    body = {"volumeAttachment": {"volumeId": volume}}
    client.post(f"/servers/{server.uuid}/os-volume_attachments", body).expect(200)
    wait_until(lambda: status_of(client, volume) == status)


def test_a_volume_goes_from_guest_to_guest_and_grows(
    agent: Agent, member: ApiClient, folder: Path, tmp_path: Path
) -> None:
    one, two = create(member), create(member)
    becomes(one, "active", 1)
    becomes(two, "active", 1)
    volume = make_volume(member)
    attach(member, one, volume)
    wait_until(lambda: volume in disks(tmp_path, one))
    connection = disks(tmp_path, one)[volume]["connection"]
    assert (connection["path"], connection["serial"]) == (str(folder / f"volume-{volume}"), volume)
    body = {"os-extend": {"new_size": 2}}
    in_use = {"OpenStack-API-Version": "volume 3.42"}
    member.post(f"{V3}/volumes/{volume}/action", body, headers=in_use).expect(202)
    wait_until(lambda: disks(tmp_path, one)[volume]["size"] == 2)
    member.delete(f"/servers/{one.uuid}/os-volume_attachments/{volume}").expect(202)
    wait_until(lambda: status_of(member, volume) == "available")
    assert volume not in disks(tmp_path, one)
    attach(member, two, volume)
    wait_until(lambda: volume in disks(tmp_path, two))
    assert disks(tmp_path, two)[volume]["size"] == 2


def test_a_server_boots_from_a_volume_made_of_an_image(
    agent: Agent, member: ApiClient, folder: Path, tmp_path: Path
) -> None:
    root = {
        "boot_index": 0,
        "uuid": make_image(member),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    server = create(member, imageRef="", block_device_mapping_v2=[root])
    becomes(server, "active", 1)
    [volume] = disks(tmp_path, server).values()
    with Path(volume["connection"]["path"]).open("rb") as file:
        assert file.read(len(DATA)) == DATA
    assert not (tmp_path / "pretend" / str(server.uuid) / "disk").exists()
    act(member, server, **{"os-stop": None})
    becomes(server, "stopped", 4)
    member.delete(f"/servers/{server.uuid}").expect(204)
    wait_until(lambda: state(server)[0] == "deleted")
    wait_until(lambda: list(folder.iterdir()) == [])


def test_a_volume_is_swapped_for_one_with_its_bytes(
    agent: Agent, member: ApiClient, folder: Path, tmp_path: Path
) -> None:
    """One order to the host, which copies."""
    server = create(member)
    becomes(server, "active", 1)
    old, new = make_volume(member), make_volume(member)
    attach(member, server, old)
    Volume.objects.filter(pk=old).update(migration_status="migrating")
    admin = ApiClient(make_cast().admin)
    body = {"volumeAttachment": {"volumeId": new}}
    path = f"/servers/{server.uuid}/os-volume_attachments/{old}"
    (tmp_path / "pretend" / "fails").write_text("swap_disk")
    admin.put(path, body).expect(202)
    wait_until(lambda: status_of(member, new) == "available")
    assert disks(tmp_path, server).keys() >= {old}
    (tmp_path / "pretend" / "fails").write_text("")
    admin.put(path, body).expect(202)
    wait_until(lambda: status_of(member, old) == "available")
    assert status_of(member, new) == "in-use"
    known = disks(tmp_path, server)
    assert old not in known
    assert known[new]["connection"]["path"] == str(folder / f"volume-{new}")
    tasks = HostOrder.objects.filter(server_id=server.uuid).order_by("pk")
    assert list(tasks.values_list("task", flat=True))[-2:] == ["swap_disk", "swap_disk"]


@pytest.mark.usefixtures("agent", "folder")
@pytest.mark.parametrize(
    ("required", "fails", "said"),
    [
        (False, "", ["freeze", "thaw"]),
        (False, "freeze", ["thaw"]),
        (True, "", ["freeze", "thaw"]),
        (True, "freeze", ["thaw"]),
        (True, "thaw", ["freeze"]),
    ],
)
def test_a_guest_stands_still_while_its_volumes_are_saved(
    member: ApiClient, tmp_path: Path, required: bool, fails: str, said: list[str]
) -> None:
    """And goes on whatever comes of it. What was to stand still and did not is of no use."""
    root = {
        "boot_index": 0,
        "uuid": make_image(member),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
    }
    server = create(member, imageRef="", block_device_mapping_v2=[root])
    becomes(server, "active", 1)
    kept = {"image_hw_qemu_guest_agent": "yes", "image_os_require_quiesce": str(required)}
    Instance.objects.filter(pk=server.pk).update(system_metadata=server.system_metadata | kept)
    (tmp_path / "pretend" / "fails").write_text(fails)
    body = {"createImage": {"name": "saved"}}
    refused = required and fails == "freeze"
    answer = member.post(f"/servers/{server.uuid}/action", body, microversion="2.45")
    answer.expect(409 if refused else 202)
    wait_until(lambda: HostOrder.objects.filter(task="thaw", done_at__isnull=False).exists())
    log = (tmp_path / "pretend" / str(server.uuid) / "console.log").read_text()
    assert [line for line in log.split() if line in ("freeze", "thaw")] == said
    end = "error" if fails == "thaw" else "available"
    ends = [] if refused else [end]
    wait_until(lambda: [one.status for one in Snapshot.objects.all()] == ends)


def volume_backed(client: ApiClient) -> Instance:
    root = {
        "boot_index": 0,
        "uuid": make_image(client),
        "source_type": "image",
        "destination_type": "volume",
        "volume_size": 1,
    }
    server = create(client, imageRef="", block_device_mapping_v2=[root])
    becomes(server, "active", 1)
    return server


def rebuild(client: ApiClient, server: Instance, image: str) -> None:
    body = {"rebuild": {"imageRef": image}}
    client.post(f"/servers/{server.uuid}/action", body, microversion="2.93").expect(202)


def test_a_rebuild_waits_for_the_bytes_of_its_volume(
    agent: Agent,
    member: ApiClient,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = volume_backed(member)
    [(volume, disk)] = disks(tmp_path, server).items()
    seen: list[tuple[str, str | None]] = []
    usual = data.make

    def look(row: Any, source: Any) -> bool:
        server.refresh_from_db()
        seen.append((row.status, server.task_state))
        return usual(row, source)

    monkeypatch.setattr(data, "make", look)
    monkeypatch.setattr("servers.actions.perform.PAUSE_SECONDS", 0)
    image = make_image(member, b"another system")
    rebuild(member, server, image)
    becomes(server, "active", 1)
    assert seen == [("downloading", "rebuilding")]
    with Path(disk["connection"]["path"]).open("rb") as file:
        assert file.read(14) == b"another system"
    told = member.get(f"{V3}/volumes/{volume}").json["volume"]
    assert (told["status"], told["volume_image_metadata"]["image_id"]) == ("in-use", image)
    assert not ServerFault.objects.exists()


def test_a_rebuild_whose_volume_cannot_be_written_leaves_all_as_it_was(
    agent: Agent,
    member: ApiClient,
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = volume_backed(member)
    [(volume, disk)] = disks(tmp_path, server).items()

    def fail(*_: Any) -> bool:
        raise data.CopyFailed("The disk is full.")

    monkeypatch.setattr(data, "make", fail)
    monkeypatch.setattr("servers.actions.perform.PAUSE_SECONDS", 0)
    image = make_image(member, b"another system")
    rebuild(member, server, image)
    wait_until(ServerFault.objects.exists)
    assert image in ServerFault.objects.get().message
    becomes(server, "active", 1)
    told = member.get(f"{V3}/volumes/{volume}").json["volume"]
    assert told["status"] == "in-use"
    assert told["volume_image_metadata"]["image_id"] != image
    with Path(disk["connection"]["path"]).open("rb") as file:
        assert file.read(len(DATA)) == DATA


def test_a_volume_without_bytes_is_refused(agent: Agent, member: ApiClient, tmp_path: Path) -> None:
    server = create(member)
    becomes(server, "active", 1)
    attach(member, server, make_volume(member), "available")
    wait_until(ServerFault.objects.exists)
    assert "no bytes" in ServerFault.objects.get().message
