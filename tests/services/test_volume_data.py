"""The bytes of local volumes: files that come, grow, are copied and go with their rows."""

from __future__ import annotations

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings

from compute_site.identity.models import Project
from compute_site.neighbours import volume_service
from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.local import data
from compute_site.neighbours.volume.message_models import Message
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume
from compute_site.neighbours.volume.protocol import (
    NewVolume,
    VolumeFailed,
    VolumeNotReservable,
    VolumesNotReady,
)
from servers.lifecycle.jobs import MakeBytes
from servers.worker.bytes import ask_for_lost_bytes
from tests.world.cast import ALPHA
from tests.world.client import ApiClient
from tests.world.crashes import Crash, every_crash, run_jobs_with_crash
from tests.world.jobs import drop_jobs, queued, run_jobs, run_next
from tests.world.services import make_caller

V3 = "//volume/v3"
GIB = 1 << 30
SERVER = "6f0f2bd5-9d1c-4a6e-8f0b-8d7b6a1f7f11"
BYTES = b"what a guest has written"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    options = dataclasses.replace(settings.OPTIONS, volume_folder=tmp_path)
    monkeypatch.setattr(settings, "OPTIONS", options)
    return tmp_path


@pytest.fixture
def member(as_member: ApiClient, folder: Path) -> ApiClient:
    return as_member


def make(client: ApiClient, **more: Any) -> str:
    body = {"volume": {"size": 1, **more}}
    made = str(client.post(f"{V3}/volumes", body).expect(202).json["volume"]["id"])
    run_jobs()
    return made


def snapshot(client: ApiClient, volume: str) -> str:
    body = {"snapshot": {"volume_id": volume}}
    made = str(client.post(f"{V3}/snapshots", body).expect(202).json["snapshot"]["id"])
    run_jobs()
    return made


def act(client: ApiClient, volume: str, status: int = 202, **body: Any) -> Any:
    answer = client.post(f"{V3}/volumes/{volume}/action", body).expect(status)
    return answer.json if answer.content else None


COPY = {"image_name": "copy", "disk_format": "raw", "container_format": "bare"}
MESSAGES = {"OpenStack-API-Version": "volume 3.3"}


def upload(client: ApiClient, volume: str, **more: Any) -> str:
    """The id of an image that awaits the bytes of the volume."""
    told = act(client, volume, **{"os-volume_upload_image": COPY | more})
    return str(told["os-volume_upload_image"]["image_id"])


def file_of(volume: str) -> Path:
    path = data.file_of(Volume.objects.get(pk=volume))
    assert path is not None
    return path


def write(volume: str, at: int = 0) -> None:
    with file_of(volume).open("r+b") as file:
        file.seek(at)
        file.write(BYTES)


def begins(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(len(BYTES))


def image_with(client: ApiClient, content: bytes, disk_format: str = "raw") -> str:
    body = {"name": "image", "disk_format": disk_format, "container_format": "bare"}
    image = str(client.post("//image/v2/images", body).expect(201).json["id"])
    client.put(f"//image/v2/images/{image}/file", content).expect(204)
    return image


def test_volumes_have_no_bytes_where_there_is_no_folder(as_member: ApiClient) -> None:
    volume = make(as_member)
    assert volume_service().connect(volume, SERVER, "node") is None


def test_a_volume_is_a_file_that_grows_and_goes_with_it(
    member: ApiClient, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    volume = make(member)
    path = file_of(volume)
    assert path.stat().st_size == GIB
    assert path.stat().st_blocks == 0
    assert volume_service().connect(volume, SERVER, "node") == {
        "kind": "file",
        "path": str(path),
        "format": "raw",
        "serial": volume,
        "read_only": False,
    }
    act(member, volume, **{"os-extend": {"new_size": 2}})
    assert path.stat().st_size == 2 * GIB
    with django_capture_on_commit_callbacks(execute=True):
        member.delete(f"{V3}/volumes/{volume}").expect(202)
    assert list(folder.iterdir()) == []


def test_a_snapshot_keeps_what_the_volume_had(
    member: ApiClient, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    volume = make(member)
    write(volume)
    kept = snapshot(member, volume)
    file_of(volume).write_bytes(b"something else")
    copies = [make(member, snapshot_id=kept, size=2), make(member, source_volid=volume, size=None)]
    assert begins(file_of(copies[0])) == BYTES
    assert file_of(copies[0]).stat().st_size == 2 * GIB
    assert begins(file_of(copies[1])).startswith(b"something else")
    with django_capture_on_commit_callbacks(execute=True):
        member.delete(f"{V3}/snapshots/{kept}").expect(202)
    assert not (folder / f"snapshot-{kept}").exists()


def test_a_volume_is_made_of_the_disk_of_an_image(member: ApiClient) -> None:
    volume = make(member, imageRef=image_with(member, BYTES))
    assert begins(file_of(volume)) == BYTES
    assert file_of(volume).stat().st_size == GIB


@pytest.mark.django_db(transaction=True)
def test_an_image_of_a_volume_has_its_bytes(transactional_db: None, member: ApiClient) -> None:
    volume = make(member)
    file_of(volume).write_bytes(BYTES)  # a small one, since all of it is stored
    image = upload(member, volume)
    assert (status_of(member, volume), Image.objects.get().status) == ("uploading", "queued")
    act(member, volume, 400, **{"os-volume_upload_image": COPY})
    member.delete(f"{V3}/volumes/{volume}").expect(400)
    run_jobs()
    assert member.get(f"//image/v2/images/{image}/file").expect(200).content == BYTES
    assert status_of(member, volume) == "available"
    act(member, volume, 400, **{"os-volume_upload_image": {**COPY, "disk_format": "vmdk"}})


@pytest.mark.django_db(transaction=True)
def test_an_image_of_a_volume_is_whole_wherever_a_worker_dies(
    transactional_db: None, member: ApiClient
) -> None:
    volume = make(member)
    file_of(volume).write_bytes(BYTES)
    for at in every_crash():
        image = upload(member, volume)
        crash = Crash(at)
        run_jobs_with_crash(crash)
        run_jobs()
        assert member.get(f"//image/v2/images/{image}/file").expect(200).content == BYTES
        assert status_of(member, volume) == "available"
        if not crash.happened:
            break
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_no_image_is_left_of_a_volume_that_cannot_be_copied(
    transactional_db: None, member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = make(member)
    Volume.objects.filter(pk=volume).update(status="in-use")
    Attachment.objects.create(volume_id=volume, server_id=SERVER, status="attached")
    monkeypatch.setattr(data, "_convert", fail)
    upload(member, volume, force=True)
    run_jobs()
    assert not Image.objects.exists()
    assert status_of(member, volume) == "in-use"
    told = member.get(f"{V3}/messages", headers=MESSAGES).expect(200).json["messages"]
    assert [one["resource_uuid"] for one in told] == [volume]
    assert "could not be copied to the image" in told[0]["user_message"]


@pytest.mark.django_db(transaction=True)
def test_no_image_is_left_of_a_volume_that_was_deleted_meanwhile(
    transactional_db: None, member: ApiClient, as_admin: ApiClient
) -> None:
    volume = make(member)
    upload(member, volume)
    act(as_admin, volume, **{"os-force_delete": {}})
    run_jobs()
    assert not Image.objects.exists()
    assert not Message.objects.exists()


def test_an_image_that_does_not_fit_makes_no_volume(member: ApiClient, folder: Path) -> None:
    image = image_with(member, BYTES)
    body = {"volume": {"size": 1, "imageRef": image}}
    member.post(f"{V3}/volumes", body).expect(202)
    run_jobs()
    before = set(folder.iterdir())
    Image.objects.filter(pk=image).update(virtual_size=2 * GIB)
    member.post(f"{V3}/volumes", body).expect(400)
    Image.objects.filter(pk=image).update(virtual_size=None, disk_format="iso")
    member.post(f"{V3}/volumes", body).expect(400)
    assert set(folder.iterdir()) == before


def test_files_without_a_row_are_removed_after_a_while(
    member: ApiClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = make(member)
    kept = snapshot(member, volume)
    Snapshot.objects.filter(pk=kept).delete()
    for name in (".draft-x", "of somebody else"):
        (folder / name).touch()
    data.clean_up()
    assert len(list(folder.iterdir())) == 4
    monkeypatch.setattr(data, "STRAY_SECONDS", -60)
    data.clean_up()
    assert {path.name for path in folder.iterdir()} == {f"volume-{volume}", "of somebody else"}


def asked(client: ApiClient, **more: Any) -> str:
    """A volume whose bytes are still to come."""
    body = {"volume": {"size": 1, **more}}
    return str(client.post(f"{V3}/volumes", body).expect(202).json["volume"]["id"])


def status_of(client: ApiClient, volume: str) -> str:
    return str(client.get(f"{V3}/volumes/{volume}").expect(200).json["volume"]["status"])


def test_the_bytes_of_an_image_come_after_the_request(
    member: ApiClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    usual = data.make

    def look(row: Any, source: Any) -> bool:
        seen.append(Volume.objects.get(pk=row.pk).status)
        return usual(row, source)

    monkeypatch.setattr(data, "make", look)
    volume = asked(member, imageRef=image_with(member, BYTES))
    assert status_of(member, volume) == "creating"
    assert list(folder.iterdir()) == []
    member.delete(f"{V3}/volumes/{volume}").expect(400)
    with pytest.raises(VolumeNotReservable, match="bytes"):
        volume_service().reserve(
            make_caller(Project.objects.get(pk=ALPHA)), [(volume, str(UUID(int=1)))]
        )
    run_jobs()
    assert seen == ["downloading"]
    assert status_of(member, volume) == "available"
    assert begins(file_of(volume)) == BYTES


def test_what_cannot_be_copied_is_in_error(
    member: ApiClient, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    image, source = image_with(member, BYTES), make(member)
    of_image, of_volume = asked(member, imageRef=image), asked(member, source_volid=source)
    file_of(source).unlink()
    monkeypatch.setattr(data, "_convert", fail)
    run_jobs()
    assert [status_of(member, one) for one in (of_image, of_volume)] == ["error", "error"]
    assert queued() == []
    assert list(folder.iterdir()) == []
    member.delete(f"{V3}/volumes/{of_image}").expect(202)


def fail(*_: Any, **__: Any) -> None:
    raise data.CopyFailed("the disk is broken")


def test_no_more_are_copied_at_once_than_the_site_wants(
    member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = asked(member, imageRef=image_with(member, BYTES))
    monkeypatch.setattr(MakeBytes, "defer_apart", lambda job, **_: job.defer())
    options = dataclasses.replace(settings.OPTIONS, volume_copies=0)
    with monkeypatch.context() as patched:
        patched.setattr(settings, "OPTIONS", options)
        for _ in range(3):
            run_next()
    assert (status_of(member, volume), len(queued())) == ("creating", 1)
    run_jobs()
    assert status_of(member, volume) == "available"


def test_bytes_whose_job_is_lost_are_made_all_the_same(member: ApiClient) -> None:
    source = make(member)
    write(source)
    kept = str(
        member.post(f"{V3}/snapshots", {"snapshot": {"volume_id": source}}).json["snapshot"]["id"]
    )
    assert ask_for_lost_bytes() == 0
    drop_jobs()
    assert ask_for_lost_bytes() == 1
    run_jobs()
    row = Snapshot.objects.get(pk=kept)
    path = data.file_of(row)
    assert path is not None
    assert (row.status, begins(path)) == ("available", BYTES)


def test_the_bytes_of_what_was_deleted_meanwhile_are_removed(
    member: ApiClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = asked(member, imageRef=image_with(member, BYTES))
    usual = data.make

    def make_too_late(row: Any, source: Any) -> bool:
        made = usual(row, source)
        Volume.objects.filter(pk=volume).delete()
        return made

    monkeypatch.setattr(data, "make", make_too_late)
    run_jobs()
    assert list(folder.iterdir()) == []


def test_a_backup_has_the_bytes_and_gives_them_back(
    member: ApiClient, folder: Path, django_capture_on_commit_callbacks: Any
) -> None:
    volume = make(member)
    write(volume)
    made = member.post(f"{V3}/backups", {"backup": {"volume_id": volume}}).expect(202)
    backup = Backup.objects.get(pk=made.json["backup"]["id"])
    assert backup.status == "creating"
    run_jobs()
    backup.refresh_from_db()
    path = folder / f"backup-{backup.pk}"
    assert (backup.status, begins(path)) == ("available", BYTES)
    file_of(volume).write_bytes(b"\0" * len(BYTES))
    url = f"{V3}/backups/{backup.pk}/restore"
    member.post(url, {"restore": {"volume_id": volume}}).expect(202)
    assert Volume.objects.get(pk=volume).status == "restoring-backup"
    member.delete(f"{V3}/backups/{backup.pk}").expect(400)
    run_jobs()
    assert Volume.objects.get(pk=volume).status == "available"
    assert begins(file_of(volume)) == BYTES
    backup.refresh_from_db()
    assert backup.status == "available"
    new = str(member.post(url, {"restore": {}}).expect(202).json["restore"]["volume_id"])
    run_jobs()
    assert begins(file_of(new)) == BYTES
    with django_capture_on_commit_callbacks(execute=True):
        member.delete(f"{V3}/backups/{backup.pk}").expect(202)
    assert not path.exists()


def test_a_record_brings_back_the_bytes(
    member: ApiClient,
    as_admin: ApiClient,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    volume = make(member)
    write(volume)
    made = member.post(f"{V3}/backups", {"backup": {"volume_id": volume}}).expect(202)
    run_jobs()
    backup = made.json["backup"]["id"]
    url = f"{V3}/backups/{backup}/export_record"
    record = as_admin.get(url).expect(200).json["backup-record"]
    told = json.loads(base64.b64decode(record["backup_url"]))

    def bring_back(**changed: Any) -> Any:
        packed = base64.b64encode(json.dumps(told | changed).encode()).decode()
        body = {"backup-record": {**record, "backup_url": packed}}
        return as_admin.post(f"{V3}/backups/import_record", body)

    other = str(uuid4())
    bring_back(id=other, size=2).expect(400)
    bring_back(id=other).expect(201)
    with django_capture_on_commit_callbacks(execute=True):
        member.delete(f"{V3}/backups/{backup}").expect(202)
    assert begins(folder / f"backup-{other}") == BYTES
    bring_back().expect(400)
    assert not (folder / f"backup-{backup}").exists()
    Backup.objects.all().delete()
    monkeypatch.setattr(data, "STRAY_SECONDS", -60)
    data.clean_up()
    bring_back(id=other, service_metadata=f"backup-{other}").expect(201)
    body = {"restore": {"volume_id": volume}}
    file_of(volume).write_bytes(b"\0" * len(BYTES))
    as_admin.post(f"{V3}/backups/{other}/restore", body).expect(202)
    run_jobs()
    assert begins(file_of(volume)) == BYTES


def test_a_backup_that_fails_says_why(member: ApiClient, folder: Path) -> None:
    volume = make(member)
    made = member.post(f"{V3}/backups", {"backup": {"volume_id": volume}}).expect(202)
    file_of(volume).unlink()
    run_jobs()
    url = f"{V3}/backups/{made.json['backup']['id']}"
    shown = member.get(url).expect(200).json["backup"]
    assert shown["status"] == "error"
    assert "could not be copied" in shown["fail_reason"]
    assert Message.objects.get().event_id == "VOLUME_VOLUME_BACKUP_013_020"
    member.delete(url).expect(202)


def test_a_backup_that_cannot_be_restored_says_so(member: ApiClient, folder: Path) -> None:
    volume = make(member)
    made = member.post(f"{V3}/backups", {"backup": {"volume_id": volume}}).expect(202)
    backup = made.json["backup"]["id"]
    run_jobs()
    member.post(f"{V3}/backups/{backup}/restore", {"restore": {}}).expect(202)
    (folder / f"backup-{backup}").unlink()
    run_jobs()
    assert Message.objects.get().event_id == "VOLUME_VOLUME_015_026"
    assert Backup.objects.get().status == "available"


def make_for_server(image: str, size: int = 1) -> tuple[str, str]:
    """A volume that a build makes, and its server."""
    caller = make_caller(Project.objects.get(pk=ALPHA))
    [volume] = volume_service().create(caller, SERVER, [NewVolume(size=size, image_id=image)])
    return volume, SERVER


def test_a_volume_that_a_build_makes_is_not_attached_before_it_has_its_bytes(
    member: ApiClient,
) -> None:
    volume, server_id = make_for_server(image_with(member, BYTES))
    assert Volume.objects.get(pk=volume).status == "creating"
    with pytest.raises(VolumesNotReady, match="creating"):
        volume_service().attach(server_id, {volume: "/dev/vda"})
    run_jobs()
    assert Volume.objects.get(pk=volume).status == "reserved"
    assert begins(file_of(volume)) == BYTES
    volume_service().attach(server_id, {volume: "/dev/vda"})
    assert Volume.objects.get(pk=volume).status == "in-use"


def test_a_volume_that_a_build_could_not_make_is_said_to_have_failed(member: ApiClient) -> None:
    image = image_with(member, BYTES)
    volume, server_id = make_for_server(image)
    member.delete(f"//image/v2/images/{image}").expect(204)
    run_jobs()
    assert Volume.objects.get(pk=volume).status == "error"
    with pytest.raises(VolumeFailed, match="could not be made"):
        volume_service().attach(server_id, {volume: "/dev/vda"})


def test_a_volume_that_nobody_waits_for_any_more_is_free_when_it_has_its_bytes(
    member: ApiClient,
) -> None:
    volume, server_id = make_for_server(image_with(member, BYTES))
    volume_service().release([server_id])
    assert Volume.objects.get(pk=volume).status == "creating"
    run_jobs()
    assert Volume.objects.get(pk=volume).status == "available"


def test_a_volume_is_reverted_after_the_request(member: ApiClient) -> None:
    volume = make(member)
    write(volume)
    kept = snapshot(member, volume)
    file_of(volume).write_bytes(b"spoiled")
    headers = {"OpenStack-API-Version": "volume 3.40"}
    url = f"{V3}/volumes/{volume}/action"
    member.post(url, {"revert": {"snapshot_id": kept}}, headers=headers).expect(202)
    assert Volume.objects.get(pk=volume).status == "reverting"
    assert Snapshot.objects.get(pk=kept).status == "restoring"
    assert begins(file_of(volume)) == b"spoiled"
    member.delete(f"{V3}/volumes/{volume}").expect(400)
    run_jobs()
    assert Volume.objects.get(pk=volume).status == "available"
    assert Snapshot.objects.get(pk=kept).status == "available"
    assert begins(file_of(volume)) == BYTES


def test_a_volume_whose_snapshot_cannot_be_copied_keeps_what_it_has(member: ApiClient) -> None:
    volume = make(member)
    write(volume)
    kept = snapshot(member, volume)
    headers = {"OpenStack-API-Version": "volume 3.40"}
    url = f"{V3}/volumes/{volume}/action"
    member.post(url, {"revert": {"snapshot_id": kept}}, headers=headers).expect(202)
    path = data.file_of(Snapshot.objects.get(pk=kept))
    assert path is not None
    path.unlink()
    path.mkdir()
    run_jobs()
    path.rmdir()
    assert Volume.objects.get(pk=volume).status == "error"
    assert Snapshot.objects.get(pk=kept).status == "available"
    assert begins(file_of(volume)) == BYTES


@pytest.mark.parametrize("status", ["available", "error"])
def test_an_image_is_written_over_a_volume_after_the_request(
    member: ApiClient, status: str
) -> None:
    volume = make(member)
    Volume.objects.filter(pk=volume).update(status=status)
    image = image_with(member, BYTES)
    headers = {"OpenStack-API-Version": "volume 3.68"}
    url = f"{V3}/volumes/{volume}/action"
    member.post(url, {"os-reimage": {"image_id": image}}, headers=headers).expect(202)
    changed = Volume.objects.get(pk=volume)
    assert (changed.status, changed.image_metadata) == ("downloading", {})
    run_jobs()
    changed.refresh_from_db()
    assert (changed.status, changed.bootable) == ("available", "true")
    assert changed.image_metadata["image_id"] == image
    assert begins(file_of(volume)) == BYTES


def test_an_image_that_cannot_be_written_over_a_volume_is_not_noted(
    member: ApiClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = make(member)
    write(volume)
    image = image_with(member, b"others")
    monkeypatch.setattr(data, "_convert", fail)
    url = f"{V3}/volumes/{volume}/action"
    headers = {"OpenStack-API-Version": "volume 3.68"}
    member.post(url, {"os-reimage": {"image_id": image}}, headers=headers).expect(202)
    run_jobs()
    kept = Volume.objects.get(pk=volume)
    assert (kept.status, kept.image_metadata, kept.awaits) == ("error", {}, None)
    assert begins(file_of(volume)) == BYTES
