"""The data of images: kept as they were sent, checked, and given back whole or in parts."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import struct
import time
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from pytest_django import DjangoCaptureOnCommitCallbacks

from compute_site.neighbours.image.data import store
from compute_site.neighbours.image.data.formats import Inspection
from compute_site.neighbours.image.local import uploads
from compute_site.neighbours.image.models import Image, Quota
from tests.world.cast import ALPHA
from tests.world.client import ApiClient

IMAGES = "//image/v2/images"
DATA = bytes(range(256)) * 40


def make(client: ApiClient, **fields: Any) -> str:
    body = {"name": "data", "disk_format": "raw", "container_format": "bare", **fields}
    return str(client.post(IMAGES, body).expect(201).json["id"])


def filled(client: ApiClient, data: bytes = DATA, **fields: Any) -> str:
    image_id = make(client, **fields)
    client.put(f"{IMAGES}/{image_id}/file", data).expect(204)
    return image_id


def qcow2(*, size: int = 1 << 30, backing: int = 0, features: int = 0) -> bytes:
    """The header of a disk of ``size`` bytes, and room for its tables."""
    head = struct.pack(">4sIQIIQIIQQIIQ", b"QFI\xfb", 3, backing, 0, 16, size, *[0] * 7)
    return head + struct.pack(">QQQII", features, 0, 0, 4, 112) + bytes(200_000)


def test_data_are_given_back_as_they_came(as_member: ApiClient) -> None:
    image_id = filled(as_member)
    shown = as_member.get(f"{IMAGES}/{image_id}").json
    md5 = hashlib.md5(DATA).hexdigest()  # noqa: S324
    assert (shown["status"], shown["size"], shown["checksum"]) == ("active", len(DATA), md5)
    assert shown["virtual_size"] == len(DATA)
    assert shown["os_hash_algo"] == "sha512"
    assert shown["os_hash_value"] == hashlib.sha512(DATA).hexdigest()
    got = as_member.get(f"{IMAGES}/{image_id}/file").expect(200)
    assert got.content == DATA
    assert got.headers["Content-MD5"] == md5
    assert got.headers["Content-Length"] == str(len(DATA))


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-3", 0, 3),
        ("bytes=5-", 5, len(DATA) - 1),
        ("bytes=-4", len(DATA) - 4, len(DATA) - 1),
        ("bytes=100-99999999", 100, len(DATA) - 1),
        ("bytes=-99999999", 0, len(DATA) - 1),
    ],
)
def test_a_download_can_be_resumed(as_member: ApiClient, asked: str, first: int, last: int) -> None:
    image_id = filled(as_member)
    got = as_member.get(f"{IMAGES}/{image_id}/file", headers={"Range": asked}).expect(206)
    assert got.content == DATA[first : last + 1]
    assert got.headers["Content-Range"] == f"bytes {first}-{last}/{len(DATA)}"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=0-3,5-6", 400),
        ("bytes=99999999-", 416),
        ("bytes=3-1", 416),
        ("bytes=-0", 416),
        ("bytes=-", 416),
        ("bytes=a-b", 416),
        ("lines=0-3", 416),
        (f"bytes={'9' * 5000}-", 416),
    ],
)
def test_ranges_that_are_not_there_are_refused(
    as_member: ApiClient, asked: str, status: int
) -> None:
    image_id = filled(as_member)
    as_member.get(f"{IMAGES}/{image_id}/file", headers={"Range": asked}).expect(status)


def test_an_image_without_data_answers_nothing(as_member: ApiClient) -> None:
    image_id = make(as_member)
    assert as_member.get(f"{IMAGES}/{image_id}/file").expect(204).content == b""


def test_data_are_sent_as_bytes_and_only_once(as_member: ApiClient) -> None:
    image_id = make(as_member)
    path = f"{IMAGES}/{image_id}/file"
    as_member.put(path, DATA, headers={"Content-Type": "application/json"}).expect(415)
    as_member.put(path, DATA).expect(204)
    as_member.put(path, b"other").expect(409)
    assert as_member.get(path).content == DATA


@pytest.mark.parametrize(
    ("disk_format", "data", "why"),
    [
        ("qcow2", DATA, "the data are raw"),
        ("raw", qcow2(), "the data are qcow2"),
        ("iso", DATA, "the data are raw"),
        ("qcow2", qcow2(backing=512), "backing_file"),
        ("qcow2", qcow2(features=1 << 2), "data_file"),
        ("qcow2", qcow2(features=1 << 40), "feature"),
    ],
)
def test_data_of_another_format_or_with_other_files_are_refused(
    as_member: ApiClient, disk_format: str, data: bytes, why: str
) -> None:
    image_id = make(as_member, disk_format=disk_format)
    refused = as_member.put(f"{IMAGES}/{image_id}/file", data).expect(415)
    assert why in refused.json["message"]
    assert as_member.get(f"{IMAGES}/{image_id}").json["status"] == "queued"
    assert not store.path_of(image_id).exists()
    as_member.get(f"{IMAGES}/{image_id}/file").expect(204)


def test_a_hostile_image_is_looked_at_in_large_pieces() -> None:
    """Whose table of regions is read anew at each piece."""
    entry = bytes(16) + struct.pack("<QII", 0, 0, 0)
    table = struct.pack("<IIII", 0x69676572, 0, 2047, 0) + entry * 2047
    head = b"vhdxfile".ljust(192 << 10, b"\0") + table.ljust(64 << 10, b"\0")
    size = 20 << 20
    data = head + bytes(size - len(head))
    pieces = (data[at : at + 4096] for at in range(0, size, 4096))
    seen = list(Inspection(pieces, disk_format="vhdx", container_format="bare"))
    assert b"".join(seen) == data
    assert len(seen) == 5
    inspection = Inspection([b"a", b"b"], disk_format="raw", container_format="bare")
    assert list(inspection) == [b"ab"]
    assert inspection.virtual_size == 2


def test_a_disk_of_qcow2_tells_its_virtual_size(as_member: ApiClient) -> None:
    image_id = filled(as_member, qcow2(size=7 << 30), disk_format="qcow2")
    assert as_member.get(f"{IMAGES}/{image_id}").json["virtual_size"] == 7 << 30


def test_more_than_an_image_may_have_is_refused(as_member: ApiClient, settings: Any) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, image_size_cap=100)
    image_id = make(as_member)
    as_member.put(f"{IMAGES}/{image_id}/file", b"x" * 101).expect(413)
    assert as_member.get(f"{IMAGES}/{image_id}").json["status"] == "queued"
    as_member.put(f"{IMAGES}/{image_id}/file", b"x" * 100).expect(204)


def test_the_quota_of_data_is_that_of_all_images_of_the_project(as_member: ApiClient) -> None:
    Quota.objects.create(project_id=ALPHA, resource="image_size_total", limit=2)
    filled(as_member, b"x" * 1_000_000)
    as_member.put(f"{IMAGES}/{make(as_member)}/file", b"x" * 1_500_000).expect(413)
    filled(as_member, b"x" * 500)
    as_member.put(f"{IMAGES}/{make(as_member)}/file", b"x").expect(413)


def test_a_disk_that_is_full_is_told(as_member: ApiClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise OSError(28, os.strerror(28))

    image_id = make(as_member)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", fail)
        as_member.put(f"{IMAGES}/{image_id}/file", DATA).expect(413)
    assert [path for path in store.folder().iterdir() if path.name.startswith(image_id)] == []
    as_member.put(f"{IMAGES}/{image_id}/file", DATA).expect(204)


def test_staged_data_are_imported(as_member: ApiClient) -> None:
    image_id = make(as_member)
    path = f"{IMAGES}/{image_id}"
    as_member.post(f"{path}/import", {"method": {"name": "glance-direct"}}).expect(409)
    as_member.put(f"{path}/stage", DATA).expect(204)
    assert as_member.get(path).json["status"] == "uploading"
    as_member.get(f"{path}/file").expect(204)
    as_member.put(f"{path}/file", DATA).expect(409)
    as_member.post(f"{path}/import", {"method": {"name": "web-download"}}).expect(400)
    as_member.post(f"{path}/import", {"method": {"name": "glance-direct"}}).expect(202)
    shown = as_member.get(path).json
    assert (shown["status"], shown["size"]) == ("active", len(DATA))
    assert as_member.get(f"{path}/file").expect(200).content == DATA
    as_member.post(f"{path}/import", {"method": {"name": "glance-direct"}}).expect(409)


def test_data_are_imported_into_the_one_store(as_member: ApiClient) -> None:
    image_id = make(as_member)
    path = f"{IMAGES}/{image_id}"
    as_member.put(f"{path}/stage", DATA).expect(204)
    method = {"method": {"name": "glance-direct"}}
    for wrong in ({"stores": ["elsewhere"]}, {"stores": "local"}, {"all_stores": "all"}):
        as_member.post(f"{path}/import", {**method, **wrong}).expect(400)
    assert as_member.get(path).json["status"] == "uploading"
    as_member.post(f"{path}/import", {**method, "stores": ["local"]}).expect(202)
    assert as_member.get(path).json["stores"] == "local"


def test_staged_data_of_another_format_are_not_imported(as_member: ApiClient) -> None:
    image_id = make(as_member, disk_format="qcow2")
    path = f"{IMAGES}/{image_id}"
    as_member.put(f"{path}/stage", DATA).expect(204)
    as_member.post(f"{path}/import", {"method": {"name": "glance-direct"}}).expect(415)
    assert as_member.get(path).json["status"] == "uploading"


def test_the_data_of_a_deactivated_image_are_for_admins(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    image_id = filled(as_member)
    as_member.post(f"{IMAGES}/{image_id}/actions/deactivate").expect(204)
    as_member.get(f"{IMAGES}/{image_id}/file").expect(403)
    assert as_admin.get(f"{IMAGES}/{image_id}/file").expect(200).content == DATA


def test_others_read_the_data_of_public_images_alone(
    as_member: ApiClient, as_admin: ApiClient, as_outsider: ApiClient
) -> None:
    own, public = filled(as_member), filled(as_admin, visibility="public")
    as_outsider.get(f"{IMAGES}/{own}/file").expect(404)
    assert as_outsider.get(f"{IMAGES}/{public}/file").expect(200).content == DATA


def test_the_data_of_a_deleted_image_are_removed(
    as_member: ApiClient,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    image_id = filled(as_member)
    assert store.path_of(image_id).exists()
    with django_capture_on_commit_callbacks(execute=True):
        as_member.delete(f"{IMAGES}/{image_id}").expect(204)
    assert not store.path_of(image_id).exists()


def test_data_that_are_lost_are_missed(as_member: ApiClient) -> None:
    image_id = filled(as_member)
    store.remove([image_id])
    refused = as_member.get(f"{IMAGES}/{image_id}/file").expect(503)
    assert "COMPUTE_SITE_IMAGE_STORE_DIR" in refused.json["message"]


def test_what_uploads_left_behind_is_cleaned_up(as_member: ApiClient, tmp_path: Path) -> None:
    kept, stuck = filled(as_member), make(as_member)
    Image.objects.filter(pk=stuck).update(status="saving", updated_at="2020-01-01T00:00:00Z")
    left = [store.folder() / f"{stuck}.draft-x", store.folder() / stuck]
    for path in left:
        path.write_bytes(b"x")
    uploads.clean_up()
    assert all(path.exists() for path in left)  # somebody may be writing to them
    old = time.time() - store.STRAY_SECONDS - 1
    for path in (*left, store.path_of(kept)):
        os.utime(path, (old, old))
    uploads.clean_up()
    assert not any(path.exists() for path in left)
    assert as_member.get(f"{IMAGES}/{kept}/file").expect(200).content == DATA
    as_member.put(f"{IMAGES}/{stuck}/file", DATA).expect(204)


def test_how_data_come_in_is_told(as_member: ApiClient) -> None:
    methods = as_member.get("//image/v2/info/import").expect(200).json["import-methods"]
    assert methods["value"] == ["glance-direct"]
    assert len(as_member.get("//image/v2/info/stores").expect(200).json["stores"]) == 1
    assert settings.OPTIONS.image_store_dir
