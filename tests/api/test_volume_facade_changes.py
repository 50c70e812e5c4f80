"""What clients change through the volume API."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from compute_site.neighbours.volume.models import Snapshot, Volume, VolumeType
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient

V3 = "//volume/v3"


def create(client: ApiClient, **fields: Any) -> Volume:
    created = client.post(f"{V3}/volumes", {"volume": fields}).expect(202).json["volume"]
    return Volume.objects.get(pk=created["id"])


def test_a_volume_is_made_renamed_and_deleted(as_member: ApiClient, cast: Cast) -> None:
    VolumeType.objects.create(name="fast")
    volume = create(as_member, size=3, name="data", volume_type="fast", metadata={"a": "b"})
    assert (volume.project_id, volume.user_id) == (ALPHA, cast.member.user_id)
    assert (volume.size, volume.status, volume.bootable) == (3, "available", "false")
    assert (str(volume.volume_type), volume.metadata) == ("fast", {"a": "b"})
    path = f"{V3}/volumes/{volume.pk}"
    as_member.put(path, {"volume": {"name": "renamed"}}).expect(200)
    volume.refresh_from_db()
    assert (volume.name, volume.metadata) == ("renamed", {"a": "b"})
    as_member.delete(path).expect(202)
    assert not Volume.objects.exists()


def test_a_volume_takes_over_what_it_is_made_of(as_member: ApiClient, cast: Cast) -> None:
    image = Image.objects.create(name="cirros", owner=cast.alpha, properties={"os_distro": "x"})
    of_image = create(as_member, size=2, imageRef=str(image.pk))
    assert of_image.bootable == "true"
    assert of_image.image_metadata["os_distro"] == "x"
    snapshot = Snapshot.objects.create(project=cast.alpha, volume=of_image, size=2)
    of_snapshot = create(as_member, snapshot_id=str(snapshot.pk))
    assert (of_snapshot.size, of_snapshot.bootable) == (2, "true")
    assert of_snapshot.snapshot_id == snapshot.pk
    of_volume = create(as_member, source_volid=str(of_image.pk), size=5)
    assert (of_volume.size, of_volume.image_metadata) == (5, of_image.image_metadata)


def test_a_volume_becomes_bootable_and_grows(as_member: ApiClient, as_reader: ApiClient) -> None:
    volume = create(as_member, size=1)
    path = f"{V3}/volumes/{volume.pk}/action"
    as_member.post(path, {"os-set_bootable": {"bootable": True}}).expect(200)
    as_member.post(path, {"os-extend": {"new_size": 3}}).expect(202)
    volume.refresh_from_db()
    assert (volume.bootable, volume.size) == ("true", 3)
    as_member.post(path, {"os-extend": {"new_size": 3}}).expect(400)
    as_member.post(path, {"os-melt": {}}).expect(400)
    as_reader.post(path, {"os-extend": {"new_size": 4}}).expect(403)
    Volume.objects.update(status="in-use")
    as_member.post(path, {"os-extend": {"new_size": 4}}).expect(400)
    volume.refresh_from_db()
    assert volume.size == 3


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"size": 0},
        {"size": "many"},
        {"size": 1, "imageRef": str(uuid.uuid4())},
        {"size": 1, "colour": "red"},
    ],
)
def test_a_volume_that_cannot_be_is_refused(as_member: ApiClient, fields: dict[str, Any]) -> None:
    answer = as_member.post(f"{V3}/volumes", {"volume": fields}).expect(400)
    assert answer.fault == "badRequest"
    assert not Volume.objects.exists()


@pytest.mark.parametrize(
    "fields",
    [
        {"size": 1, "volume_type": "nothing"},
        {"size": 1, "snapshot_id": str(uuid.uuid4())},
        {"source_volid": str(uuid.uuid4())},
    ],
)
def test_what_a_volume_is_made_of_is_looked_for(
    as_member: ApiClient, fields: dict[str, Any]
) -> None:
    as_member.post(f"{V3}/volumes", {"volume": fields}).expect(404)
    assert not Volume.objects.exists()


@pytest.mark.parametrize("status", ["reserved", "in-use"])
def test_a_claimed_volume_stays(as_member: ApiClient, cast: Cast, status: str) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=1, status=status)
    as_member.delete(f"{V3}/volumes/{volume.pk}").expect(400)
    assert Volume.objects.exists()


def test_snapshots_come_and_go(as_member: ApiClient, cast: Cast) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=3)
    body = {"snapshot": {"volume_id": str(volume.pk), "name": "snap"}}
    made = as_member.post(f"{V3}/snapshots", body).expect(202).json["snapshot"]
    assert (made["size"], made["status"]) == (3, "creating")
    shown = as_member.get(f"{V3}/snapshots/{made['id']}").expect(200).json["snapshot"]
    assert shown["status"] == "available"
    as_member.delete(f"{V3}/volumes/{volume.pk}").expect(400)
    path = f"{V3}/snapshots/{made['id']}"
    as_member.put(path, {"snapshot": {"description": "d"}}).expect(200)
    assert Snapshot.objects.get().description == "d"
    as_member.delete(path).expect(202)
    as_member.delete(f"{V3}/volumes/{volume.pk}").expect(202)


def test_a_volume_in_use_needs_force(as_member: ApiClient, cast: Cast) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=3, status="in-use")
    asked = {"volume_id": str(volume.pk)}
    as_member.post(f"{V3}/snapshots", {"snapshot": asked}).expect(400)
    as_member.post(f"{V3}/snapshots", {"snapshot": asked | {"force": True}}).expect(202)


def test_a_reader_changes_nothing(as_reader: ApiClient, cast: Cast) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=3)
    snapshot = Snapshot.objects.create(project=cast.alpha, volume=volume, size=3)
    as_reader.post(f"{V3}/volumes", {"volume": {"size": 1}}).expect(403)
    as_reader.put(f"{V3}/volumes/{volume.pk}", {"volume": {"name": "x"}}).expect(403)
    as_reader.delete(f"{V3}/volumes/{volume.pk}").expect(403)
    as_reader.post(f"{V3}/snapshots", {"snapshot": {"volume_id": str(volume.pk)}}).expect(403)
    as_reader.delete(f"{V3}/snapshots/{snapshot.pk}").expect(403)


def test_only_admins_reset_what_a_volume_is(as_member: ApiClient, as_admin: ApiClient) -> None:
    volume = create(as_member, size=1)
    Volume.objects.update(status="error")
    path = f"{V3}/volumes/{volume.pk}/action"
    as_member.post(path, {"os-reset_status": {"status": "available"}}).expect(403)
    as_admin.post(path, {"os-reset_status": {}}).expect(400)
    as_admin.post(path, {"os-reset_status": {"status": "nosuch"}}).expect(400)
    both = {"status": "available", "migration_status": "migrating"}
    as_admin.post(path, {"os-reset_status": both}).expect(202)
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status) == ("available", "migrating")
    as_admin.post(path, {"os-reset_status": {"migration_status": "none"}}).expect(202)
    volume.refresh_from_db()
    assert (volume.status, volume.migration_status) == ("available", "")
