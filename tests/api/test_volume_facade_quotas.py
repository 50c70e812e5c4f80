"""Quotas of the volume API, and what volumes and snapshots show in which answer."""

from __future__ import annotations

from compute_site.neighbours.volume.models import Snapshot, Volume
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
    as_member.delete(path).expect(403)


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
