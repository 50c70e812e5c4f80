"""The data of images in a store that speaks S3, which runs here as moto's server."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings
from django.utils import timezone
from moto.server import ThreadedMotoServer
from pytest_django import DjangoCaptureOnCommitCallbacks

from compute_site.neighbours.image.data import s3
from compute_site.neighbours.image.local import uploads
from compute_site.neighbours.volume.local import data as volume_data
from compute_site.neighbours.volume.models import Volume
from tests.services.test_image_data import DATA, IMAGES, filled, make
from tests.world.client import ApiClient
from tests.world.jobs import run_jobs

LARGE = bytes(range(256)) * 44000
"""11 MB: three parts of the smallest size that S3 knows."""
SMALL_PART = 5 << 20


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def store(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A client of the store; the bucket is new."""
    options = dataclasses.replace(
        settings.OPTIONS,
        image_s3_bucket=tmp_path.name.replace("_", "-").lower(),
        image_s3_endpoint=endpoint,
        image_s3_region="us-east-1",
        image_s3_access_key="key",
        image_s3_secret_key="hush",
        image_store_dir=tmp_path / "unused",
        volume_folder=tmp_path / "volumes",
    )
    monkeypatch.setattr(settings, "OPTIONS", options)
    monkeypatch.setattr(s3, "PART", SMALL_PART)
    client = s3._client()
    client.create_bucket(Bucket=options.image_s3_bucket)
    return client


def names(store: Any) -> set[str]:
    """The objects, and the uploads that have not ended."""
    bucket = settings.OPTIONS.image_s3_bucket
    objects = store.list_objects_v2(Bucket=bucket).get("Contents", [])
    begun = store.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
    return {one["Key"] for one in objects} | {f"begun {one['Key']}" for one in begun}


def test_data_come_in_parts_and_go_out_whole_and_in_ranges(
    as_member: ApiClient, store: Any, tmp_path: Path
) -> None:
    image = filled(as_member, LARGE)
    assert names(store) == {f"images/{image}"}
    assert not (tmp_path / "unused").exists()
    path = f"{IMAGES}/{image}"
    shown = as_member.get(path).json
    assert (shown["status"], shown["size"]) == ("active", len(LARGE))
    assert shown["checksum"] == hashlib.md5(LARGE).hexdigest()  # noqa: S324
    assert shown["os_hash_value"] == hashlib.sha512(LARGE).hexdigest()
    assert as_member.get(f"{path}/file").expect(200).content == LARGE
    part = as_member.get(f"{path}/file", headers={"Range": "bytes=6000000-6000099"}).expect(206)
    assert part.content == LARGE[6000000:6000100]


def test_what_is_refused_or_breaks_off_leaves_nothing(as_member: ApiClient, store: Any) -> None:
    image = make(as_member)
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, image_size_cap=SMALL_PART + 1)
    as_member.put(f"{IMAGES}/{image}/file", LARGE).expect(413)

    def break_off() -> Iterator[bytes]:
        yield LARGE[:SMALL_PART]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        s3.write(image, break_off(), most=len(LARGE))
    assert names(store) == set()
    as_member.put(f"{IMAGES}/{image}/file", DATA).expect(204)
    assert as_member.get(f"{IMAGES}/{image}/file").expect(200).content == DATA


def test_staged_data_are_imported_and_deleted_ones_are_gone(
    as_member: ApiClient,
    store: Any,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    image = make(as_member)
    as_member.put(f"{IMAGES}/{image}/stage", DATA).expect(204)
    as_member.post(f"{IMAGES}/{image}/import", {"method": {"name": "glance-direct"}}).expect(202)
    assert as_member.get(f"{IMAGES}/{image}/file").expect(200).content == DATA
    with django_capture_on_commit_callbacks(execute=True):
        as_member.delete(f"{IMAGES}/{image}").expect(204)
    assert names(store) == set()


def test_an_image_without_its_object_is_missed(as_member: ApiClient) -> None:
    image = filled(as_member)
    s3.remove([image])
    as_member.get(f"{IMAGES}/{image}/file").expect(503)


def test_what_was_left_behind_is_cleaned_up(
    as_member: ApiClient, store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = filled(as_member)
    bucket = settings.OPTIONS.image_s3_bucket
    store.put_object(Bucket=bucket, Key="images/left", Body=b"x")
    store.put_object(Bucket=bucket, Key="of-others", Body=b"x")
    store.create_multipart_upload(Bucket=bucket, Key="images/begun")
    uploads.clean_up()  # somebody may be writing to them
    assert {"images/left", "of-others"} < names(store)
    later = timezone.now() + dt.timedelta(days=2)
    monkeypatch.setattr(s3.timezone, "now", lambda: later)
    uploads.clean_up()
    assert names(store) == {f"images/{image}", "of-others"}


def test_a_store_that_is_away_is_told(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = make(as_member)
    options = dataclasses.replace(settings.OPTIONS, image_s3_bucket="no-such-bucket")
    monkeypatch.setattr(settings, "OPTIONS", options)
    refused = as_member.put(f"{IMAGES}/{image}/file", DATA).expect(503)
    assert "NoSuchBucket" in refused.json["message"]
    away = dataclasses.replace(options, image_s3_endpoint="http://127.0.0.1:9")
    monkeypatch.setattr(settings, "OPTIONS", away)
    as_member.put(f"{IMAGES}/{image}/file", DATA).expect(503)
    assert as_member.get(f"{IMAGES}/{image}").json["status"] == "queued"


def test_a_volume_is_made_of_such_an_image(as_member: ApiClient) -> None:
    body = {"volume": {"size": 1, "imageRef": filled(as_member, DATA)}}
    volume = as_member.post("//volume/v3/volumes", body).expect(202).json["volume"]["id"]
    run_jobs()
    path = volume_data.file_of(Volume(pk=UUID(volume)))
    assert path is not None
    with path.open("rb") as file:
        assert file.read(len(DATA)) == DATA
