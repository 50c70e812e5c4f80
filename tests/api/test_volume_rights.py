"""Who may do what with volumes, in the volume API and where compute acts for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from guardian.shortcuts import remove_perm

from compute_site.identity.models import Role
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image, make_instance, make_volume
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs

V3 = "//volume/v3"


@pytest.fixture
def volume(cast: Cast) -> Volume:
    return make_volume()


@pytest.fixture
def snapshot(volume: Volume) -> Snapshot:
    return Snapshot.objects.create(volume=volume, size=1, project_id=volume.project_id)


def take_from_members(cast: Cast, rule: str) -> None:
    remove_perm(rule, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)


ASKED: tuple[tuple[str, str, str, Any], ...] = (
    (policies.CREATE, "POST", "volumes", {"volume": {"size": 1}}),
    (policies.CREATE_FROM_IMAGE, "POST", "volumes", {"volume": {"size": 1, "imageRef": "{image}"}}),
    (policies.MULTIATTACH, "POST", "volumes", {"volume": {"size": 1, "multiattach": True}}),
    (policies.LIST, "GET", "volumes", None),
    (policies.LIST, "GET", "volumes/detail", None),
    (policies.SHOW, "GET", "volumes/{volume}", None),
    (policies.UPDATE, "PUT", "volumes/{volume}", {"volume": {"name": "n"}}),
    (policies.DELETE, "DELETE", "volumes/{volume}", None),
    (policies.EXTEND, "POST", "volumes/{volume}/action", {"os-extend": {"new_size": 9}}),
    (policies.UPDATE, "POST", "volumes/{volume}/action", {"os-set_bootable": {"bootable": False}}),
    (policies.CREATE_SNAPSHOT, "POST", "snapshots", {"snapshot": {"volume_id": "{volume}"}}),
    (policies.LIST_SNAPSHOTS, "GET", "snapshots", None),
    (policies.LIST_SNAPSHOTS, "GET", "snapshots/detail", None),
    (policies.SHOW_SNAPSHOT, "GET", "snapshots/{snapshot}", None),
    (policies.UPDATE_SNAPSHOT, "PUT", "snapshots/{snapshot}", {"snapshot": {"name": "n"}}),
    (policies.DELETE_SNAPSHOT, "DELETE", "snapshots/{snapshot}", None),
    (policies.LIST_TYPES, "GET", "types", None),
    (policies.SHOW_TYPE, "GET", "types/{type}", None),
    (policies.SHOW_QUOTA, "GET", "os-quota-sets/{project}", None),
    (policies.SHOW_QUOTA, "GET", "os-quota-sets/{project}/defaults", None),
    (policies.SHOW_USED_LIMITS, "GET", "limits", None),
)


def filled(value: Any, words: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: filled(content, words) for key, content in value.items()}
    return value.format(**words) if isinstance(value, str) else value


@pytest.mark.parametrize(("rule", "method", "path", "body"), ASKED)
def test_a_rule_that_was_taken_from_a_role_is_asked(
    as_member: ApiClient,
    cast: Cast,
    snapshot: Snapshot,
    *,
    rule: str,
    method: str,
    path: str,
    body: Any,
) -> None:
    words = {
        "volume": str(snapshot.volume_id),
        "snapshot": str(snapshot.pk),
        "image": str(make_image().pk),
        "type": str(VolumeType.objects.create(name="fast").pk),
        "project": cast.alpha.pk,
    }
    url, content = f"{V3}/{path.format(**words)}", filled(body, words)
    before = list(Volume.objects.values()), list(Snapshot.objects.values())
    take_from_members(cast, rule)
    refused = as_member.send(method, url, content).expect(403)
    assert rule in refused.message
    assert (list(Volume.objects.values()), list(Snapshot.objects.values())) == before


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        (policies.SHOW_PROJECT, "os-vol-tenant-attr:tenant_id"),
        (policies.SHOW_IMAGE, "volume_image_metadata"),
    ],
)
def test_a_key_is_shown_to_those_who_hold_its_rule(
    as_member: ApiClient, cast: Cast, volume: Volume, rule: str, key: str
) -> None:
    Volume.objects.filter(pk=volume.pk).update(image_metadata={"image_name": "cirros"})
    path = f"{V3}/volumes/{volume.pk}"
    assert key in as_member.get(path).expect(200).json["volume"]
    take_from_members(cast, rule)
    assert key not in as_member.get(path).expect(200).json["volume"]
    [listed] = as_member.get(f"{V3}/volumes/detail").expect(200).json["volumes"]
    assert key not in listed


def test_quotas_of_another_project_are_hidden(as_member: ApiClient, cast: Cast) -> None:
    for owner in (cast.beta.pk, "nobody"):
        as_member.get(f"{V3}/os-quota-sets/{owner}").expect(403)
        as_member.put(f"{V3}/os-quota-sets/{owner}", {"quota_set": {}}).expect(403)
        as_member.delete(f"{V3}/os-quota-sets/{owner}").expect(403)


def test_compute_asks_before_it_reserves_a_volume(
    as_member: ApiClient, cast: Cast, volume: Volume
) -> None:
    host = make_host().service.host
    server = make_instance(host=host, node=host, launched_at=timezone.now())
    take_from_members(cast, policies.CREATE_ATTACHMENT)
    asked = {"volumeAttachment": {"volumeId": str(volume.pk)}}
    path = f"/servers/{server.uuid}/os-volume_attachments"
    assert policies.CREATE_ATTACHMENT in as_member.post(path, asked).expect(403).message
    body = {
        "name": "web",
        "flavorRef": make_flavor().flavorid,
        "networks": "none",
        "block_device_mapping_v2": [
            {
                "boot_index": 0,
                "uuid": str(volume.pk),
                "source_type": "volume",
                "destination_type": "volume",
            }
        ],
    }
    answer = as_member.post("/servers", {"server": body}, microversion="2.67").expect(403)
    assert policies.CREATE_ATTACHMENT in answer.message
    assert not Attachment.objects.exists()


def test_compute_asks_before_it_takes_a_volume_away(
    as_member: ApiClient, cast: Cast, volume: Volume
) -> None:
    host = make_host().service.host
    server = make_instance(host=host, node=host, launched_at=timezone.now())
    path = f"/servers/{server.uuid}/os-volume_attachments"
    as_member.post(path, {"volumeAttachment": {"volumeId": str(volume.pk)}}).expect(200)
    Attachment.objects.update(status="attached")
    Volume.objects.update(status="in-use")
    take_from_members(cast, policies.BEGIN_DETACHING)
    refused = as_member.delete(f"{path}/{volume.pk}").expect(403)
    assert policies.BEGIN_DETACHING in refused.message
    assert Attachment.objects.get().status == "attached"


@pytest.mark.parametrize(
    ("rule", "status"), [(None, "ACTIVE"), (policies.CREATE, "ERROR")], ids=["granted", "taken"]
)
def test_a_volume_of_a_new_server_is_made_by_the_right_of_its_owner(
    as_member: ApiClient, cast: Cast, rule: str | None, status: str
) -> None:
    make_host()
    body = {
        "name": "web",
        "flavorRef": make_flavor().flavorid,
        "networks": "none",
        "block_device_mapping_v2": [
            {
                "boot_index": 0,
                "uuid": str(make_image().pk),
                "source_type": "image",
                "destination_type": "volume",
                "volume_size": 1,
            }
        ],
    }
    if rule is not None:
        take_from_members(cast, rule)
    made = as_member.post("/servers", {"server": body}, microversion="2.67").expect(202).json
    run_jobs()
    shown = as_member.get(f"/servers/{made['server']['id']}").expect(200).json["server"]
    assert shown["status"] == status
    assert Volume.objects.count() == (status == "ACTIVE")
