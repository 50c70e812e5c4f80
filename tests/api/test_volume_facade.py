"""The volume API as clients of compute use it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from compute_site.identity.models import Project
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import ApiClient

V3 = "//volume/v3"


def make_volume(project: Project, **fields: Any) -> Volume:
    return Volume.objects.create(project=project, **{"name": "volume", "size": 1, **fields})


def names(client: ApiClient, path: str = "volumes/detail") -> list[str]:
    return [row["name"] for row in client.get(f"{V3}/{path}").expect(200).json["volumes"]]


@pytest.mark.parametrize(
    ("path", "status"),
    [("//volume", 300), ("//volume/", 300), ("//volume/v3", 200), ("//volume/v3/", 200)],
)
def test_the_version_document_is_for_everyone(anonymous: ApiClient, path: str, status: int) -> None:
    [version] = anonymous.get(path).expect(status).json["versions"]
    assert version["id"] == "v3.0"


def test_all_else_needs_a_token(anonymous: ApiClient) -> None:
    anonymous.get(f"{V3}/volumes").expect(401)


@pytest.mark.parametrize("noun", ["volumes", "snapshots", "types"])
@pytest.mark.parametrize("row_id", ["data", UNKNOWN_ID])
def test_an_id_that_is_none_is_not_found(as_member: ApiClient, noun: str, row_id: str) -> None:
    assert as_member.get(f"{V3}/{noun}/{row_id}").expect(404).fault == "itemNotFound"


def test_a_volume_is_shown_with_its_server(as_member: ApiClient, cast: Cast) -> None:
    volume = make_volume(
        cast.alpha, volume_type=VolumeType.objects.create(name="fast"), status="in-use"
    )
    server_id = uuid.uuid4()
    Attachment.objects.create(
        volume=volume, server_id=server_id, device="/dev/vdb", status="attached"
    )
    shown = as_member.get(f"{V3}/volumes/{volume.pk}").expect(200).json["volume"]
    assert (shown["status"], shown["size"], shown["volume_type"]) == ("in-use", 1, "fast")
    [attachment] = shown["attachments"]
    assert (attachment["server_id"], attachment["device"]) == (str(server_id), "/dev/vdb")


def test_the_project_may_stand_in_the_path(as_member: ApiClient, cast: Cast) -> None:
    make_volume(cast.alpha, name="own")
    assert names(as_member, f"{ALPHA}/volumes/detail") == ["own"]
    as_member.get(f"{V3}/{BETA}/volumes/detail").expect(400)


def test_lists_show_the_own_project(as_member: ApiClient, as_admin: ApiClient, cast: Cast) -> None:
    make_volume(cast.alpha, name="own")
    foreign = make_volume(cast.beta, name="foreign")
    assert names(as_member) == names(as_admin) == ["own"]
    assert names(as_admin, "volumes/detail?all_tenants=1") == ["foreign", "own"]
    assert names(as_member, "volumes/detail?all_tenants=1") == ["own"]
    as_member.get(f"{V3}/volumes/{foreign.pk}").expect(404)
    as_admin.get(f"{V3}/volumes/{foreign.pk}").expect(200)


def test_filters_and_pages_of_the_list(as_member: ApiClient, cast: Cast) -> None:
    for name in "abc":
        make_volume(cast.alpha, name=name, status="error" if name == "a" else "available")
    assert names(as_member, "volumes/detail?name=b") == ["b"]
    assert names(as_member, "volumes?status=error") == ["a"]
    first = as_member.get(f"{V3}/volumes?limit=2").expect(200).json
    assert [row["name"] for row in first["volumes"]] == ["c", "b"]
    next_url = first["volumes_links"][0]["href"].removeprefix("http://testserver")
    assert as_member.get(f"/{next_url}").json["volumes"][0]["name"] == "a"


def test_snapshots_and_types(as_member: ApiClient, cast: Cast) -> None:
    volume = make_volume(cast.alpha)
    snapshot = Snapshot.objects.create(project=cast.alpha, volume=volume, size=1, name="snap")
    Snapshot.objects.create(project=cast.beta, volume=volume, size=1, name="foreign")
    kind = VolumeType.objects.create(name="fast")
    VolumeType.objects.create(name="hidden", is_public=False)
    [listed] = as_member.get(f"{V3}/snapshots/detail?name=snap").expect(200).json["snapshots"]
    assert listed["volume_id"] == str(volume.pk)
    as_member.get(f"{V3}/snapshots/{snapshot.pk}").expect(200)
    [shown] = as_member.get(f"{V3}/types").expect(200).json["volume_types"]
    assert shown["name"] == "fast"
    own = as_member.get(f"{V3}/types/{kind.pk}").expect(200).json["volume_type"]
    assert own["name"] == "fast"


def test_limits_say_what_is_used(as_member: ApiClient, cast: Cast) -> None:
    make_volume(cast.alpha, size=3)
    make_volume(cast.beta, size=5)
    absolute = as_member.get(f"{V3}/limits").expect(200).json["limits"]["absolute"]
    assert (absolute["totalVolumesUsed"], absolute["totalGigabytesUsed"]) == (1, 3)
    assert absolute["maxTotalVolumes"] == 10
