"""The lists of the volume API: every filter filters, and what is no filter or order is refused."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.volume.api.queries import CONTROLS
from compute_site.neighbours.volume.api.types import Types
from compute_site.neighbours.volume.api.views import SnapshotsDetail, VolumesDetail
from compute_site.neighbours.volume.models import Snapshot, VolumeType
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_volume

pytestmark = pytest.mark.django_db
V3 = "//volume/v3"
NEWEST = {"OpenStack-API-Version": "volume latest"}
LISTS = {"volumes": VolumesDetail, "snapshots": SnapshotsDetail, "types": Types}


def names(client: ApiClient, query: str, noun: str = "volumes") -> list[str]:
    listed = client.get(f"{V3}/{noun}?{query}").expect(200).json
    return [row["name"] for row in listed[noun]]


@pytest.fixture
def volumes(cast: Cast) -> None:
    kind = VolumeType.objects.create(name="fast")
    make_volume(name="small", size=1, metadata={"a": "b", "c": "d"}, user_id="u")
    make_volume(name="large", size=9, bootable="false", status="error", volume_type=kind)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("size=9", ["large"]),
        ("size=many", []),
        ("name=small", ["small"]),
        ("display_name=small", ["small"]),
        ("status=error", ["large"]),
        ("bootable=True", ["small"]),
        ("volume_type=fast", ["large"]),
        ("metadata=%7B%27a%27:%27b%27%7D", ["small"]),
        ("metadata=%7B%22a%22:%20%22b%22,%20%22c%22:%22d%22%7D", ["small"]),
        ("metadata=%7B%27a%27:%27x%27%7D", []),
        ("user_id=u", ["small"]),
        ("snapshot_id=none", []),
        ("source_volid=" + UNKNOWN_ID, []),
        ("multiattach=true", []),
        ("migration_status=migrating", []),
        ("project_id=" + BETA, []),
        ("sort_key=size&sort_dir=asc", ["small", "large"]),
        ("sort=size", ["large", "small"]),
        ("sort=bootable:desc,name:asc", ["small", "large"]),
        ("offset=1&sort=size:asc", ["large"]),
        ("limit=0", []),
    ],
)
def test_a_filter_filters(
    as_member: ApiClient, volumes: None, query: str, found: list[str]
) -> None:
    assert names(as_member, query) == found


@pytest.mark.parametrize("noun", LISTS)
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("nothing=x", 400),
        ("name~=a", 400),
        ("sort=nothing", 400),
        ("sort=name:up", 400),
        ("sort_key=name&sort_dir=up", 400),
        ("sort=name&sort_key=name", 400),
        ("sort_key=name&sort_dir=asc&sort_dir=asc", 400),
        ("marker=x", 404),
        ("marker=" + UNKNOWN_ID, 404),
        ("offset=-1", 400),
        ("offset=ten", 400),
        ("limit=-1", 400),
    ],
)
def test_what_cannot_be_is_refused(
    as_member: ApiClient, noun: str, query: str, status: int
) -> None:
    as_member.get(f"{V3}/{noun}?{query}").expect(status)


@pytest.mark.parametrize("query", ["metadata=a", "metadata=%7B%27a%27:1%7D", "multiattach=perhaps"])
def test_a_filter_with_a_value_that_cannot_be(as_member: ApiClient, query: str) -> None:
    as_member.get(f"{V3}/volumes?{query}").expect(400)


@pytest.mark.parametrize("noun", ["volumes", "snapshots"])
def test_what_is_shown_filters_or_is_refused(as_member: ApiClient, noun: str) -> None:
    """The keys come from what is shown, so that none of them is ever ignored."""
    volume = make_volume(name="one")
    Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1, name="one")
    [shown] = as_member.get(f"{V3}/{noun}/detail", headers=NEWEST).expect(200).json[noun]
    view: Any = LISTS[noun]
    for key in {*shown, *view.reads}:
        answer = as_member.get(f"{V3}/{noun}?{key}=zz", headers=NEWEST)
        if key not in view.reads:
            answer.expect(400)
        else:
            assert answer.status == 400 or answer.json[noun] == [], key
    for key in set(shown) - set(view.sorts):
        as_member.get(f"{V3}/{noun}?sort_key={key}", headers=NEWEST).expect(400)
    for key in view.sorts:
        as_member.get(f"{V3}/{noun}?sort_key={key}", headers=NEWEST).expect(200)
    assert not set(view.reads) & CONTROLS


def test_admins_filter_by_project(as_admin: ApiClient) -> None:
    make_volume(name="foreign", project_id=BETA)
    make_volume(name="own")
    assert names(as_admin, f"all_tenants=1&project_id={BETA}") == ["foreign"]


@pytest.mark.parametrize("noun", ["volumes", "snapshots"])
def test_equals_go_by_age_the_way_of_the_first_key(
    as_member: ApiClient, cast: Cast, noun: str
) -> None:
    for name in "bac":
        volume = make_volume(name=name)
        Snapshot.objects.create(volume=volume, project_id=ALPHA, size=1, name=name)
    for query, found in (
        ("sort_key=status", "cab"),
        ("sort=status", "cab"),
        ("sort=status:asc", "bac"),
        ("sort=status:asc,project_id:desc", "bac"),
        ("sort=display_name:asc", "abc"),
    ):
        assert "".join(names(as_member, query, noun)) == found, query
    marker = as_member.get(f"{V3}/{noun}?sort=status:asc").json[noun][0]["id"]
    assert names(as_member, f"sort=status:asc&limit=1&marker={marker}", noun) == ["a"]


@pytest.mark.parametrize(
    ("noun", "known", "unknown"),
    [
        ("volumes", "volume_type_id group_id snapshot_id source_volid multiattach", "host"),
        ("snapshots", "volume_type_id progress user_id", "size_of"),
        ("attachments", "attach_status attach_mode mountpoint instance_uuid", "status"),
        ("backups", "container project_id user_id availability_zone", "metadata"),
        ("groups", "description group_type_id group_snapshot_id user_id", "volumes"),
        ("group_snapshots", "description group_type_id project_id", "volumes"),
        ("messages", "expires_at project_id", "guaranteed_until"),
        ("volume-transfers", "display_name no_snapshots", "name"),
        ("types", "qos_specs_id created_at description", "extra_specs"),
        ("qos-specs", "created_at id", "consumer"),
    ],
)
def test_lists_are_sorted_by_what_cinder_keeps(
    as_admin: ApiClient, noun: str, known: str, unknown: str
) -> None:
    for key in known.split():
        as_admin.get(f"{V3}/{noun}?sort_key={key}", headers=NEWEST).expect(200)
    as_admin.get(f"{V3}/{noun}?sort_key={unknown}", headers=NEWEST).expect(400)
