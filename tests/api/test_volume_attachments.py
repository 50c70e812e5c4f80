"""Attachments that clients of the volume API make, beside those of compute's servers."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_image, make_volume
from tests.world.jobs import run_jobs
from tests.world.target_server import exporting

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
NEWEST = {"OpenStack-API-Version": "volume latest"}
SERVER = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
CONNECTOR = {"host": "backup-1", "mountpoint": "/dev/vdb", "ip": "10.0.0.7"}


def make(client: ApiClient, volume: Volume, **asked: Any) -> Answer:
    body = {"attachment": {"volume_uuid": str(volume.pk), **asked}}
    return client.post(f"{V3}/attachments", body, headers=NEWEST)


def made(client: ApiClient, volume: Volume, **asked: Any) -> dict[str, Any]:
    found: dict[str, Any] = make(client, volume, **asked).expect(200).json["attachment"]
    return found


def put(client: ApiClient, attachment_id: str, connector: Any) -> Answer:
    body = {"attachment": {"connector": connector}}
    return client.put(f"{V3}/attachments/{attachment_id}", body, headers=NEWEST)


def complete(client: ApiClient, attachment_id: str, version: str = "3.44") -> Answer:
    url, header = f"{V3}/attachments/{attachment_id}/action", f"volume {version}"
    return client.post(url, {"os-complete": None}, headers={"OpenStack-API-Version": header})


def act(client: ApiClient, volume: Volume, name: str, asked: Any = None) -> Answer:
    return client.post(f"{V3}/volumes/{volume.pk}/action", {name: asked}, headers=NEWEST)


def status_of(volume: Volume) -> str:
    volume.refresh_from_db()
    return volume.status


def shown_attachments(client: ApiClient, volume: Volume) -> list[dict[str, Any]]:
    shown = client.get(f"{V3}/volumes/{volume.pk}").expect(200).json["volume"]
    found: list[dict[str, Any]] = shown["attachments"]
    return found


def test_from_reserved_to_given_back(as_member: ApiClient) -> None:
    volume = make_volume()
    first = made(as_member, volume, instance_uuid=SERVER)
    assert (first["status"], first["attach_mode"]) == ("reserved", "null")
    assert (first["instance"], first["volume_id"]) == (SERVER, str(volume.pk))
    assert (first["connection_info"], first["attached_at"]) == ({}, "")
    assert status_of(volume) == "reserved"
    assert shown_attachments(as_member, volume) == []
    second = put(as_member, first["id"], CONNECTOR).expect(200).json["attachment"]
    assert (second["status"], second["attach_mode"]) == ("attaching", "rw")
    assert second["connection_info"] == {"attachment_id": first["id"]}
    assert status_of(volume) == "attaching"
    assert complete(as_member, first["id"]).expect(204).content == b""
    assert status_of(volume) == "in-use"
    [shown] = shown_attachments(as_member, volume)
    assert (shown["server_id"], shown["host_name"]) == (SERVER, "backup-1")
    assert (shown["attachment_id"], shown["device"]) == (first["id"], "/dev/vdb")
    url = f"{V3}/attachments/{first['id']}"
    third = as_member.get(url, headers=NEWEST).expect(200).json["attachment"]
    assert third["status"] == "attached"
    assert third["attached_at"] > "2026"
    assert as_member.delete(url, headers=NEWEST).expect(200).json == {"attachments": []}
    assert status_of(volume) == "available"
    as_member.get(url, headers=NEWEST).expect(404)


def test_with_a_connector_at_once(as_member: ApiClient) -> None:
    volume = make_volume()
    shown = made(as_member, volume, connector=CONNECTOR, mode="ro")
    assert (shown["status"], shown["attach_mode"]) == ("attaching", "ro")
    assert shown["instance"] is None


def test_hosts_of_others_are_given_no_volume_that_is_exported(
    as_member: ApiClient, tmp_path: Path
) -> None:
    with exporting(tmp_path):
        body = {"volume": {"size": 1}}
        volume_id = as_member.post(f"{V3}/volumes", body).expect(202).json["volume"]["id"]
        volume = Volume.objects.get(pk=volume_id)
        refused = make(as_member, volume, connector=CONNECTOR).expect(400)
        assert refused.blamed == ["attachment.connector"]
        assert not volume.attachments.exists()
        attachment = made(as_member, volume)["id"]
        refused = put(as_member, attachment, CONNECTOR).expect(400)
        assert (refused.blamed, status_of(volume)) == (["attachment.connector"], "reserved")
        assert volume.attachments.get().connector is None


def test_where_the_bytes_are(as_member: ApiClient, settings: Any, tmp_path: Path) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, volume_folder=tmp_path)
    body = {"volume": {"size": 1}}
    volume_id = as_member.post(f"{V3}/volumes", body).expect(202).json["volume"]["id"]
    shown = made(as_member, Volume.objects.get(pk=volume_id), connector=CONNECTOR)
    assert shown["connection_info"]["path"] == str(tmp_path / f"volume-{volume_id}")


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"mode": "rwx"}, 400),
        ({"mode": None}, 400),
        ({"instance_uuid": "server"}, 400),
        ({"connector": {"ip": "10.0.0.7"}}, 400),
        ({"connector": {"host": "h", "mode": "rwx"}}, 400),
        ({"connector": {"host": "h", "mountpoint": 5}}, 400),
        ({"connector": "host"}, 400),
        ({"colour": "red"}, 400),
        ({"volume_uuid": UNKNOWN_ID}, 404),
        ({"connector": None}, 200),
        ({"connector": {}}, 200),
    ],
)
def test_what_an_attachment_is_made_of(
    as_member: ApiClient, asked: dict[str, Any], status: int
) -> None:
    volume = make_volume()
    make(as_member, volume, **asked).expect(status)
    assert Attachment.objects.count() == (status == 200)


def test_only_free_and_shared_volumes_are_reserved(as_member: ApiClient) -> None:
    for status in ("reserved", "in-use", "error", "detaching"):
        make(as_member, make_volume(status=status)).expect(400)
    shared = make_volume(multiattach=True)
    first = made(as_member, shared, instance_uuid=SERVER)
    put(as_member, first["id"], CONNECTOR).expect(200)
    complete(as_member, first["id"]).expect(204)
    make(as_member, shared, instance_uuid=SERVER).expect(400)
    second = made(as_member, shared)
    left = as_member.delete(f"{V3}/attachments/{second['id']}", headers=NEWEST).expect(200).json
    assert [entry["id"] for entry in left["attachments"]] == [first["id"]]
    assert status_of(shared) == "in-use"


def test_read_only_volumes_are_attached_so(as_member: ApiClient) -> None:
    volume = make_volume(readonly=True)
    attachment = made(as_member, volume)
    assert attachment["attach_mode"] == "ro"
    put(as_member, attachment["id"], {"host": "h", "mode": "rw"}).expect(400)
    put(as_member, attachment["id"], {"host": "h", "mode": "ro"}).expect(200)
    act(as_member, make_volume(readonly=True), "os-attach", {"mountpoint": "/dev/vdb"}).expect(400)


def test_what_compute_has_made_is_left_to_compute(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    volume = make_volume(status="in-use")
    kept = Attachment.objects.create(volume=volume, server_id=SERVER, status="attached")
    url = f"{V3}/attachments/{kept.pk}"
    shown = as_member.get(url, headers=NEWEST).expect(200).json["attachment"]
    assert (shown["status"], shown["instance"]) == ("attached", SERVER)
    for client in (as_member, as_admin):
        assert "detach it from the server" in client.delete(url, headers=NEWEST).expect(409).message
        put(client, str(kept.pk), CONNECTOR).expect(409)
        complete(client, str(kept.pk)).expect(409)
        for name, asked in (("os-detach", {}), ("os-begin_detaching", None)):
            act(client, volume, name, asked).expect(409)
    act(as_admin, volume, "os-force_detach", {"attachment_id": str(kept.pk)}).expect(409)
    act(as_admin, volume, "os-reset_status", {"attach_status": "detached"}).expect(409)
    kept.refresh_from_db()
    assert (kept.status, status_of(volume)) == ("attached", "in-use")


def test_attachments_are_listed_and_filtered(as_member: ApiClient, as_admin: ApiClient) -> None:
    own, other = make_volume(), make_volume(project_id=BETA, status="in-use")
    entry = made(as_member, own, instance_uuid=SERVER)
    Attachment.objects.create(volume=other, server_id=UNKNOWN_ID, status="detaching")

    def ids(client: ApiClient, query: str) -> list[str]:
        listed = client.get(f"{V3}/attachments?{query}", headers=NEWEST).expect(200).json
        return [found["volume_id"] for found in listed["attachments"]]

    assert ids(as_member, "") == [str(own.pk)]
    assert ids(as_admin, "") == [str(own.pk)]
    assert ids(as_admin, "all_tenants=1&status=attached") == [str(other.pk)]
    assert ids(as_member, f"instance_id={SERVER}") == [str(own.pk)]
    assert ids(as_member, f"volume_id={own.pk}&attach_status=reserved") == [str(own.pk)]
    assert ids(as_member, f"volume_id={other.pk}&all_tenants=1") == []
    [shown] = as_member.get(f"{V3}/attachments/detail", headers=NEWEST).json["attachments"]
    assert shown.keys() == entry.keys()
    for wrong in ("colour=red", "sort_key=colour", "with_count=true"):
        as_member.get(f"{V3}/attachments?{wrong}", headers=NEWEST).expect(400)


def test_readers_see_no_connection_and_outsiders_nothing(
    as_member: ApiClient, as_reader: ApiClient, cast: Cast
) -> None:
    attachment = made(as_member, make_volume(), connector=CONNECTOR)
    url = f"{V3}/attachments/{attachment['id']}"
    shown = as_reader.get(url, headers=NEWEST).expect(200).json["attachment"]
    assert shown["connection_info"] == {}
    as_reader.delete(url, headers=NEWEST).expect(403)
    outsider = ApiClient(cast.outsider)
    outsider.get(url, headers=NEWEST).expect(404)
    outsider.delete(url, headers=NEWEST).expect(404)


@pytest.mark.parametrize(
    ("method", "path", "version", "status"),
    [
        ("GET", "attachments", "3.26", 404),
        ("GET", "attachments", "3.27", 200),
        ("POST", "attachments/x/action", "3.43", 404),
    ],
)
def test_the_versions_that_have_attachments(
    as_member: ApiClient, method: str, path: str, version: str, status: int
) -> None:
    header = {"OpenStack-API-Version": f"volume {version}"}
    as_member.send(method, f"{V3}/{path}", headers=header).expect(status)


def test_the_mode_is_said_from_3_54_on(as_member: ApiClient) -> None:
    body = {"attachment": {"volume_uuid": str(make_volume().pk), "mode": "ro"}}
    header = {"OpenStack-API-Version": "volume 3.53"}
    refused = as_member.post(f"{V3}/attachments", body, headers=header).expect(400)
    assert "mode needs microversion 3.54" in refused.message


def test_the_older_actions(as_member: ApiClient) -> None:
    volume = make_volume()
    act(as_member, volume, "os-reserve").expect(202)
    assert status_of(volume) == "attaching"
    act(as_member, volume, "os-reserve").expect(400)
    act(as_member, volume, "os-unreserve").expect(202)
    assert status_of(volume) == "available"
    act(as_member, volume, "os-unreserve").expect(202)
    asked = {"instance_uuid": SERVER, "mountpoint": "/dev/vdc", "mode": "ro"}
    act(as_member, volume, "os-attach", {"mountpoint": "/dev/vdc"}).expect(400)
    act(as_member, volume, "os-attach", {"instance_uuid": SERVER}).expect(400)
    act(as_member, volume, "os-attach", asked).expect(202)
    assert status_of(volume) == "in-use"
    [shown] = shown_attachments(as_member, volume)
    assert (shown["server_id"], shown["device"]) == (SERVER, "/dev/vdc")
    act(as_member, volume, "os-attach", asked).expect(400)
    act(as_member, volume, "os-begin_detaching").expect(202)
    assert status_of(volume) == "detaching"
    act(as_member, volume, "os-roll_detaching").expect(202)
    assert status_of(volume) == "in-use"
    act(as_member, volume, "os-detach", {"attachment_id": UNKNOWN_ID}).expect(404)
    act(as_member, volume, "os-detach", {"attachment_id": shown["attachment_id"]}).expect(202)
    assert status_of(volume) == "available"
    assert shown_attachments(as_member, volume) == []


def test_admins_detach_by_force(as_member: ApiClient, as_admin: ApiClient) -> None:
    volume = make_volume()
    act(as_member, volume, "os-attach", {"host_name": "h", "mountpoint": "/dev/vdc"}).expect(202)
    act(as_admin, volume, "os-reset_status", {"status": "error"}).expect(202)
    act(as_member, volume, "os-force_detach", {}).expect(403)
    act(as_admin, volume, "os-force_detach", {"connector": None}).expect(202)
    assert status_of(volume) == "available"
    act(as_admin, volume, "os-reset_status", {"status": "in-use"}).expect(400)
    act(as_admin, volume, "os-reset_status", {"status": "deleting"}).expect(400)
    act(as_member, volume, "os-attach", {"host_name": "h", "mountpoint": "/dev/vdc"}).expect(202)
    detached = {"status": "available", "attach_status": "detached"}
    act(as_admin, volume, "os-reset_status", detached).expect(202)
    assert not Attachment.objects.exists()


def test_volumes_in_use_grow_from_3_42_on(as_member: ApiClient) -> None:
    volume = make_volume(status="in-use")
    header = {"OpenStack-API-Version": "volume 3.41"}
    url, asked = f"{V3}/volumes/{volume.pk}/action", {"os-extend": {"new_size": 2}}
    assert "free one" in as_member.post(url, asked, headers=header).expect(400).message


def test_a_volume_goes_back_to_its_newest_snapshot(
    as_member: ApiClient, settings: Any, tmp_path: Path
) -> None:
    settings.OPTIONS = dataclasses.replace(settings.OPTIONS, volume_folder=tmp_path)
    volume = Volume.objects.create(project_id=ALPHA, size=1)
    old, new = (Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1) for _ in "ab")
    path = tmp_path / f"volume-{volume.pk}"
    path.write_bytes(b"after!")
    (tmp_path / f"snapshot-{new.pk}").write_bytes(b"before")
    act(as_member, volume, "revert", {"snapshot_id": str(old.pk)}).expect(400)
    Volume.objects.update(status="in-use")
    act(as_member, volume, "revert", {"snapshot_id": str(new.pk)}).expect(409)
    Volume.objects.update(status="available")
    act(as_member, volume, "revert", {"snapshot_id": str(new.pk)}).expect(202)
    run_jobs()
    with path.open("rb") as file:
        assert file.read(6) == b"before"
    Volume.objects.update(size=2)
    act(as_member, volume, "revert", {"snapshot_id": str(new.pk)}).expect(400)


def test_an_image_is_written_over_a_volume(as_member: ApiClient) -> None:
    image, large = make_image(name="debian"), make_image(min_disk=9)
    volume = make_volume(status="reserved")
    asked = {"image_id": str(image.pk)}
    act(as_member, volume, "os-reimage", asked).expect(400)
    act(as_member, volume, "os-reimage", asked | {"reimage_reserved": True}).expect(202)
    volume.refresh_from_db()
    assert volume.image_metadata["image_name"] == "debian"
    Volume.objects.update(status="available")
    act(as_member, volume, "os-reimage", {"image_id": UNKNOWN_ID}).expect(404)
    act(as_member, volume, "os-reimage", {"image_id": str(large.pk)}).expect(400)
    Attachment.objects.bulk_create(Attachment(volume=volume) for _ in range(2))
    act(as_member, volume, "os-reimage", asked).expect(409)


def test_an_image_of_a_volume_may_be_protected_and_public(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    volume = make_volume()
    asked: dict[str, Any] = {"image_name": "copy", "protected": "true", "visibility": "community"}
    act(as_member, volume, "os-volume_upload_image", asked).expect(202)
    image = Image.objects.get()
    assert (image.protected, image.visibility) == (True, "community")
    refused = act(as_member, volume, "os-volume_upload_image", asked | {"visibility": "public"})
    assert policies.UPLOAD_PUBLIC in refused.expect(403).message
    old = {"OpenStack-API-Version": "volume 3.0"}
    url = f"{V3}/volumes/{volume.pk}/action"
    refused = as_member.post(url, {"os-volume_upload_image": asked}, headers=old).expect(400)
    assert "needs microversion 3.1" in refused.message
