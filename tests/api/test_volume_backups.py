"""Backups of volumes, where volumes have no bytes; ``tests/services/test_volume_data.py`` has them
with bytes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import pytest

from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.models import Quota, Snapshot, Volume
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
URL = f"{V3}/backups"
NEWEST = {"OpenStack-API-Version": "volume latest"}


def back_up(client: ApiClient, volume: Volume, **more: Any) -> Answer:
    body = {"backup": {"volume_id": str(volume.pk), **more}}
    return client.post(URL, body, headers=NEWEST)


def make_backup(**fields: Any) -> Backup:
    defaults = {"project_id": ALPHA, "volume_id": make_volume().pk, "size": 1, "name": "kept"}
    return Backup.objects.create(**defaults | fields)


def test_a_backup_is_made_shown_and_deleted(as_member: ApiClient, as_admin: ApiClient) -> None:
    volume = make_volume(size=2)
    order = {"name": "monday", "container": "shelf", "metadata": {"a": "b"}}
    made = back_up(as_member, volume, **order, availability_zone="nova").expect(202)
    assert made.json["backup"].keys() == {"id", "name", "links"}
    url = f"{URL}/{made.json['backup']['id']}"
    shown = as_member.get(url, headers=NEWEST).expect(200).json["backup"]
    assert {key: shown[key] for key in order} == order
    assert (shown["size"], shown["status"], shown["object_count"]) == (2, "available", 0)
    assert (shown["is_incremental"], shown["has_dependent_backups"]) == (False, False)
    assert shown["data_timestamp"] == shown["created_at"]
    assert "user_id" not in shown
    seen = as_admin.get(url, headers=NEWEST).expect(200).json["backup"]
    assert seen["os-backup-project-attr:project_id"] == ALPHA
    assert "metadata" not in as_member.get(url).expect(200).json["backup"]
    as_member.put(url, {"backup": {"name": "tuesday"}}).expect(404)
    as_member.put(url, {"backup": {}}, headers=NEWEST).expect(200)
    as_member.put(url, {"backup": {"metadata": None}}, headers=NEWEST).expect(400)
    as_member.put(url, {"backup": {"name": "tuesday"}}, headers=NEWEST).expect(200)
    assert Backup.objects.get().name == "tuesday"
    as_member.delete(url).expect(202)
    as_member.get(url).expect(404)


@pytest.mark.parametrize(
    "wrong",
    [
        {"volume_id": None},
        {"volume_id": "x"},
        {"snapshot_id": "x"},
        {"incremental": "perhaps"},
        {"force": 7},
        {"force": None},
        {"incremental": None},
        {"metadata": {"a": 1}},
        {"name": "x" * 256},
        {"colour": "red"},
    ],
)
def test_a_wrong_order_makes_nothing(as_member: ApiClient, wrong: Mapping[str, Any]) -> None:
    back_up(as_member, make_volume(), **wrong).expect(400)
    assert not Backup.objects.exists()


def test_only_what_is_ones_own_and_idle_is_backed_up(as_member: ApiClient, cast: Cast) -> None:
    back_up(as_member, make_volume(project_id=BETA)).expect(404)
    back_up(as_member, make_volume(status="error")).expect(400)
    used = make_volume(status="in-use")
    back_up(as_member, used).expect(400)
    back_up(as_member, used, force=True).expect(202)
    back_up(ApiClient(cast.reader), make_volume()).expect(403)
    old = {"OpenStack-API-Version": "volume 3.42"}
    body = {"backup": {"volume_id": str(used.pk), "force": True, "metadata": {}}}
    as_member.post(URL, body, headers=old).expect(400)


def test_a_snapshot_is_backed_up(as_member: ApiClient) -> None:
    volume, other = make_volume(status="in-use"), make_volume()
    snapshot = Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1)
    back_up(as_member, other, snapshot_id=str(snapshot.pk)).expect(400)
    back_up(as_member, volume, snapshot_id=UNKNOWN_ID).expect(404)
    back_up(as_member, volume, snapshot_id=str(snapshot.pk)).expect(202)
    backup = Backup.objects.get()
    assert (backup.snapshot_id, backup.data_timestamp) == (snapshot.pk, snapshot.created_at)
    back_up(as_member, volume, snapshot_id=str(snapshot.pk), incremental=True).expect(400)


def test_an_incremental_backup_is_built_on_the_newest(as_member: ApiClient) -> None:
    volume = make_volume()
    back_up(as_member, volume, incremental=True).expect(400)
    first = back_up(as_member, volume).expect(202).json["backup"]["id"]
    second = back_up(as_member, volume, incremental=True).expect(202).json["backup"]["id"]
    shown = as_member.get(f"{URL}/{second}").json["backup"]
    assert shown["is_incremental"]
    assert as_member.get(f"{URL}/{first}").json["backup"]["has_dependent_backups"]
    as_member.delete(f"{URL}/{first}").expect(400)
    as_member.delete(f"{URL}/{second}").expect(202)
    as_member.delete(f"{URL}/{first}").expect(202)


def test_a_backup_becomes_a_volume_again(as_member: ApiClient) -> None:
    backup = make_backup(size=2)
    url = f"{URL}/{backup.pk}/restore"
    made = as_member.post(url, {"restore": {}}).expect(202).json["restore"]
    volume = Volume.objects.get(pk=made["volume_id"])
    assert (volume.size, volume.name) == (2, f"restore_backup_{backup.pk}")
    as_member.post(url, {"restore": {"volume_id": str(volume.pk)}}).expect(202)
    for refused, status in (
        (make_volume(size=1), 400),
        (make_volume(size=2, status="in-use"), 400),
        (make_volume(size=2, project_id=BETA), 404),
    ):
        as_member.post(url, {"restore": {"volume_id": str(refused.pk)}}).expect(status)
    Backup.objects.update(status="error")
    as_member.post(url, {"restore": {}}).expect(400)


def test_a_volume_says_again_what_it_said(as_member: ApiClient) -> None:
    said = {"metadata": {"a": "b"}, "image_metadata": {"os_type": "linux"}, "bootable": "true"}
    made = back_up(as_member, make_volume(**said)).expect(202).json["backup"]
    url = f"{URL}/{made['id']}/restore"
    other = make_volume(metadata={"c": "d"}, bootable="false")
    orders: tuple[dict[str, str], ...] = ({}, {"volume_id": str(other.pk)})
    for order in orders:
        restored = as_member.post(url, {"restore": order}).expect(202).json["restore"]
        volume = Volume.objects.get(pk=restored["volume_id"])
        assert {column: getattr(volume, column) for column in said} == said


def test_a_volume_is_made_of_a_backup_from_3_47(as_member: ApiClient) -> None:
    backup = make_backup(size=2)
    body = {"volume": {"backup_id": str(backup.pk)}}
    old = {"OpenStack-API-Version": "volume 3.46"}
    as_member.post(f"{V3}/volumes", body, headers=old).expect(400)
    made = as_member.post(f"{V3}/volumes", body, headers=NEWEST).expect(202).json["volume"]
    assert made["size"] == 2
    small = {"volume": {"backup_id": str(backup.pk), "size": 1}}
    as_member.post(f"{V3}/volumes", small, headers=NEWEST).expect(400)
    other = {"volume": {"backup_id": str(make_backup(project_id=BETA).pk)}}
    as_member.post(f"{V3}/volumes", other, headers=NEWEST).expect(404)


def test_backups_are_limited(as_member: ApiClient, as_admin: ApiClient) -> None:
    limits = {"quota_set": {"backups": 2, "backup_gigabytes": 3}}
    as_admin.put(f"{V3}/os-quota-sets/{ALPHA}", limits).expect(200)
    assert Quota.objects.get(resource="backups").limit == 2
    back_up(as_member, make_volume(size=2)).expect(202)
    back_up(as_member, make_volume(size=2)).expect(413)
    back_up(as_member, make_volume(size=1)).expect(202)
    back_up(as_member, make_volume(size=1)).expect(413)
    absolute = as_member.get(f"{V3}/limits").expect(200).json["limits"]["absolute"]
    assert (absolute["totalBackupsUsed"], absolute["totalBackupGigabytesUsed"]) == (2, 3)
    assert (absolute["maxTotalBackups"], absolute["maxTotalBackupGigabytes"]) == (2, 3)


def test_backups_are_listed(as_member: ApiClient, as_admin: ApiClient) -> None:
    own, failed = make_backup(), make_backup(name="failed", status="error")
    make_backup(project_id=BETA)

    def names(client: ApiClient, query: str) -> list[str]:
        listed = client.get(f"{URL}/detail?{query}", headers=NEWEST).expect(200)
        return [row["name"] for row in listed.json["backups"]]

    assert names(as_member, "sort_key=name&sort_dir=asc") == ["failed", "kept"]
    assert names(as_member, f"volume_id={own.volume_id}") == ["kept"]
    assert names(as_member, "status=error") == [failed.name]
    assert len(names(as_admin, "all_tenants=1")) == 3
    as_member.get(f"{URL}?colour=red", headers=NEWEST).expect(400)
    old = {"OpenStack-API-Version": "volume 3.36"}
    as_member.get(f"{URL}?sort_key=name", headers=old).expect(400)


def test_admins_reset_and_delete_backups(as_member: ApiClient, as_admin: ApiClient) -> None:
    backup = make_backup(status="creating")
    url = f"{URL}/{backup.pk}"
    as_member.delete(url).expect(400)
    reset = {"os-reset_status": {"status": "available"}}
    as_member.post(f"{url}/action", reset).expect(403)
    as_admin.post(f"{url}/action", {"os-reset_status": {"status": "lost"}}).expect(400)
    as_admin.post(f"{url}/action", reset).expect(202)
    backup.refresh_from_db()
    assert backup.status == "available"
    Backup.objects.update(status="restoring")
    as_admin.post(f"{url}/action", {"os-force_delete": {}}).expect(202)
    assert not Backup.objects.exists()


def record_of(admin: ApiClient, backup_id: object, **changed: Any) -> dict[str, Any]:
    """What is exported of the backup, as a client changes it."""
    exported = admin.get(f"{URL}/{backup_id}/export_record").expect(200).json["backup-record"]
    told = json.loads(base64.b64decode(exported["backup_url"])) | changed
    packed = base64.b64encode(json.dumps(told).encode()).decode()
    return {"backup-record": {**exported, "backup_url": packed}}


def bring_back(admin: ApiClient, record: Mapping[str, Any]) -> Answer:
    return admin.post(f"{URL}/import_record", record)


def test_a_lost_backup_is_known_again_by_its_record(as_admin: ApiClient) -> None:
    said = {"metadata": {"a": "b"}, "image_metadata": {"os_type": "x" * 5000}, "bootable": ""}
    lost = make_backup(
        project_id=BETA, size=2, description="of monday", metadata={"c": "d"}, of_volume=said
    )
    kept = {key: getattr(lost, key) for key in ("name", "description", "size", "metadata")}
    kept |= {key: getattr(lost, key) for key in ("of_volume", "volume_id", "data_timestamp")}
    record = record_of(as_admin, lost.pk)
    assert "already" in bring_back(as_admin, record).expect(400).message
    lost.delete()
    made = bring_back(as_admin, record).expect(201).json["backup"]
    assert made.keys() == {"id", "name", "links"}
    backup = Backup.objects.get()
    assert (made["id"], backup.status) == (str(backup.pk), "available")
    assert {key: getattr(backup, key) for key in kept} == kept
    assert backup.project_id == ALPHA, "it is whose who brings it back"
    later = make_backup(parent=backup)
    built_on = record_of(as_admin, later.pk)
    later.delete()
    backup.delete()
    assert "import that first" in bring_back(as_admin, built_on).expect(400).message


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": "x"},
        {"id": None},
        {"size": 0},
        {"size": "2"},
        {"colour": "red"},
        {"created_at": "0001-01-01T00:00:00+14:00"},
        {"metadata": {"a": 1}},
        {"service_metadata": "backup-../../etc/passwd"},
        {"service_metadata": f"backup-{UNKNOWN_ID}"},
        {"driver_info": {"status": "in-use"}},
        {"driver_info": {"image_metadata": {"a": ["b"]}}},
    ],
)
def test_a_wrong_record_brings_nothing_back(as_admin: ApiClient, wrong: dict[str, Any]) -> None:
    lost = make_backup()
    record = record_of(as_admin, lost.pk, **wrong)
    lost.delete()
    bring_back(as_admin, record).expect(400)
    assert not Backup.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"backup_url": "no base64"}, {"backup_url": "W10="}, {"backup_service": "elsewhere"}]
)
def test_what_is_no_record_is_refused(as_admin: ApiClient, wrong: dict[str, str]) -> None:
    lost = make_backup()
    record = record_of(as_admin, lost.pk)["backup-record"]
    lost.delete()
    bring_back(as_admin, {"backup-record": record | wrong}).expect(400)
    bring_back(as_admin, {"backup-record": {"backup_url": "W10="}}).expect(400)


def test_records_are_for_admins_and_count(as_admin: ApiClient, as_member: ApiClient) -> None:
    backup = make_backup()
    as_member.get(f"{URL}/{backup.pk}/export_record").expect(403)
    as_admin.get(f"{URL}/{UNKNOWN_ID}/export_record").expect(404)
    record = record_of(as_admin, backup.pk)
    Backup.objects.update(status="restoring")
    as_admin.get(f"{URL}/{backup.pk}/export_record").expect(400)
    backup.delete()
    bring_back(as_member, record).expect(403)
    Quota.objects.create(project_id=ALPHA, resource="backups", limit=0)
    bring_back(as_admin, record).expect(413)
    assert not Backup.objects.exists()
