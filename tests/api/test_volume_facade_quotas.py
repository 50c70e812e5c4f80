"""Quotas of the volume API, and what volumes and snapshots show in which answer."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.volume.models import Quota, Snapshot, Volume, VolumeType
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient

V3 = "//volume/v3"
TENANT = "os-vol-tenant-attr:tenant_id"
PROGRESS = "os-extended-snapshot-attributes:progress"


def test_a_project_has_the_limits_of_cinder(as_member: ApiClient) -> None:
    for path in (ALPHA, f"{ALPHA}/defaults"):
        quota = as_member.get(f"{V3}/os-quota-sets/{path}").expect(200).json["quota_set"]
        assert quota.pop("id") == ALPHA
        limited = {name: limit for name, limit in quota.items() if limit > 0}
        assert limited == {
            **dict.fromkeys(("volumes", "snapshots", "backups", "groups"), 10),
            **dict.fromkeys(("gigabytes", "backup_gigabytes"), 1000),
        }
        assert quota["per_volume_gigabytes"] == -1


def test_usage_counts_volumes_and_snapshots(as_member: ApiClient, cast: Cast) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=3)
    Snapshot.objects.create(project=cast.alpha, volume=volume, size=2)
    Volume.objects.create(project=cast.beta, size=30)
    path = f"{V3}/os-quota-sets/{ALPHA}?usage=True"
    quota = as_member.get(path).expect(200).json["quota_set"]
    assert quota["gigabytes"] == {"limit": 1000, "in_use": 5, "reserved": 0}
    assert (quota["volumes"]["in_use"], quota["snapshots"]["in_use"]) == (1, 1)


def test_the_quota_of_another_project_is_for_admins(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    as_member.get(f"{V3}/os-quota-sets/{BETA}").expect(403)
    as_admin.get(f"{V3}/os-quota-sets/{BETA}").expect(200)


def test_an_admin_sets_limits_and_takes_them_back(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    path = f"{V3}/os-quota-sets/{ALPHA}"
    answer = as_admin.put(path, {"quota_set": {"volumes": 5}}).expect(200)
    assert (answer.json["quota_set"]["volumes"], answer.json["quota_set"]["snapshots"]) == (5, 10)
    as_admin.put(path, {"quota_set": {"snapshots": 7}}).expect(200)
    shown = as_member.get(path).expect(200).json["quota_set"]
    assert (shown["volumes"], shown["snapshots"]) == (5, 7)
    as_admin.delete(path).expect(200)
    assert as_member.get(path).expect(200).json["quota_set"]["volumes"] == 10
    as_member.put(path, {"quota_set": {"volumes": -1}}).expect(403)
    for wrong in ({}, {"volumes": None, "backups": 7}):
        as_admin.put(path, {"quota_set": wrong}).expect(400)
    as_member.delete(path).expect(403)


def test_a_limit_of_a_projects_own_stays_above_what_is_used(
    as_admin: ApiClient, cast: Cast
) -> None:
    kind = VolumeType.objects.create(name="fast")
    Volume.objects.create(project=cast.alpha, size=3, volume_type=kind)
    path = f"{V3}/os-quota-sets/{ALPHA}"
    low = {"gigabytes": 2, "volumes_fast": 0}
    as_admin.put(path, {"quota_set": low}).expect(200)  # Cinder: the first ones may be
    for name in low:
        refused = as_admin.put(path, {"quota_set": {"volumes": 9, name: 0}}).expect(400)
        assert name in refused.message
    rows = Quota.objects.filter(project=cast.alpha)
    assert dict(rows.values_list("resource", "limit")) == low
    enough = {"gigabytes": 3, "volumes_fast": -1, "per_volume_gigabytes": 1}
    for _ in range(2):
        as_admin.put(path, {"quota_set": enough}).expect(200)
    assert dict(rows.values_list("resource", "limit")) == enough


def test_a_new_volume_shows_less_of_itself(as_member: ApiClient) -> None:
    created = as_member.post(f"{V3}/volumes", {"volume": {"size": 1}}).expect(202).json["volume"]
    path = f"{V3}/volumes/{created['id']}"
    changed = as_member.put(path, {"volume": {"name": "x"}}).expect(200).json["volume"]
    assert TENANT not in created
    assert TENANT not in changed
    assert as_member.get(path).json["volume"][TENANT] == ALPHA


def test_a_snapshot_shows_its_project_in_details_only(as_member: ApiClient, cast: Cast) -> None:
    volume = Volume.objects.create(project=cast.alpha, size=1)
    body = {"snapshot": {"volume_id": str(volume.pk)}}
    created = as_member.post(f"{V3}/snapshots", body).expect(202).json["snapshot"]
    listed = as_member.get(f"{V3}/snapshots").json["snapshots"][0]
    detailed = as_member.get(f"{V3}/snapshots/detail").json["snapshots"][0]
    shown = as_member.get(f"{V3}/snapshots/{created['id']}").json["snapshot"]
    assert [PROGRESS in one for one in (created, listed, detailed, shown)] == [0, 0, 1, 1]


def test_a_type_of_volumes_has_limits_of_its_own(as_member: ApiClient, as_admin: ApiClient) -> None:
    fast = VolumeType.objects.create(name="fast")
    VolumeType.objects.create(name="hidden", is_public=False)
    url = f"{V3}/os-quota-sets/{ALPHA}"
    limits = {"volumes_fast": 1, "gigabytes_fast": 3, "snapshots_fast": 0}
    shown = as_admin.put(url, {"quota_set": limits}).expect(200).json["quota_set"]
    assert limits.items() <= shown.items()
    assert shown["volumes_hidden"] == -1
    seen = as_member.get(f"{url}?usage=true").expect(200).json["quota_set"]
    assert seen["volumes_fast"] == {"limit": 1, "in_use": 0, "reserved": 0}
    assert "volumes_hidden" not in seen
    order: dict[str, Any] = {"volume": {"size": 4, "volume_type": "fast"}}
    as_member.post(f"{V3}/volumes", order).expect(413)
    order["volume"]["size"] = 2
    made = as_member.post(f"{V3}/volumes", order).expect(202).json["volume"]
    as_member.post(f"{V3}/volumes", order).expect(413)
    as_member.post(f"{V3}/snapshots", {"snapshot": {"volume_id": made["id"]}}).expect(413)
    action = f"{V3}/volumes/{made['id']}/action"
    as_member.post(action, {"os-extend": {"new_size": 4}}).expect(413)
    plain = as_member.post(f"{V3}/volumes", {"volume": {"size": 1}}).expect(202).json["volume"]
    retype = {"os-retype": {"new_type": "fast"}}
    as_member.post(f"{V3}/volumes/{plain['id']}/action", retype).expect(413)
    seen = as_member.get(f"{url}?usage=true").expect(200).json["quota_set"]
    assert (seen["volumes_fast"]["in_use"], seen["gigabytes_fast"]["in_use"]) == (1, 2)
    renamed = {"volume_type": {"name": "swift"}}
    as_admin.put(f"{V3}/types/{fast.pk}", renamed).expect(200)
    assert as_member.get(url).json["quota_set"]["volumes_swift"] == 1
    Volume.objects.all().delete()
    as_admin.delete(f"{V3}/types/{fast.pk}").expect(202)
    assert not Quota.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"volumes_slow": 1}, {"volumes_fast": -2}, {"volumes_fast": "many"}, {"cats": 1}]
)
def test_a_wrong_limit_of_a_type_is_refused(as_admin: ApiClient, wrong: dict[str, Any]) -> None:
    VolumeType.objects.create(name="fast")
    as_admin.put(f"{V3}/os-quota-sets/{ALPHA}", {"quota_set": wrong}).expect(400)
    body = {"quota_class_set": wrong}
    as_admin.put(f"{V3}/os-quota-class-sets/default", body).expect(400)
    assert not Quota.objects.exists()


def test_the_default_class_holds_for_all(as_member: ApiClient, as_admin: ApiClient) -> None:
    url = f"{V3}/os-quota-class-sets"
    body = {"quota_class_set": {"volumes": 1}}
    as_member.put(f"{url}/default", body).expect(403)
    changed = as_admin.put(f"{url}/default", body).expect(200).json["quota_class_set"]
    assert (changed["volumes"], changed["snapshots"]) == (1, 10)
    other = {"quota_class_set": {"snapshots": 3}}
    as_admin.put(f"{url}/gold", other).expect(200)
    shown = as_admin.get(f"{url}/gold").expect(200).json["quota_class_set"]
    assert (shown["id"], shown["volumes"], shown["snapshots"]) == ("gold", 1, 3)
    own = as_member.get(f"{V3}/os-quota-sets/{ALPHA}").expect(200).json["quota_set"]
    assert (own["volumes"], own["snapshots"]) == (1, 10)
    as_member.post(f"{V3}/volumes", {"volume": {"size": 1}}).expect(202)
    as_member.post(f"{V3}/volumes", {"volume": {"size": 1}}).expect(413)
    limits = {"quota_set": {"volumes": 2}}
    as_admin.put(f"{V3}/os-quota-sets/{ALPHA}", limits).expect(200)
    as_member.post(f"{V3}/volumes", {"volume": {"size": 1}}).expect(202)
    as_admin.put(f"{url}/{'x' * 256}", body).expect(400)


def test_a_project_is_named_by_its_name_too(as_admin: ApiClient, cast: Cast) -> None:
    url = f"{V3}/os-quota-sets/{cast.alpha.name}"
    as_admin.put(url, {"quota_set": {"volumes": 4}}).expect(200)
    assert Quota.objects.get().project_id == ALPHA
    assert as_admin.get(url).expect(200).json["quota_set"]["volumes"] == 4
    as_admin.delete(url).expect(200)
    assert not Quota.objects.exists()
