"""Something dies, or is lost, while hosts work: in the end all is as if nothing had been.

Each story is told once without trouble, which counts the places where something may go wrong; then
again with trouble at some of these places: at three, or at as many as ``FAILURES`` in the
environment says, which may be ``all``. Where the same lines of code do the same again, that is the
same place. One takes about half a second of CPU.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote

import pytest
from django.conf import settings

from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume.models import Attachment
from servers.agent.consoles import Consoles
from servers.host_orders.give import Outcome, wait_for
from servers.models import HostOrder, Instance, Migration, ServerFault, Service
from tests.world.cast import make_cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor
from tests.world.failing_hosts import KINDS, Cloud, Trouble
from tests.world.moving import assert_books_balance
from tests.world.restoring import Prepared

pytestmark = pytest.mark.django_db(transaction=True)

TRIED = os.environ.get("FAILURES", "3")
"""Places of each story."""
DATA, WRITTEN = b"the data of an image", b"what the guest has written"
V3 = "//volume/v3"
OFFERED = {"host": "198.51.100.7", "port": 6090, "path": "a-path"}


class Scene:
    """A server that runs on the first host, and clients."""

    def __init__(self, folder: Path) -> None:
        cast = make_cast()
        self.member, self.admin = ApiClient(cast.member), ApiClient(cast.admin)
        self.cloud = Cloud(folder)
        self.image = self.upload(DATA)
        self.volume = (
            self.member.post(f"{V3}/volumes", {"volume": {"size": 1}})
            .expect(202)
            .json["volume"]["id"]
        )
        self.large = make_flavor(vcpus=2)
        body = {
            "name": "real",
            "imageRef": self.image,
            "flavorRef": make_flavor().flavorid,
            "networks": "none",
        }
        Service.objects.filter(host="two").update(disabled=True)
        self.member.post("/servers", {"server": body}, microversion="2.37").expect(202)
        self.cloud.settle()
        Service.objects.filter(host="two").update(disabled=False)
        self.server = Instance.objects.get()
        self.disk("one").write_bytes(WRITTEN)
        self.cloud.keep()

    def upload(self, data: bytes) -> str:
        body = {"name": "image", "disk_format": "raw", "container_format": "bare"}
        image = str(self.member.post("//image/v2/images", body).expect(201).json["id"])
        self.member.put(f"//image/v2/images/{image}/file", data).expect(204)
        return image

    def disk(self, host: str) -> Path:
        return self.cloud.folder / "now" / host / "pretend" / str(self.server.uuid) / "disk"

    def act(self, *, version: str = "2.79", **body: Any) -> Any:
        return self.admin.post(f"/servers/{self.server.uuid}/action", body, microversion=version)

    @contextlib.contextmanager
    def hosts_at_work(self) -> Iterator[None]:
        """While a request waits, which is all that there is to do."""

        def wait(order: HostOrder) -> Outcome:
            self.cloud.answer(order)
            return wait_for(order)

        with mock.patch("servers.host_orders.give.wait_for", wait):
            yield

    def check(self, vm_state: str, *, on: str, power: int = 1) -> None:
        self.server.refresh_from_db()
        assert (self.server.vm_state, self.server.task_state) == (vm_state, None)
        assert (self.server.host, self.server.power_state) == (on, power)
        assert self.cloud.guests() == {on: {str(self.server.uuid): power}}
        assert self.disk(on).read_bytes() == WRITTEN


def snapshot(scene: Scene) -> Iterator[None]:
    scene.act(createImage={"name": "saved"}).expect(202)
    yield
    scene.check("active", on="one")
    image = Image.objects.get(name="saved")
    data = scene.admin.get(f"//image/v2/images/{image.pk}/file").expect(200).content
    assert (image.status, data) == ("active", WRITTEN)


def rescue(scene: Scene) -> Iterator[None]:
    scene.act(rescue={"rescue_image_ref": scene.image}).expect(200)
    yield
    scene.check("rescued", on="one")
    scene.act(unrescue=None).expect(202)
    yield
    scene.check("active", on="one")


def set_password(scene: Scene) -> Iterator[None]:
    scene.act(changePassword={"adminPass": "hush"}).expect(202)
    yield
    scene.check("active", on="one")
    log = scene.disk("one").with_name("console.log").read_text()
    assert 1 <= log.count("password changed") <= 2


def resize(scene: Scene) -> Iterator[None]:
    scene.act(resize={"flavorRef": scene.large.flavorid}).expect(202)
    yield
    scene.check("resized", on="two")
    scene.act(confirmResize=None).expect(204)
    yield
    scene.check("active", on="two")


def go_back(scene: Scene) -> Iterator[None]:
    scene.act(migrate=None).expect(202)
    yield
    scene.check("resized", on="two")
    scene.act(revertResize=None).expect(202)
    yield
    scene.check("active", on="one")


def migrate_live(scene: Scene) -> Iterator[None]:
    body: dict[str, Any] = {"os-migrateLive": {"host": None, "block_migration": "auto"}}
    scene.act(**body).expect(202)
    yield
    scene.check("active", on="two")
    assert Migration.objects.get().status == "completed"


def volumes(scene: Scene) -> Iterator[None]:
    url = f"/servers/{scene.server.uuid}/os-volume_attachments"
    scene.member.post(url, {"volumeAttachment": {"volumeId": scene.volume}}).expect(200)
    yield
    volume = f"{V3}/volumes/{scene.volume}"
    assert scene.member.get(volume).json["volume"]["status"] == "in-use"
    assert scene.volume in scene.disk("one").with_name("guest.json").read_text()
    scene.member.delete(f"{url}/{scene.volume}").expect(202)
    yield
    assert scene.member.get(volume).json["volume"]["status"] == "available"
    assert scene.volume not in scene.disk("one").with_name("guest.json").read_text()
    assert not Attachment.objects.exists()
    scene.check("active", on="one")


def shelve(scene: Scene) -> Iterator[None]:
    scene.act(shelve=None).expect(202)
    yield
    assert scene.cloud.guests() == {}
    scene.act(unshelve=None).expect(202)
    yield
    scene.server.refresh_from_db()
    scene.check("active", on=str(scene.server.host))
    assert not Image.objects.filter(name="real-shelved").exists()


def evacuate(scene: Scene) -> Iterator[None]:
    scene.cloud.one.is_dead = True
    Service.objects.filter(host="one").update(last_seen_up=None)
    scene.act(version="2.14", evacuate={}).expect(200)
    yield
    scene.cloud.one.is_dead = False
    yield
    scene.disk("two").write_bytes(WRITTEN)
    scene.check("active", on="two")


def consoles(scene: Scene) -> Iterator[None]:
    """Requests that wait for a host."""
    with scene.hosts_at_work(), mock.patch.object(Consoles, "offer", return_value=OFFERED):
        body: dict[str, Any] = {"os-getConsoleOutput": {}}
        log = scene.act(**body).expect(200).json["output"]
        assert "login:" in log
        yield
        asked = {"remote_console": {"protocol": "serial", "type": "serial"}}
        path = f"/servers/{scene.server.uuid}/remote-consoles"
        told = scene.member.post(path, asked, microversion="2.8").expect(200).json
        token = unquote(told["remote_console"]["url"]).rpartition("token=")[2]
        yield
    place = scene.admin.get(f"/os-console-auth-tokens/{token}", microversion="2.99").expect(200)
    assert place.json["console"]["port"] == OFFERED["port"]
    assert place.json["console"]["internal_access_path"] == OFFERED["path"]
    scene.check("active", on="one")


def delete(scene: Scene) -> Iterator[None]:
    scene.member.delete(f"/servers/{scene.server.uuid}").expect(204)
    yield
    assert scene.cloud.guests() == {}
    assert not Instance.objects.alive().exists()


STORIES: tuple[Callable[[Scene], Iterator[None]], ...] = (
    *(snapshot, rescue, set_password, resize, go_back, migrate_live),
    *(volumes, shelve, evacuate, consoles, delete),
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: None)
    monkeypatch.setattr("servers.agent.orders.LOOK_SECONDS", 0.0)
    options = dataclasses.replace(
        settings.OPTIONS,
        volume_folder=tmp_path / "volumes",
        image_store_dir=tmp_path / "images",
        console_proxies=({"type": "serial", "url": "http://proxy.invalid/serial.html"},),
    )
    monkeypatch.setattr(settings, "OPTIONS", options)


def live_through(scene: Scene, story: Callable[[Scene], Iterator[None]], trouble: Trouble) -> None:
    scene.cloud.begin(trouble)
    for _ in story(scene):
        scene.cloud.settle()
    scene.cloud.settle()
    assert not ServerFault.objects.exists()
    assert_books_balance()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_is_lost_and_nothing_is_done_twice(
    story: Callable[[Scene], Iterator[None]], tmp_path: Path
) -> None:
    scenes: list[Scene] = []

    def prepare() -> None:
        scenes.append(Scene(tmp_path))

    begin = Prepared(prepare)
    begin()
    [scene] = scenes
    smooth = Trouble()
    live_through(scene, story, smooth)
    orders = scene.cloud.orders()
    places = [(kind, at) for kind in KINDS for at in smooth.different(kind)]
    assert {kind for kind, _ in places} == set(KINDS)
    tried = len(places) if TRIED == "all" else int(TRIED)
    step = max(len(places) // tried, 1)
    offset = STORIES.index(story) * step // len(STORIES)
    for kind, at in places[offset::step]:
        begin()
        trouble = Trouble(kind, at)
        try:
            live_through(scene, story, trouble)
            assert trouble.left <= 0
            assert scene.cloud.orders() == orders
        except BaseException as error:
            error.add_note(f"with trouble of the kind {kind} at its place {at}")
            raise
