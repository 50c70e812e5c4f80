"""Images of a Glance elsewhere: servers boot from them, images of servers are made there, and what
a request that failed has left is deleted.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from compute_site.caller import Caller
from compute_site.faults import NotFound
from compute_site.neighbours.image import openstack as glance
from compute_site.neighbours.image.glance.data import NotAsTheHashSays
from servers.actions import image as server_images
from servers.errors import WrongState
from servers.lifecycle.jobs import ForgetImages
from servers.models import Instance
from tests.world.cast import ALPHA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.elsewhere import Cloud, Told, cloud_elsewhere, joined
from tests.world.glance import Glance
from tests.world.hosts import make_host
from tests.world.jobs import make_due, run_jobs
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    with cloud_elsewhere() as cloud:
        yield cloud


@pytest.fixture
def images(cloud: Cloud) -> Glance:
    return Glance(cloud)


@pytest.fixture
def server(cast: Cast, as_member: ApiClient, images: Glance) -> str:
    make_host("host1")
    body = Shop().body(imageRef=images.add(min_ram=1), networks=None)
    server_id: str = as_member.post("/servers", body).expect(202).json["server"]["id"]
    run_jobs()
    assert Instance.objects.get(uuid=server_id).vm_state == "active"
    return server_id


def act(client: ApiClient, server: str, action: str, **given: Any) -> Answer:
    return client.post(f"/servers/{server}/action", {action: given or None}, microversion="2.45")


def caller_of(cast: Cast) -> Caller:
    member = cast.member
    return Caller(
        user_id=member.user_id,
        user_name=member.name,
        project_id=ALPHA,
        project_name="alpha",
        roles=frozenset(("member",)),
        rules=frozenset(),
    )


def test_a_server_boots_from_an_image_there(server: str, as_member: ApiClient) -> None:
    shown = as_member.get(f"/servers/{server}").expect(200).json["server"]
    assert shown["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"status": "queued"}, 400),
        ({"min_ram": 1 << 20}, 400),
        ({"visibility": "private", "owner": "b" * 32}, 400),
        ({"visibility": "public", "owner": "b" * 32}, 202),
    ],
)
def test_the_image_must_fit(
    images: Glance, cast: Cast, as_member: ApiClient, changed: dict[str, Any], status: int
) -> None:
    body = Shop().body(imageRef=images.add(**changed), networks=None)
    as_member.post("/servers", body).expect(status)


def test_an_image_that_is_not_there_is_400(
    images: Glance, cast: Cast, as_member: ApiClient
) -> None:
    as_member.post("/servers", Shop().body(imageRef=str(uuid.uuid4()), networks=None)).expect(400)


def test_a_glance_that_is_away_is_503(cloud: Cloud, cast: Cast, as_member: ApiClient) -> None:
    cloud.fallback = lambda _asked: Told(503)
    answer = as_member.post(
        "/servers", Shop().body(imageRef=str(uuid.uuid4()), networks=None)
    ).expect(503)
    assert "image service" in answer.message
    assert answer.headers["Retry-After"]


def test_an_image_of_a_server_is_made_there(
    server: str, images: Glance, as_member: ApiClient
) -> None:
    answer = act(as_member, server, "createImage", name="copy", metadata={"a": "b"}).expect(202)
    image = images.images[answer.json["image_id"]]
    assert (image["status"], image["name"], image["a"], image["owner"]) == (
        *("active", "copy", "b"),
        ALPHA,
    )
    assert image["instance_uuid"] == server
    make_due()
    run_jobs()
    assert image["id"] in images.images


def test_an_image_of_a_request_that_failed_is_deleted(
    server: str, images: Glance, as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise WrongState("Somebody was faster.")

    monkeypatch.setattr(server_images, "log_action", refuse)
    before = set(images.images)
    act(as_member, server, "createImage", name="copy").expect(409)
    assert len(images.images) == len(before) + 1
    make_due()
    run_jobs()
    assert set(images.images) == before


def test_a_refused_image_leaves_nothing_to_take_back(
    server: str, images: Glance, as_member: ApiClient
) -> None:
    Instance.objects.filter(uuid=server).update(task_state="rebooting")
    act(as_member, server, "createImage", name="copy").expect(409)
    assert len(images.images) == 1


def test_metadata_with_a_key_of_glance_is_refused(
    server: str, images: Glance, as_member: ApiClient
) -> None:
    act(as_member, server, "createImage", name="copy", metadata={"owner": "me"}).expect(400)
    assert len(images.images) == 1


def test_old_backups_are_deleted(server: str, images: Glance, as_member: ApiClient) -> None:
    for name in ("first", "second", "third"):
        act(as_member, server, "createBackup", name=name, backup_type="daily", rotation=2).expect(
            202
        )
    run_jobs()
    assert sorted(image["name"] for image in images.images.values()) == [
        *("image", "second", "third")
    ]


def test_a_shelved_server_has_an_image_until_it_is_back(
    server: str, images: Glance, as_member: ApiClient
) -> None:
    act(as_member, server, "shelve").expect(202)
    run_jobs()
    assert [image["status"] for image in images.images.values()] == ["active", "active"]
    act(as_member, server, "unshelve").expect(202)
    run_jobs()
    assert len(images.images) == 1


def test_old_clients_see_the_images_in_compute(
    server: str, images: Glance, as_member: ApiClient
) -> None:
    other = images.add(owner="b" * 32)
    shown = as_member.get("/images/detail").expect(200).json["images"]
    assert [image["name"] for image in shown] == ["image"]
    own = shown[0]["id"]
    as_member.get(f"/images/{other}").expect(404)
    as_member.post(f"/images/{own}/metadata", {"metadata": {"a b": "c"}}).expect(200)
    assert images.images[own]["a b"] == "c"
    as_member.delete(f"/images/{own}/metadata/a b").expect(204)
    assert "a b" not in images.images[own]
    as_member.delete(f"/images/{own}").expect(204)
    assert own not in images.images


def test_data_are_read_from_any_place_on(images: Glance) -> None:
    image_id = images.add(b"0123456789")
    source = glance.find_source(image_id)
    assert source is not None
    assert (source.size, source.sha512) == (10, hashlib.sha512(b"0123456789").hexdigest())
    file = glance.find_file(image_id)
    assert file is not None
    with file:
        file.seek(7)
        assert file.read(2) + file.read(5) + file.read(5) == b"789"
        file.seek(0)
        assert file.read(3) == b"012"


def test_an_image_with_another_hash_has_no_data_for_hosts(images: Glance) -> None:
    image_id = images.add(b"0123456789")
    images.images[image_id]["os_hash_algo"] = "sha256"
    assert glance.find_source(image_id) is None


def test_what_a_host_sends_fills_an_image(images: Glance, cast: Cast) -> None:
    image_id = glance.create_image(caller_of(cast), name="n", properties={}, awaits_data=True)
    assert images.images[image_id]["status"] == "queued"
    pieces, digest = [b"ab", b"", b"cd"], hashlib.sha512(b"abcd").hexdigest()
    with pytest.raises(NotAsTheHashSays):
        glance.fill_image(image_id, iter(pieces), "qcow2", "0" * 128)
    assert images.images[image_id]["status"] == "queued"
    for _ in range(2):
        glance.fill_image(image_id, iter(pieces), "qcow2", digest)
    assert images.data[image_id] == b"abcd"
    assert images.images[image_id]["disk_format"] == "qcow2"
    with pytest.raises(NotFound):
        glance.fill_image(str(uuid.uuid4()), iter(pieces), "raw", digest)


def test_images_are_forgotten_of_the_own_project_only(images: Glance) -> None:
    own, foreign = images.add(protected=True), images.add(owner="b" * 32)
    glance.forget_images(ALPHA, [own, foreign, str(uuid.uuid4())])
    assert list(images.images) == [foreign]


def test_the_image_of_a_killed_request_is_deleted(images: Glance, cast: Cast) -> None:
    image_id = images.add(status="queued")
    ForgetImages(project_id=ALPHA, images=(image_id,)).defer_apart(seconds=300)
    run_jobs()
    assert image_id in images.images
    make_due()
    run_jobs()
    assert images.images == {}


def test_the_command_says_what_is_wrong(
    cloud: Cloud, images: Glance, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CommandError):
        call_command("check_services")
    said = capsys.readouterr().out
    assert "lacks the role admin" in said
    assert f"image service at {cloud.url} answers" in said
    assert "names no compute service" in said
    cloud.answers["POST /v3/auth/tokens"] = Told(401, {"error": {"message": "wrong"}})
    with joined(cloud), pytest.raises(CommandError):
        call_command("check_services")
    assert "refuses the service user" in capsys.readouterr().out
