"""What clients change through the image API."""

from __future__ import annotations

import hashlib
import uuid
from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient

V2 = "//image/v2/images"


def create(client: ApiClient, **fields: Any) -> dict[str, Any]:
    created: dict[str, Any] = client.post(V2, {"name": "image", **fields}).expect(201).json
    return created


def test_an_image_is_made_filled_and_deleted(as_member: ApiClient) -> None:
    image = create(as_member, disk_format="raw", container_format="bare", hw_disk_bus="scsi")
    assert (image["status"], image["owner"], image["visibility"]) == ("queued", ALPHA, "shared")
    assert image["hw_disk_bus"] == "scsi"
    path = f"{V2}/{image['id']}"
    data = {"Content-Type": "application/octet-stream"}
    as_member.put(f"{path}/file", b"x" * 5_000_000, headers=data).expect(204)
    shown = as_member.get(path).expect(200).json
    assert (shown["status"], shown["size"]) == ("active", 5_000_000)
    assert shown["checksum"] == hashlib.md5(b"x" * 5_000_000).hexdigest()  # noqa: S324
    as_member.put(f"{path}/file", b"again", headers=data).expect(409)
    kept = as_member.get(f"{path}/file").expect(200)
    assert kept.content == b"x" * 5_000_000
    assert kept.headers["Content-Type"] == "application/octet-stream"
    as_member.delete(path).expect(204)
    assert not Image.objects.exists()


def test_data_needs_formats(as_member: ApiClient) -> None:
    image = create(as_member)
    as_member.put(f"{V2}/{image['id']}/file", b"data").expect(400)


@pytest.mark.parametrize(
    "fields",
    [
        {"min_ram": "lots"},
        {"id": "small"},
        {"visibility": "secret"},
        {"hw_numa_nodes": 2},
        {"tags": "a"},
    ],
)
def test_wrong_values_are_refused(as_member: ApiClient, fields: dict[str, Any]) -> None:
    as_member.post(V2, {"name": "image", **fields}).expect(400)
    assert not Image.objects.exists()


@pytest.mark.parametrize(
    "fields", [{"visibility": "public"}, {"owner": BETA}, {"status": "active"}, {"size": 5}]
)
def test_what_a_member_may_not_say(as_member: ApiClient, fields: dict[str, Any]) -> None:
    as_member.post(V2, {"name": "image", **fields}).expect(403)


def test_an_admin_makes_public_images_for_others(as_admin: ApiClient) -> None:
    image = create(as_admin, visibility="public", owner=BETA)
    assert (image["visibility"], image["owner"]) == ("public", BETA)


def test_an_id_stands_once(as_member: ApiClient) -> None:
    chosen = str(uuid.uuid4())
    assert create(as_member, id=chosen)["id"] == chosen
    as_member.post(V2, {"id": chosen}).expect(409)


def test_a_patch_changes_keys_and_properties(as_member: ApiClient) -> None:
    image = create(as_member, os_distro="debian", old="x")
    patch = [
        {"op": "replace", "path": "/name", "value": "renamed"},
        {"op": "add", "path": "/min_ram", "value": 64},
        {"op": "replace", "path": "/tags", "value": ["a"]},
        {"op": "add", "path": "/hw_disk_bus", "value": "scsi"},
        {"op": "remove", "path": "/old"},
    ]
    shown = as_member.patch(f"{V2}/{image['id']}", patch).expect(200).json
    assert (shown["name"], shown["min_ram"], shown["tags"]) == ("renamed", 64, ["a"])
    assert (shown["os_distro"], shown["hw_disk_bus"]) == ("debian", "scsi")
    assert "old" not in shown


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"op": "replace", "path": "/min_ram", "value": -1}, 400),
        ({"op": "add", "path": "/hw_disk_bus", "value": 5}, 400),
        ({"op": "move", "path": "/name"}, 400),
        ({"op": "add", "path": "name", "value": "x"}, 400),
        ({"op": "add", "path": "/a/b", "value": "x"}, 400),
        ("add", 400),
        ({"op": "replace", "path": "/status", "value": "active"}, 403),
        ({"op": "replace", "path": "/id", "value": "x"}, 403),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403),
        ({"op": "remove", "path": "/nothing"}, 409),
        ({"op": "replace", "path": "/nothing", "value": "x"}, 409),
        ({"op": "remove", "path": "/name"}, 403),
        ({"op": "remove", "path": "/protected"}, 403),
        ({"op": "add", "path": "/os_glance_import", "value": "x"}, 403),
        ({"op": "add", "path": "/disk_format", "value": "mine"}, 400),
        ({"op": "add", "path": "/os_distro"}, 400),
    ],
)
def test_a_patch_that_cannot_be_changes_nothing(
    as_member: ApiClient, operation: Any, status: int
) -> None:
    image = create(as_member)
    patch = [{"op": "replace", "path": "/name", "value": "renamed"}, operation]
    as_member.patch(f"{V2}/{image['id']}", patch).expect(status)
    assert Image.objects.get().name == "image"


def test_readers_and_outsiders_change_nothing(
    as_reader: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    image = Image.objects.create(owner=cast.alpha, visibility="public")
    as_reader.post(V2, {"name": "image"}).expect(403)
    for client in (as_reader, as_outsider):
        client.delete(f"{V2}/{image.pk}").expect(403)
        client.patch(f"{V2}/{image.pk}", []).expect(403)
