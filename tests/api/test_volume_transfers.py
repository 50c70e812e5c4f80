"""Volumes that are given to another project, the types that projects have by default, and what the
volume API tells of itself.
"""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.volume.models import Quota, Snapshot, Transfer, Volume, VolumeType
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
NEWEST = {"OpenStack-API-Version": "volume latest"}


@pytest.fixture
def as_outsider(cast: Cast) -> ApiClient:
    return ApiClient(cast.outsider)


def offer(client: ApiClient, volume: Volume, **more: Any) -> Answer:
    body = {"transfer": {"volume_id": str(volume.pk), "name": " gift ", **more}}
    return client.post(f"{V3}/volume-transfers", body, headers=NEWEST)


def accept(client: ApiClient, transfer_id: str, key: Any) -> Answer:
    body = {"accept": {"auth_key": key}}
    return client.post(f"{V3}/volume-transfers/{transfer_id}/accept", body, headers=NEWEST)


def test_a_volume_changes_hands_with_its_snapshots(
    as_member: ApiClient, as_outsider: ApiClient
) -> None:
    volume = make_volume(size=2)
    snapshot = Snapshot.objects.create(volume=volume, project_id=ALPHA, size=2)
    made = offer(as_member, volume).expect(202).json["transfer"]
    assert (made["name"], made["volume_id"], len(made["auth_key"])) == ("gift", str(volume.pk), 16)
    assert (made["source_project_id"], made["accepted"]) == (ALPHA, False)
    volume.refresh_from_db()
    assert volume.status == "awaiting-transfer"
    url = f"{V3}/volume-transfers/{made['id']}"
    as_outsider.get(url).expect(404)
    assert "auth_key" not in as_member.get(url).expect(200).json["transfer"]
    accept(as_outsider, made["id"], "wrong").expect(400)
    accept(as_outsider, UNKNOWN_ID, made["auth_key"]).expect(404)
    accept(as_outsider, "x", made["auth_key"]).expect(404)
    taken = accept(as_outsider, made["id"], made["auth_key"]).expect(202).json["transfer"]
    assert taken["volume_id"] == str(volume.pk)
    volume.refresh_from_db()
    snapshot.refresh_from_db()
    assert (volume.project_id, volume.status) == (BETA, "available")
    assert snapshot.project_id == BETA
    accept(as_outsider, made["id"], made["auth_key"]).expect(404)
    as_member.get(f"{V3}/volumes/{volume.pk}").expect(404)


def test_snapshots_may_stay(as_member: ApiClient, as_outsider: ApiClient) -> None:
    volume = make_volume()
    snapshot = Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1, status="creating")
    offer(as_member, volume).expect(400)
    made = offer(as_member, volume, no_snapshots=True).expect(202).json["transfer"]
    accept(as_outsider, made["id"], made["auth_key"]).expect(202)
    snapshot.refresh_from_db()
    assert snapshot.project_id == ALPHA


def test_only_free_volumes_of_ones_own_are_offered(as_member: ApiClient) -> None:
    offer(as_member, make_volume(status="in-use")).expect(400)
    offer(as_member, make_volume(project_id=BETA)).expect(404)
    old = {"OpenStack-API-Version": "volume 3.54"}
    body = {"transfer": {"volume_id": str(make_volume().pk), "no_snapshots": True}}
    refused = as_member.post(f"{V3}/volume-transfers", body, headers=old).expect(400)
    assert "no_snapshots needs microversion 3.55" in refused.message


def test_an_offer_is_taken_back(as_member: ApiClient, as_outsider: ApiClient) -> None:
    volume = make_volume()
    made = offer(as_member, volume).expect(202).json["transfer"]
    as_outsider.delete(f"{V3}/os-volume-transfer/{made['id']}").expect(404)
    as_member.delete(f"{V3}/os-volume-transfer/{made['id']}").expect(202)
    volume.refresh_from_db()
    assert volume.status == "available"
    assert not Transfer.objects.exists()


def test_who_takes_a_volume_has_room_for_it(as_member: ApiClient, as_outsider: ApiClient) -> None:
    Quota.objects.create(project_id=BETA, resource="gigabytes", limit=1)
    volume = make_volume(size=2)
    made = offer(as_member, volume).expect(202).json["transfer"]
    accept(as_outsider, made["id"], made["auth_key"]).expect(413)
    volume.refresh_from_db()
    assert (volume.project_id, volume.status) == (ALPHA, "awaiting-transfer")


def test_offers_are_listed(as_member: ApiClient, as_admin: ApiClient) -> None:
    offer(as_member, make_volume()).expect(202)
    Transfer.objects.create(volume=make_volume(project_id=BETA), name="other")

    def names(client: ApiClient, query: str) -> list[str]:
        listed = client.get(f"{V3}/volume-transfers?{query}", headers=NEWEST).expect(200)
        return [row["name"] for row in listed.json["transfers"]]

    assert names(as_member, "") == ["gift"]
    assert names(as_admin, "all_tenants=1&sort_key=display_name&sort_dir=desc") == ["other", "gift"]
    assert names(as_admin, "all_tenants=1&name=other") == ["other"]
    [old] = as_member.get(f"{V3}/os-volume-transfer/detail").expect(200).json["transfers"]
    assert old.keys() == {"id", "volume_id", "name", "links", "created_at"}


def test_a_project_has_a_default_type(as_member: ApiClient, as_admin: ApiClient) -> None:
    fast, slow = (VolumeType.objects.create(name=name) for name in ("fast", "slow"))
    url = f"{V3}/default-types/{ALPHA}"
    body = {"default_type": {"volume_type": "slow"}}
    as_member.put(url, body, headers=NEWEST).expect(403)
    as_admin.get(url, headers=NEWEST).expect(404)
    as_admin.put(url, {"default_type": {"volume_type": "x"}}, headers=NEWEST).expect(400)
    as_admin.put(f"{V3}/default-types/nothing", body, headers=NEWEST).expect(404)
    chosen = {"project_id": ALPHA, "volume_type_id": str(slow.pk)}
    for word in ("fast", str(slow.pk)):
        sent = {"default_type": {"volume_type": word}}
        answer = as_admin.put(url, sent, headers=NEWEST).expect(200)
    assert answer.json == {"default_type": chosen}
    listed = as_admin.get(f"{V3}/default-types", headers=NEWEST).expect(200).json
    assert listed == {"default_types": [chosen]}
    assert as_admin.get(url, headers=NEWEST).json == {"default_type": chosen}

    def create(**asked: Any) -> str:
        volume = {"volume": {"size": 1, **asked}}
        return str(as_member.post(f"{V3}/volumes", volume).json["volume"]["volume_type"])

    source = str(make_volume(volume_type=fast).pk)
    assert (create(), create(volume_type="fast")) == ("slow", "fast")
    assert create(source_volid=source) == "fast"
    shown = as_member.get(f"{V3}/types/default").expect(200).json["volume_type"]
    assert shown["name"] == "slow"
    as_admin.delete(url, headers=NEWEST).expect(204)
    assert create() == "None"
    as_member.get(f"{V3}/types/default").expect(404)


def test_filters_are_told(as_member: ApiClient) -> None:
    def told(version: str, query: str = "") -> dict[str, list[str]]:
        header = {"OpenStack-API-Version": f"volume {version}"}
        listed = as_member.get(f"{V3}/resource_filters{query}", headers=header).expect(200).json
        return {row["resource"]: row["filters"] for row in listed["resource_filters"]}

    assert {"volume", "snapshot", "attachment", "volume_type", "backup"} < told("3.33").keys()
    assert list(told("3.33", "?resource=snapshot")) == ["snapshot"]
    assert "name~" not in told("3.33")["volume"]
    assert {"name~", "created_at"} <= set(told("3.60")["volume"])


def test_types_are_found_by_what_one_sees_of_them(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    VolumeType.objects.create(name="shared", extra_specs={"multiattach": "<is> True", "rack": "2"})
    VolumeType.objects.create(name="plain")

    def names(client: ApiClient, specs: str) -> list[str]:
        listed = client.get(f"{V3}/types?extra_specs={specs}", headers=NEWEST).expect(200).json
        return [kind["name"] for kind in listed["volume_types"]]

    assert names(as_member, "{'multiattach':'<is> True'}") == ["shared"]
    assert names(as_member, "{'rack':'2'}") == []
    assert names(as_admin, "{'rack':'2'}") == ["shared"]


def test_hosts_and_what_they_can_do(as_admin: ApiClient, as_member: ApiClient) -> None:
    volume = make_volume(size=3)
    Snapshot.objects.create(volume=volume, project_id=ALPHA, size=3)
    as_member.get(f"{V3}/os-hosts").expect(403)
    hosts = as_admin.get(f"{V3}/os-hosts?service=cinder-volume").expect(200).json["hosts"]
    [host] = [entry["host_name"] for entry in hosts]
    total, own = as_admin.get(f"{V3}/os-hosts/{host}").expect(200).json["host"]
    assert total["resource"]["total_volume_gb"] == "3"
    assert (own["resource"]["project"], own["resource"]["snapshot_count"]) == (ALPHA, "1")
    as_admin.get(f"{V3}/os-hosts/other").expect(404)
    able = as_admin.get(f"{V3}/capabilities/{host}").expect(200).json
    assert able["namespace"] == f"OS::Storage::Capabilities::{host}"
    as_admin.get(f"{V3}/capabilities/other").expect(404)
    as_member.get(f"{V3}/capabilities/{host}").expect(403)


@pytest.mark.parametrize(
    ("action", "asked", "status"),
    [
        ("enable", {}, 200),
        ("disable", {}, 400),
        ("disable", {"host": "other"}, 404),
        ("disable", {"binary": "other"}, 404),
        ("disable-log-reason", {"disabled_reason": None}, 400),
        ("set-log", {}, 400),
        ("paint", {}, 404),
    ],
)
def test_processes_stay_enabled(
    as_admin: ApiClient, action: str, asked: dict[str, Any], status: int
) -> None:
    body = {"host": "local@database", "binary": "cinder-volume"} | asked
    as_admin.put(f"{V3}/os-services/{action}", body).expect(status)


@pytest.mark.parametrize("action", ["freeze", "thaw"])
def test_a_store_that_is_not_there_is_named(as_admin: ApiClient, action: str) -> None:
    url = f"{V3}/os-services/{action}"
    for body in ({}, {"host": "local@database", "cluster": "c"}, {"host": "x", "colour": "red"}):
        as_admin.put(url, body).expect(400)
    [error] = as_admin.put(url, {"host": "elsewhere"}).expect(400).errors
    assert error["field"] == "host"
    refused = as_admin.put(url, {"host": "local@database"}).expect(400)
    assert f"knows no {action}" in refused.message


def test_services_tell_more_in_later_versions(as_admin: ApiClient) -> None:
    def keys(version: str) -> set[str]:
        header = {"OpenStack-API-Version": f"volume {version}"}
        listed = as_admin.get(f"{V3}/os-services?binary=cinder-volume", headers=header).json
        return set(listed["services"][0])

    assert keys("3.7") - keys("3.6") == {"cluster"}
    assert keys("3.49") - keys("3.48") == {"backend_state"}


def test_pools_are_found_by_name_and_type(as_admin: ApiClient) -> None:
    VolumeType.objects.create(name="fast")

    def count(query: str, status: int = 200) -> int:
        url = f"{V3}/scheduler-stats/get_pools?{query}"
        found = as_admin.get(url, headers=NEWEST).expect(status).json
        return len(found.get("pools", ()))

    assert (count("name=other"), count("volume_type=fast")) == (0, 1)
    count("volume_type=other", 404)


def test_the_default_quotas_are_shown_as_a_class(
    as_admin: ApiClient, as_member: ApiClient, settings: Any
) -> None:
    shown = as_admin.get(f"{V3}/os-quota-class-sets/default").expect(200).json["quota_class_set"]
    assert (shown["id"], shown["volumes"]) == ("default", settings.OPTIONS.quota_volumes)
    as_member.get(f"{V3}/os-quota-class-sets/default").expect(403)


def test_metadata_that_somebody_else_has_changed(as_member: ApiClient) -> None:
    url = f"{V3}/volumes/{make_volume(metadata={'a': '1'}).pk}/metadata"
    old = {"OpenStack-API-Version": "volume 3.14"}
    assert "Etag" not in as_member.get(url, headers=old).expect(200).headers
    tag = as_member.get(url, headers=NEWEST).expect(200).headers["Etag"]
    match = NEWEST | {"If-Match": f'"{tag}"'}
    as_member.put(url, {"metadata": {"a": "2"}}, headers=match).expect(200)
    as_member.put(url, {"metadata": {"a": "3"}}, headers=match).expect(412)
    as_member.put(f"{url}/a", {"meta": {"a": "3"}}, headers=match).expect(412)
    as_member.put(url, {"metadata": {"a": "4"}}, headers=old | {"If-Match": tag}).expect(200)
    as_member.put(url, {"metadata": {}}, headers=NEWEST | {"If-Match": "*"}).expect(200)
