"""Groups of volumes, their types, and snapshots of whole groups."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from compute_site.neighbours.volume.group_models import GroupSnapshot, GroupType, VolumeGroup
from compute_site.neighbours.volume.models import Snapshot, Volume, VolumeType
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
NEWEST = {"OpenStack-API-Version": "volume latest"}


@pytest.fixture
def fast(cast: Cast) -> VolumeType:
    GroupType.objects.create(name="loose")
    return VolumeType.objects.create(name="fast")


def post(client: ApiClient, path: str, **body: Any) -> Answer:
    return client.post(f"{V3}/{path}", body, headers=NEWEST)


def make_group(client: ApiClient, **more: Any) -> VolumeGroup:
    order = {"name": "mail", "group_type": "loose", "volume_types": ["fast"], **more}
    made = post(client, "groups", group=order).expect(202).json["group"]
    return VolumeGroup.objects.get(pk=made["id"])


def in_group(client: ApiClient, group: VolumeGroup, status: int = 202, **more: Any) -> Any:
    order = {"size": 1, "volume_type": "fast", "group_id": str(group.pk), **more}
    return post(client, "volumes", volume=order).expect(status).json.get("volume")


def change(client: ApiClient, group: VolumeGroup, **changes: Any) -> Answer:
    return client.put(f"{V3}/groups/{group.pk}", {"group": changes}, headers=NEWEST)


def act(client: ApiClient, group: VolumeGroup, **body: Any) -> Answer:
    return post(client, f"groups/{group.pk}/action", **body)


def test_group_types_are_for_admins(as_admin: ApiClient, as_member: ApiClient) -> None:
    order = {"name": "loose", "description": "d", "group_specs": {"a": "b"}}
    post(as_member, "group_types", group_type=order).expect(403)
    made = post(as_admin, "group_types", group_type=order).expect(202).json["group_type"]
    assert (made["is_public"], made["group_specs"]) == (True, {"a": "b"})
    post(as_admin, "group_types", group_type=order).expect(409)
    url = f"{V3}/group_types/{made['id']}"
    as_member.get(url).expect(404)
    assert "group_specs" not in as_member.get(url, headers=NEWEST).expect(200).json["group_type"]
    hide = {"group_type": {"is_public": False}}
    as_admin.put(url, hide, headers=NEWEST).expect(200)
    as_member.get(url, headers=NEWEST).expect(404)
    as_admin.put(url, {"group_type": {}}, headers=NEWEST).expect(400)

    def names(query: str) -> list[str]:
        listed = as_admin.get(f"{V3}/group_types?{query}", headers=NEWEST).expect(200)
        return [kind["name"] for kind in listed.json["group_types"]]

    assert (names(""), names("is_public=None"), names("is_public=false")) == (
        *([], ["loose"], ["loose"]),
    )
    as_admin.delete(url, headers=NEWEST).expect(202)
    assert not GroupType.objects.exists()


def test_group_types_have_specs(as_admin: ApiClient, as_member: ApiClient) -> None:
    kind = GroupType.objects.create(name="loose", group_specs={"a": "b"})
    url = f"{V3}/group_types/{kind.pk}/group_specs"
    as_member.get(url, headers=NEWEST).expect(403)
    given = {"group_specs": {"c": "d", "a": "x"}}
    assert as_admin.post(url, given, headers=NEWEST).expect(202).json == given
    assert as_admin.get(f"{url}/c", headers=NEWEST).expect(200).json == {"c": "d"}
    assert as_admin.put(f"{url}/c", {"c": "e"}, headers=NEWEST).expect(200).json == {"c": "e"}
    bodies: tuple[Any, ...] = ({"a": "b"}, {"c": 5}, {"c": "d", "a": "b"}, [])
    for wrong in bodies:
        refused = as_admin.put(f"{url}/c", wrong, headers=NEWEST).expect(400)
    assert "names and their texts" in refused.message
    as_admin.post(url, {"group_specs": {"a b": "c"}}, headers=NEWEST).expect(400)
    as_admin.delete(f"{url}/c", headers=NEWEST).expect(202)
    as_admin.delete(f"{url}/c", headers=NEWEST).expect(404)
    kind.refresh_from_db()
    assert kind.group_specs == {"a": "x"}


def test_a_group_is_made_and_shown(
    fast: VolumeType, as_member: ApiClient, as_admin: ApiClient
) -> None:
    group = make_group(as_member)
    volume = in_group(as_member, group)
    assert volume["group_id"] == str(group.pk)
    url = f"{V3}/groups/{group.pk}"
    shown = as_member.get(f"{url}?list_volume=true", headers=NEWEST).expect(200).json["group"]
    assert (shown["volumes"], shown["volume_types"]) == ([volume["id"]], [str(fast.pk)])
    assert (shown["status"], shown["replication_status"]) == ("available", "disabled")
    assert "project_id" not in shown
    assert as_admin.get(url, headers=NEWEST).expect(200).json["group"]["project_id"] == ALPHA
    as_member.get(url, headers={"OpenStack-API-Version": "volume 3.12"}).expect(404)
    old = as_member.get(url, headers={"OpenStack-API-Version": "volume 3.13"}).expect(200).json
    assert "source_group_id" not in old["group"]
    listed = as_member.get(f"{V3}/groups/detail?name=mail", headers=NEWEST).expect(200).json
    assert [row["id"] for row in listed["groups"]] == [str(group.pk)]
    found = as_member.get(f"{V3}/volumes?group_id={group.pk}", headers=NEWEST).expect(200).json
    assert [row["id"] for row in found["volumes"]] == [volume["id"]]
    as_member.get(f"{V3}/groups?colour=red", headers=NEWEST).expect(400)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"group_type": "nothing"}, 404),
        ({"volume_types": ["nothing"]}, 404),
        ({"volume_types": []}, 400),
        ({"volume_types": ["fast", "fast"]}, 400),
        ({"volume_types": "fast"}, 400),
        ({"group_type": None}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_a_wrong_order_makes_no_group(
    fast: VolumeType, as_member: ApiClient, wrong: Mapping[str, Any], status: int
) -> None:
    order = {"group_type": "loose", "volume_types": ["fast"], **wrong}
    post(as_member, "groups", group=order).expect(status)
    assert not VolumeGroup.objects.exists()


def test_groups_are_limited(fast: VolumeType, as_member: ApiClient, as_admin: ApiClient) -> None:
    limits = {"quota_set": {"groups": 1}}
    as_admin.put(f"{V3}/os-quota-sets/{ALPHA}", limits).expect(200)
    make_group(as_member)
    order = {"group_type": "loose", "volume_types": ["fast"]}
    post(as_member, "groups", group=order).expect(413)


def test_a_volume_of_another_type_or_project_stays_out(
    fast: VolumeType, as_member: ApiClient
) -> None:
    group = make_group(as_member)
    VolumeType.objects.create(name="slow")
    in_group(as_member, group, 400, volume_type="slow")
    in_group(as_member, group, 400, volume_type=None)
    other = VolumeGroup.objects.create(project_id=BETA, group_type=group.group_type)
    in_group(as_member, other, 404)
    in_group(as_member, group, 404, group_id="x")
    assert not Volume.objects.exists()
    VolumeGroup.objects.filter(pk=group.pk).update(status="error")
    in_group(as_member, group, 400)


def test_volumes_come_and_go(fast: VolumeType, as_member: ApiClient) -> None:
    group = make_group(as_member)
    first, second = (make_volume(volume_type=fast) for _ in range(2))
    both = f"{first.pk},{second.pk}"
    change(as_member, group, add_volumes=both, name="post").expect(202)
    group.refresh_from_db()
    assert (group.name, group.volumes.count()) == ("post", 2)
    as_member.delete(f"{V3}/volumes/{first.pk}").expect(400)
    offer = {"volume_id": str(first.pk)}
    post(as_member, "volume-transfers", transfer=offer).expect(400)
    change(as_member, group, remove_volumes=str(first.pk)).expect(202)
    assert list(group.volumes.all()) == [second]
    for wrong in (
        {"remove_volumes": str(first.pk)},
        {"add_volumes": "x"},
        {"add_volumes": UNKNOWN_ID},
        {"add_volumes": str(make_volume().pk)},
        {"add_volumes": str(make_volume(volume_type=fast, project_id=BETA).pk)},
        {"add_volumes": str(make_volume(volume_type=fast, status="error").pk)},
        {"add_volumes": both, "remove_volumes": str(second.pk)},
        {},
    ):
        change(as_member, group, **wrong).expect(400)


def test_a_group_goes_with_its_volumes(fast: VolumeType, as_member: ApiClient) -> None:
    group = make_group(as_member)
    in_group(as_member, group)
    act(as_member, group, delete={}).expect(400)
    Volume.objects.update(status="in-use")
    act(as_member, group, delete={"delete-volumes": True}).expect(400)
    Volume.objects.update(status="available")
    act(as_member, group, delete={"delete-volumes": True}).expect(202)
    assert not Volume.objects.exists()
    assert not VolumeGroup.objects.exists()


def test_a_group_has_snapshots_and_copies(fast: VolumeType, as_member: ApiClient) -> None:
    group = make_group(as_member)
    volume = in_group(as_member, group)
    order = {"group_id": str(group.pk), "name": "monday"}
    made = post(as_member, "group_snapshots", group_snapshot=order).expect(202)
    taken = made.json["group_snapshot"]
    snapshot = Snapshot.objects.get()
    url = f"{V3}/group_snapshots/{taken['id']}"
    shown = as_member.get(url, headers=NEWEST).expect(200).json["group_snapshot"]
    assert (shown["group_id"], shown["status"]) == (str(group.pk), "available")
    seen = as_member.get(f"{V3}/snapshots/{snapshot.pk}", headers=NEWEST).json["snapshot"]
    assert (seen["volume_id"], seen["group_snapshot_id"]) == (volume["id"], taken["id"])
    as_member.delete(f"{V3}/snapshots/{snapshot.pk}").expect(400)
    act(as_member, group, delete={"delete-volumes": True}).expect(400)
    for source in ({"group_snapshot_id": taken["id"]}, {"source_group_id": str(group.pk)}):
        copied = post(as_member, "groups/action", **{"create-from-src": source}).expect(202)
        copy = VolumeGroup.objects.get(pk=copied.json["group"]["id"])
        assert copy.volumes.get().volume_type == fast
    for wrong, status in (
        ({}, 400),
        ({"group_snapshot_id": taken["id"], "source_group_id": str(group.pk)}, 400),
        ({"source_group_id": UNKNOWN_ID}, 404),
        ({"source_group_id": str(make_group(as_member).pk)}, 400),
    ):
        post(as_member, "groups/action", **{"create-from-src": wrong}).expect(status)
    found = as_member.get(f"{V3}/group_snapshots?name=monday", headers=NEWEST).expect(200)
    assert found.json["group_snapshots"] == [{"id": taken["id"], "name": "monday"}]
    as_member.delete(url, headers=NEWEST).expect(202)
    assert not GroupSnapshot.objects.exists()
    assert not Snapshot.objects.exists()


def test_admins_reset_groups(fast: VolumeType, as_member: ApiClient, as_admin: ApiClient) -> None:
    group = make_group(as_member)
    act(as_member, group, reset_status={"status": "error"}).expect(403)
    act(as_admin, group, reset_status={"status": "lost"}).expect(400)
    old = {"OpenStack-API-Version": "volume 3.19"}
    body = {"reset_status": {"status": "error"}}
    as_admin.post(f"{V3}/groups/{group.pk}/action", body, headers=old).expect(404)
    act(as_admin, group, **body).expect(202)
    group.refresh_from_db()
    assert group.status == "error"
    taken = GroupSnapshot.objects.create(project_id=ALPHA, group=group)
    post(as_admin, f"group_snapshots/{taken.pk}/action", **body).expect(202)
    taken.refresh_from_db()
    assert taken.status == "error"


def test_what_belongs_to_another_project_is_hidden(fast: VolumeType, as_member: ApiClient) -> None:
    kind = GroupType.objects.get()
    group = VolumeGroup.objects.create(project_id=BETA, group_type=kind)
    taken = GroupSnapshot.objects.create(project_id=BETA, group=group)
    as_member.get(f"{V3}/groups/{group.pk}", headers=NEWEST).expect(404)
    as_member.get(f"{V3}/group_snapshots/{taken.pk}", headers=NEWEST).expect(404)
    order = {"group_id": str(group.pk)}
    post(as_member, "group_snapshots", group_snapshot=order).expect(404)
