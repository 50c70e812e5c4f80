"""Volumes by iSCSI on hosts with agents that share no folder: who reaches them, and until when."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_django.live_server_helper import LiveServer

from compute_site.neighbours.volume.models import Export
from compute_site.secrets.sealing import unseal
from servers.agent.files import read_json
from servers.attachments.left_connections import close_left_connections
from servers.models import BlockDevice, Instance, Migration, MigrationType, Service
from tests.agents.test_life import act, becomes, create, make_image, state
from tests.agents.test_volumes import attach, make_volume, rebuild
from tests.world.agents import at_work, jobs_at_work, join, make_agent, wait_until
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.target_server import FakeTgtd, exporting

V3 = "//volume/v3"


class Scene:
    """Two hosts, of which the second may join later, and a target server."""

    def __init__(self, site: str, folder: Path, tgtd: FakeTgtd) -> None:
        cast = make_cast()
        self.member, self.admin = ApiClient(cast.member), ApiClient(cast.admin)
        self.site, self.folder, self.tgtd = site, folder, tgtd

    @contextlib.contextmanager
    def host(self, name: str) -> Iterator[None]:
        if not (self.folder / name).exists():
            join(self.site, self.folder / name, name)
        with at_work(make_agent(self.folder / name)):
            yield

    def build(self) -> Instance:
        root = {
            "boot_index": 0,
            "uuid": make_image(self.member),
            "source_type": "image",
            "destination_type": "volume",
            "volume_size": 1,
        }
        server = create(self.member, imageRef="", block_device_mapping_v2=[root])
        becomes(server, "active", 1)
        return server

    def connections(self, name: str, server: Instance) -> dict[str, Any]:
        """What the guest on the host knows of its volumes, by their ids."""
        told = read_json(self.folder / name / "pretend" / str(server.uuid) / "guest.json")
        disks = [disk for disk in told["disks"] if disk["volume_id"]]
        return {disk["volume_id"]: disk["connection"] for disk in disks}

    def targets(self, name: str, server: Instance) -> set[str]:
        return {one["target"] for one in self.connections(name, server).values()}

    def texts(self) -> str:
        """All that the agents have written."""
        files = [path for path in (self.folder / "one").rglob("*") if path.is_file()]
        return "".join(path.read_text(errors="replace") for path in files)


@pytest.fixture
def scene(live_server: LiveServer, transactional_db: None, tmp_path: Path) -> Iterator[Scene]:
    with exporting(tmp_path / "volumes") as tgtd, jobs_at_work():
        yield Scene(live_server.url, tmp_path, tgtd)


def test_a_volume_is_exported_while_a_guest_has_it(scene: Scene) -> None:
    member, tgtd = scene.member, scene.tgtd
    with scene.host("one"):
        server = create(member)
        becomes(server, "active", 1)
        volume = make_volume(member)
        attach(member, server, volume)
        connection = scene.connections("one", server)[volume]
        assert (connection["kind"], connection["serial"]) == ("iscsi", volume)
        assert tgtd.names() == {connection["target"]}
        body = {"os-extend": {"new_size": 2}}
        in_use = {"OpenStack-API-Version": "volume 3.42"}
        member.post(f"{V3}/volumes/{volume}/action", body, headers=in_use).expect(202)
        wait_until(lambda: [target.reread for target in tgtd.targets.values()] == [1])
        act(member, server, **{"os-stop": None})
        becomes(server, "stopped", 4)
        assert tgtd.names() == {connection["target"]}
        member.delete(f"/servers/{server.uuid}/os-volume_attachments/{volume}").expect(202)
        wait_until(lambda: not BlockDevice.objects.filter(volume_id=volume).exists())
        assert not tgtd.targets
        attach(member, server, volume)
        again = scene.connections("one", server)[volume]
        assert again["target"] != connection["target"]
        password = unseal(Export.objects.get().sealed_password)
        assert password
        assert password not in scene.texts()
        member.delete(f"/servers/{server.uuid}").expect(204)
        wait_until(lambda: state(server)[0] == "deleted")
        wait_until(lambda: not tgtd.targets)
    assert tgtd.accounts == {}


def test_a_guest_that_is_built_anew_sees_the_new_bytes_of_its_volume(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("servers.actions.perform.PAUSE_SECONDS", 0)
    with scene.host("one"):
        server = scene.build()
        [before] = scene.tgtd.targets.values()
        rebuild(scene.member, server, make_image(scene.member, b"another system"))
        becomes(server, "active", 1)
        [after] = scene.tgtd.targets.values()
        assert after is not before  # one that has opened the file that is there now
        assert scene.tgtd.names() == scene.targets("one", server)


def test_a_server_that_moves_is_reached_by_one_host_in_the_end(scene: Scene) -> None:
    member, admin, tgtd = scene.member, scene.admin, scene.tgtd
    with scene.host("one"):
        server = scene.build()
        first = scene.targets("one", server)
        path = f"/servers/{server.uuid}/action"
        with scene.host("two"):
            body = {"os-migrateLive": {"host": None, "block_migration": True}}
            told = admin.post(path, body, microversion="2.30").expect(400)
            assert "none can be copied" in told.json["badRequest"]["message"]
            body = {"os-migrateLive": {"host": None, "block_migration": False}}
            admin.post(path, body, microversion="2.30").expect(202)
            wait_until(lambda: state(server)[1] is None and server.host == "two")
            second = scene.targets("two", server)
            assert second != first
            assert tgtd.names() == second
            assert [one for one, _ in tgtd.past] == ["opens", "opens", "ends"]
            admin.post(path, {"migrate": None}).expect(202)
            wait_until(lambda: state(server)[:2] == ("resized", None))
            assert server.host == "one"
            assert tgtd.names() == first  # the export of before, with its secret
            member.post(path, {"revertResize": None}).expect(202)
            becomes(server, "active", 1)
            assert server.host == "two"
            assert tgtd.names() == second
            act(member, server, shelve=None)
            wait_until(lambda: state(server)[0] == "shelved_offloaded")
            wait_until(lambda: tgtd.names() == set())
            act(member, server, unshelve=None)
            becomes(server, "active", 1)
            assert len(tgtd.names()) == 1


def test_a_host_that_was_given_up_loses_the_volume_before_the_server_is_built_elsewhere(
    scene: Scene,
) -> None:
    tgtd = scene.tgtd
    with scene.host("old"):
        server, stays = scene.build(), scene.build()
    lost, kept = scene.targets("old", server), scene.targets("old", stays)
    assert tgtd.names() == lost | kept
    path = f"/servers/{server.uuid}/action"
    Service.objects.filter(host="old").update(last_seen_up=None)
    with scene.host("new"):
        tgtd.fails.add("")  # it lists nothing and ends nothing
        scene.admin.post(path, {"evacuate": {}}, microversion="2.14").expect(200)
        wait_until(lambda: state(server)[:2] == ("error", None))
        assert server.host == "old"
        assert not (scene.folder / "new" / "pretend" / str(server.uuid)).exists()
        tgtd.fails.clear()
        scene.admin.post(path, {"evacuate": {}}, microversion="2.14").expect(200)
        becomes(server, "active", 1)
        assert server.host == "new"
        new = scene.targets("new", server)
        changed = [one for one in tgtd.past if one[1] in lost | new]
        [old_name], [new_name] = lost, new
        assert changed == [("opens", old_name), ("ends", old_name), ("opens", new_name)]
        assert tgtd.names() == kept | new


def test_a_guest_that_stays_on_a_host_that_comes_back_has_its_volume_again(scene: Scene) -> None:
    tgtd = scene.tgtd
    with scene.host("old"):
        server = scene.build()
    names = scene.targets("old", server)
    Service.objects.filter(host="old").update(last_seen_up=None)
    with scene.host("new"):
        (scene.folder / "new" / "pretend" / "fails").write_text("spawn")
        path = f"/servers/{server.uuid}/action"
        scene.admin.post(path, {"evacuate": {}}, microversion="2.14").expect(200)
        wait_until(lambda: state(server)[:2] == ("error", None))
        assert not names & tgtd.names()
    with scene.host("old"):
        wait_until(lambda: names <= tgtd.names())
    close_left_connections()
    assert tgtd.names() == names


def test_connections_of_no_guest_are_ended_and_those_of_moves_stay(
    scene: Scene,
) -> None:
    tgtd = scene.tgtd
    with scene.host("one"):
        server = scene.build()
        names = scene.targets("one", server)
        [export] = Export.objects.all()
        for node in ("left", "moving"):
            Export.objects.create(
                volume_id=export.volume_id,
                server_id=export.server_id,
                node=node,
                sealed_password=export.sealed_password,
            )
        move = Migration.objects.create(
            instance=server,
            migration_type=MigrationType.LIVE,
            status="running",
            source_node="one",
            dest_node="moving",
            old_flavor=server.flavor,
            new_flavor=server.flavor,
        )
        close_left_connections()
        open_nodes = Export.objects.filter(is_open=True).values_list("node", flat=True)
        assert set(open_nodes) == {"one", "moving"}
        move.delete()
        close_left_connections()
        assert Export.objects.filter(is_open=True).get().pk == export.pk
        assert tgtd.names() == names
