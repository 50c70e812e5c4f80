"""``/os-volumes`` and ``/os-snapshots``, until 2.35, and ``/os-assisted-volume-snapshots``."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from compute_site.neighbours.volume.models import Attachment, Quota, Snapshot, Volume, VolumeType
from servers.models import BlockDevice
from tests.world.cast import ALPHA, UNKNOWN_ID, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_volume

VOLUMES, SNAPSHOTS = "/os-volumes", "/os-snapshots"
ASSISTED = "/os-assisted-volume-snapshots"


def test_a_volume_is_made_shown_and_deleted(as_member: ApiClient, as_reader: ApiClient) -> None:
    VolumeType.objects.create(name="fast")
    asked = {"size": "2", "display_name": "data", "metadata": {"a": "b"}, "volume_type": "fast"}
    answer = as_member.post(VOLUMES, {"volume": asked}).expect(200)
    made = answer.json["volume"]
    assert answer.headers["Location"].endswith(f"{VOLUMES}/{made['id']}")
    row = Volume.objects.get(pk=made["id"])
    assert (row.project_id, row.size, row.name, row.metadata) == (ALPHA, 2, "data", {"a": "b"})
    assert made == {
        "id": made["id"],
        "status": "available",
        "size": 2,
        "availabilityZone": "nova",
        "createdAt": made["createdAt"],
        "attachments": [{}],
        "displayName": "data",
        "displayDescription": "",
        "volumeType": "fast",
        "snapshotId": None,
        "metadata": {"a": "b"},
    }
    assert as_reader.get(f"{VOLUMES}/{made['id']}").expect(200).json["volume"] == made
    for path in (VOLUMES, f"{VOLUMES}/detail"):
        assert as_reader.get(path).expect(200).json["volumes"] == [made]
        assert as_reader.get(f"{path}?offset=1").expect(200).json["volumes"] == []
    as_reader.delete(f"{VOLUMES}/{made['id']}").expect(403)
    as_member.delete(f"{VOLUMES}/{made['id']}").expect(202)
    as_member.get(f"{VOLUMES}/{made['id']}").expect(404)
    as_member.get(VOLUMES, microversion="2.36").expect(404)


def test_a_volume_in_use_names_its_server(as_member: ApiClient, cast: Cast) -> None:
    volume = make_volume(status="in-use")
    server = UNKNOWN_ID
    Attachment.objects.create(volume=volume, server_id=server, device="/dev/vdb", status="attached")
    shown = as_member.get(f"{VOLUMES}/{volume.pk}").expect(200).json["volume"]
    own = str(volume.pk)
    place = {"id": own, "volumeId": own, "serverId": server, "device": "/dev/vdb"}
    assert shown["attachments"] == [place]
    as_member.delete(f"{VOLUMES}/{volume.pk}").expect(400)
    as_member.post(SNAPSHOTS, {"snapshot": {"volume_id": own}}).expect(400)
    as_member.post(SNAPSHOTS, {"snapshot": {"volume_id": own, "force": "yes"}}).expect(200)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"size": 0}, 400),
        ({"size": 1, "colour": "red"}, 400),
        ({"size": 1, "metadata": {"a": 1}}, 400),
        ({"size": 1, "snapshot_id": UNKNOWN_ID}, 404),
        ({"size": 1, "snapshot_id": "x"}, 404),
        ({"size": 1, "volume_type": "none"}, 404),
        ({"size": 99}, 403),
    ],
)
def test_a_volume_that_cannot_be_is_refused(
    as_member: ApiClient, cast: Cast, asked: dict[str, Any], status: int
) -> None:
    Quota.objects.create(project=cast.alpha, resource="gigabytes", limit=10)
    as_member.post(VOLUMES, {"volume": asked}).expect(status)
    assert not Volume.objects.exists()


def test_a_snapshot_is_made_shown_and_deleted(as_member: ApiClient, as_reader: ApiClient) -> None:
    volume = make_volume(size=3)
    asked = {"volume_id": str(volume.pk), "display_name": "before"}
    made = as_member.post(SNAPSHOTS, {"snapshot": asked}).expect(200).json["snapshot"]
    assert made == {
        "id": made["id"],
        "volumeId": str(volume.pk),
        "status": "available",
        "size": 3,
        "createdAt": made["createdAt"],
        "displayName": "before",
        "displayDescription": "",
    }
    assert as_reader.get(f"{SNAPSHOTS}/{made['id']}").expect(200).json["snapshot"] == made
    for path in (SNAPSHOTS, f"{SNAPSHOTS}/detail"):
        assert as_reader.get(path).expect(200).json["snapshots"] == [made]
    copy = {"size": 3, "snapshot_id": made["id"]}
    shown = as_member.post(VOLUMES, {"volume": copy}).expect(200).json["volume"]
    assert shown["snapshotId"] == made["id"]
    as_member.post(SNAPSHOTS, {"snapshot": {"volume_id": UNKNOWN_ID}}).expect(404)
    as_member.delete(f"{SNAPSHOTS}/{made['id']}").expect(202)
    as_member.delete(f"{SNAPSHOTS}/{made['id']}").expect(404)


def test_others_see_and_change_nothing_of_it(as_outsider: ApiClient) -> None:
    volume = make_volume()
    snapshot = Snapshot.objects.create(volume=volume, size=1, project_id=ALPHA)
    for path in (VOLUMES, SNAPSHOTS):
        assert as_outsider.get(path).expect(200).json[path.removeprefix("/os-")] == []
    for path in (f"{VOLUMES}/{volume.pk}", f"{SNAPSHOTS}/{snapshot.pk}"):
        as_outsider.get(path).expect(404)
        as_outsider.delete(path).expect(404)
    as_outsider.post(SNAPSHOTS, {"snapshot": {"volume_id": str(volume.pk)}}).expect(404)


def test_a_host_is_asked_to_help_with_a_snapshot(as_admin: ApiClient, cast: Cast) -> None:
    volume = str(make_volume().pk)
    info = {"snapshot_id": "1", "type": "qcow2", "new_file": "f", "id": UNKNOWN_ID}
    body = {"snapshot": {"volume_id": volume, "create_info": info}}
    told = quote(json.dumps({"volume_id": volume}))
    as_admin.post(ASSISTED, body).expect(400)
    as_admin.delete(f"{ASSISTED}/1?delete_info={told}").expect(400)
    server = make_instance(vm_state="active", host="host1")
    BlockDevice.objects.create(instance=server, volume_id=volume)
    shown = as_admin.post(ASSISTED, body).expect(200).json["snapshot"]
    assert shown == {"id": UNKNOWN_ID, "volumeId": volume}
    as_admin.delete(f"{ASSISTED}/1?delete_info={told}").expect(204)
    for query in ("", "?delete_info=x", "?delete_info=[]", "?delete_info={}"):
        as_admin.delete(f"{ASSISTED}/1{query}").expect(400)
    server.task_state = "rebooting"
    server.save(update_fields=["task_state"])
    as_admin.post(ASSISTED, body).expect(400)
    as_admin.post(ASSISTED, {"snapshot": {"volume_id": volume}}).expect(400)
