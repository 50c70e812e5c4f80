"""The microversions of the volume API: each thing is there from its version on, and not before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from compute_site.api.microversions.version import Microversion
from compute_site.neighbours.volume.api import representation
from compute_site.neighbours.volume.api.urls import V3 as PATTERNS
from compute_site.neighbours.volume.api.version import VERSIONS
from compute_site.neighbours.volume.models import Snapshot, Volume
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
VIEWS = {
    str(entry.pattern): entry.callback.view_class
    for entry in PATTERNS
    if "<" not in str(entry.pattern) and hasattr(entry.callback.view_class, "get")
}


def at(version: Any) -> dict[str, str]:
    return {"OpenStack-API-Version": f"volume {version}"}


def before(version: Microversion) -> Microversion:
    return Microversion(version.major, version.minor - 1)


@pytest.mark.parametrize(
    ("asked", "status", "told"),
    [
        ("volume 3.0", 200, "3.0"),
        ("volume 3.27", 200, "3.27"),
        ("volume latest", 200, "3.71"),
        ("compute 2.90", 200, "3.0"),
        ("compute 2.90, volume 3.8", 200, "3.8"),
        ("volume 3.72", 406, "3.0"),
        ("volume 2.0", 406, "3.0"),
        ("volume new", 400, "3.0"),
        ("volume", 400, "3.0"),
    ],
)
def test_the_microversion(as_member: ApiClient, asked: str, status: int, told: str) -> None:
    header = {"OpenStack-API-Version": asked}
    answer = as_member.get(f"{V3}/volumes", headers=header).expect(status)
    assert answer.headers["OpenStack-API-Version"] == f"volume {told}"
    assert "OpenStack-API-Version" in answer.headers["Vary"]


def test_the_document_promises_them(as_member: ApiClient) -> None:
    (document,) = as_member.get("//volume/").expect(300).json["versions"]
    assert (document["min_version"], document["version"]) == ("3.0", "3.71")


def _parameters() -> Iterator[tuple[str, str, Microversion]]:
    for path, view in VIEWS.items():
        for name, first in view.since.items():
            if first > Microversion.parse(view.first):
                yield path, name, first


@pytest.mark.parametrize(("path", "name", "first"), list(_parameters()))
def test_a_parameter_counts_from_its_version_on(
    as_admin: ApiClient, path: str, name: str, first: Microversion
) -> None:
    refused = as_admin.get(f"{V3}/{path}?{name}=true", headers=at(before(first))).expect(400)
    assert f"{name} needs microversion {first}" in refused.message
    answer = as_admin.get(f"{V3}/{path}?{name}=true", headers=at(first))
    assert "needs microversion" not in str(answer.content)


@pytest.mark.parametrize("path", [path for path, view in VIEWS.items() if view.first != "3.0"])
def test_a_url_is_there_from_its_version_on(as_admin: ApiClient, path: str) -> None:
    first = Microversion.parse(VIEWS[path].first)
    as_admin.get(f"{V3}/{path}", headers=at(before(first))).expect(404)
    as_admin.get(f"{V3}/{path}", headers=at(first)).expect(200)


@pytest.mark.parametrize(
    ("noun", "table"),
    [
        ("volumes", representation.KEYS_SINCE),
        ("snapshots", representation.SNAPSHOT_KEYS_SINCE),
    ],
)
def test_a_key_is_shown_from_its_version_on(
    as_admin: ApiClient, noun: str, table: dict[str, Microversion]
) -> None:
    volume = make_volume()
    Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1)

    def keys(version: Microversion) -> set[str]:
        [shown] = as_admin.get(f"{V3}/{noun}/detail", headers=at(version)).json[noun]
        return set(shown)

    for key, first in table.items():
        assert key not in keys(before(first)), key
        assert key in keys(first), key
    assert not set(table) & keys(VERSIONS.oldest)


def test_where_a_volume_is_kept_is_for_admins(as_member: ApiClient, as_admin: ApiClient) -> None:
    url = f"{V3}/volumes/{make_volume().pk}"
    of_admins = {"os-vol-host-attr:host", "os-vol-mig-status-attr:migstat", "provider_id"}
    seen = as_admin.get(url, headers=at("latest")).expect(200).json["volume"]
    assert of_admins < set(seen)
    assert not of_admins & set(as_member.get(url, headers=at("latest")).json["volume"])


def test_what_is_neither_true_nor_false(as_member: ApiClient) -> None:
    make_volume(bootable="true")
    url = f"{V3}/volumes?bootable=perhaps"
    as_member.get(url, headers=at("3.1")).expect(200)
    as_member.get(url, headers=at("3.2")).expect(400)
    for word, found in (("1", 1), ("0", 0), ("True", 1)):
        listed = as_member.get(f"{V3}/volumes?bootable={word}", headers=at("3.2")).json
        assert len(listed["volumes"]) == found


def test_lists_are_filtered_and_counted_in_new_ways(as_member: ApiClient) -> None:
    old = make_volume(name="data-old", image_metadata={"os_type": "linux"})
    make_volume(name="data-new")
    make_volume(name="other")
    Volume.objects.filter(pk=old.pk).update(created_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))

    def names(query: str) -> list[str]:
        listed = as_member.get(f"{V3}/volumes?{query}", headers=at("latest")).expect(200)
        return sorted(row["name"] for row in listed.json["volumes"])

    assert names("name~=data") == ["data-new", "data-old"]
    assert names("created_at=lt:2021-01-01T00:00:00") == ["data-old"]
    assert names("created_at=gte:2019-01-01T00:00:00Z,neq:2020-01-01T00:00:00") == [
        "data-new",
        "other",
    ]
    assert names("glance_metadata=%7B%27os_type%27:%27linux%27%7D") == ["data-old"]
    assert names("consumes_quota=false") == []
    for wrong in ("created_at=2020", "created_at=after:2020-01-01", "consumes_quota=x"):
        as_member.get(f"{V3}/volumes?{wrong}", headers=at("latest")).expect(400)
    counted = as_member.get(f"{V3}/volumes?with_count=true&limit=1", headers=at("3.45")).json
    assert (counted["count"], len(counted["volumes"])) == (3, 1)
    assert "count" not in as_member.get(f"{V3}/volumes", headers=at("3.45")).json


def test_the_summary(as_member: ApiClient, as_admin: ApiClient) -> None:
    make_volume(size=2, metadata={"a": "1"})
    make_volume(size=3, metadata={"a": "2", "b": "1"})
    make_volume(size=8, project_id=BETA)
    url = f"{V3}/volumes/summary"
    old = as_member.get(url, headers=at("3.12")).expect(200).json
    assert old == {"volume-summary": {"total_size": 5, "total_count": 2}}
    new = as_member.get(url, headers=at("3.36")).expect(200).json["volume-summary"]
    assert new["metadata"].keys() == {"a", "b"}
    assert sorted(new["metadata"]["a"]) == ["1", "2"]
    every = as_admin.get(f"{url}?all_tenants=1", headers=at("3.36")).json["volume-summary"]
    assert (every["total_count"], every["total_size"]) == (3, 13)


def test_a_change_moves_the_time(as_member: ApiClient) -> None:
    volume = make_volume(created_at=dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
    Volume.objects.filter(pk=volume.pk).update(name="renamed")
    shown = as_member.get(f"{V3}/volumes/{volume.pk}").expect(200).json["volume"]
    assert shown["updated_at"] > shown["created_at"]


def test_volumes_go_with_their_snapshots_where_that_is_asked(
    as_member: ApiClient, as_admin: ApiClient
) -> None:
    volume = make_volume()
    Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1)
    url = f"{V3}/volumes/{volume.pk}"
    as_member.delete(url).expect(400)
    as_member.delete(f"{url}?all=true").expect(400)
    as_member.delete(f"{url}?cascade=perhaps").expect(400)
    as_member.delete(f"{url}?cascade=true").expect(202)
    assert not Volume.objects.exists()
    assert not Snapshot.objects.exists()
    stuck = f"{V3}/volumes/{make_volume(status='detaching').pk}?force=true"
    as_admin.delete(stuck, headers=at("3.22")).expect(400)
    as_member.delete(stuck, headers=at("3.23")).expect(403)
    as_admin.delete(stuck, headers=at("3.23")).expect(202)
    assert not Volume.objects.exists()


def test_snapshots_of_used_volumes_need_no_force_any_more(as_member: ApiClient) -> None:
    volume_id = str(make_volume(status="in-use").pk)

    def take(version: str, **more: Any) -> int:
        body = {"snapshot": {"volume_id": volume_id, **more}}
        return as_member.post(f"{V3}/snapshots", body, headers=at(version)).status

    assert take("3.65") == 400
    assert take("3.65", force=True) == 202
    assert take("3.66") == 202
    assert take("3.66", force="true") == 202
    assert take("3.66", force=False) == 400


def test_a_change_of_nothing(as_member: ApiClient) -> None:
    url = f"{V3}/volumes/{make_volume().pk}"
    as_member.put(url, {"volume": {}}, headers=at("3.52")).expect(200)
    as_member.put(url, {"volume": {}}, headers=at("3.53")).expect(400)


def test_limits_of_another_project(as_member: ApiClient, as_admin: ApiClient, cast: Cast) -> None:
    make_volume(project_id=BETA, size=7)
    url = f"{V3}/limits?project_id={BETA}"
    shown = as_admin.get(url, headers=at("3.39")).expect(200).json["limits"]["absolute"]
    assert shown["totalGigabytesUsed"] == 7
    as_admin.get(url, headers=at("3.38")).expect(400)
    as_member.get(url, headers=at("3.39")).expect(403)
