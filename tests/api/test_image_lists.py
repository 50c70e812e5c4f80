"""The list of images: every filter filters, and what is no filter or order is refused."""

from __future__ import annotations

import datetime as dt

import pytest

from compute_site.neighbours.image.api.queries import CONTROLS, FILTERS, SORT_KEYS
from compute_site.neighbours.image.models import Image
from tests.world.cast import ALPHA, BETA, UNKNOWN_ID
from tests.world.client import ApiClient

pytestmark = pytest.mark.django_db
V2 = "//image/v2/images"
NOON = dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)


@pytest.fixture
def images(as_member: ApiClient) -> None:
    """``small`` and ``large`` of alpha."""
    make("small", size=5, min_ram=1, min_disk=2, checksum="c" * 32, tags=["a", "b"])
    make("large", size=50, protected=True, disk_format="iso", properties={"os_type": "linux"})
    Image.objects.filter(name="small").update(created_at=NOON, updated_at=NOON)


def make(name: str, **fields: object) -> Image:
    return Image.objects.create(name=name, **{"owner_id": ALPHA} | fields)


def names(client: ApiClient, query: str = "") -> list[str]:
    listed = client.get(f"{V2}?{query}").expect(200).json["images"]
    return [image["name"] for image in listed]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name=small", ["small"]),
        ("name=in:small,large", ["large", "small"]),
        ("size=5", ["small"]),
        ("size_min=6", ["large"]),
        ("size_max=6", ["small"]),
        ("min_ram=1", ["small"]),
        ("min_ram=-1", []),
        ("size=" + "9" * 30, []),
        ("min_disk=2", ["small"]),
        ("checksum=" + "c" * 32, ["small"]),
        ("protected=true", ["large"]),
        ("protected=false", ["small"]),
        ("disk_format=iso", ["large"]),
        ("owner=" + BETA, []),
        ("tag=a&tag=b", ["small"]),
        ("tag=a&tag=c", []),
        ("os_type=linux", ["large"]),
        ("nothing=x", []),
        ("created_at=2026-01-31T12:00:00Z", ["small"]),
        ("created_at=neq:2026-01-31T12:00:00Z", ["large"]),
        ("created_at=lte:2026-01-31T13:00:00%2B01:00", ["small"]),
        ("created_at=lt:2026-01-31T12:00:00Z", []),
        ("created_at=9999-12-31T23:59:59Z", []),
        ("updated_at=gt:2026-01-31T12:00:00Z", ["large"]),
        ("updated_at=gte:2026-01-31", ["large", "small"]),
        ("status=in:active,queued", ["large", "small"]),
        ("sort_key=size&sort_dir=asc", ["small", "large"]),
        ("sort=size:desc,name:asc", ["large", "small"]),
        ("sort_key=size&sort_key=name&sort_dir=asc", ["small", "large"]),
        ("limit=0", []),
    ],
)
def test_a_filter_filters(as_member: ApiClient, images: None, query: str, found: list[str]) -> None:
    assert names(as_member, query) == found


@pytest.mark.parametrize(
    "query",
    [
        "visibility=everyone",
        "member_status=asked",
        "protected=True",
        "os_hidden=1",
        "min_ram=many",
        "min_disk=",
        "size=5.0",
        "virtual_size=x",
        "size_min=large",
        "size_max=",
        "created_at=yesterday",
        "created_at=like:2026-01-31T12:00:00Z",
        "updated_at=2026-13-31T12:00:00Z",
        "changes-since=2026-01-31T12:00:00Z",
        "name=like:x",
        "sort_key=owner",
        "sort_dir=up",
        "sort=name:up",
        "sort=nothing",
        "sort=name&sort_key=name",
        "sort_key=name&sort_dir=asc&sort_dir=asc",
        "marker=" + UNKNOWN_ID,
        "marker=x",
        "limit=-1",
        "limit=ten",
    ],
)
def test_what_cannot_be_is_refused(as_member: ApiClient, images: None, query: str) -> None:
    as_member.get(f"{V2}?{query}").expect(400)


def test_every_key_of_an_image_filters_or_names_a_property(as_member: ApiClient) -> None:
    """No key that is shown is ignored in the query: what is not compared finds nothing."""
    make("one", size=5)
    [shown] = as_member.get(V2).expect(200).json["images"]
    for key in {*shown, "virtual_size", "os_hash_value"} - {"visibility", "tags"}:
        wrong = "true" if isinstance(shown.get(key), bool) else "in:zz" if key == "id" else "zz"
        answer = as_member.get(f"{V2}?{key}={wrong}")
        assert answer.status == 400 or answer.json["images"] == [], key
    for key in set(shown) - set(SORT_KEYS):
        as_member.get(f"{V2}?sort_key={key}").expect(400)


def test_filters_and_controls_are_different_things() -> None:
    assert not set(FILTERS) & CONTROLS


def test_hidden_images_are_listed_when_they_are_asked_for(as_member: ApiClient) -> None:
    hidden = make("hidden", os_hidden=True)
    make("seen")
    assert names(as_member) == ["seen"]
    for word in ("true", "True"):  # as openstacksdk asks for them
        assert names(as_member, f"os_hidden={word}") == ["hidden"]
    assert as_member.get(f"{V2}/{hidden.pk}").expect(200).json["os_hidden"] is True
    assert [image["name"] for image in as_member.get("/images").json["images"]] == ["seen"]


def test_visibility_all_shows_community_images_too(as_member: ApiClient) -> None:
    make("public", owner_id=BETA, visibility="public")
    make("community", owner_id=BETA, visibility="community")
    make("foreign", owner_id=BETA)
    make("own")
    assert names(as_member) == ["own", "public"]
    assert names(as_member, "visibility=all") == ["own", "community", "public"]
    assert names(as_member, "visibility=community") == ["community"]


def test_a_protected_image_stays(as_member: ApiClient, as_admin: ApiClient) -> None:
    image = as_member.post(V2, {"name": "kept", "protected": True}).expect(201).json
    assert image["protected"] is True
    for client in (as_member, as_admin):
        client.delete(f"{V2}/{image['id']}").expect(403)
        client.delete(f"/images/{image['id']}").expect(403)
    patch = [{"op": "replace", "path": "/protected", "value": False}]
    as_member.patch(f"{V2}/{image['id']}", patch).expect(200)
    as_member.delete(f"{V2}/{image['id']}").expect(204)


def test_a_patch_in_the_older_form(as_member: ApiClient) -> None:
    image = make("old", properties={"a": "1"})
    kind = {"Content-Type": "application/openstack-images-v2.0-json-patch"}
    steps = [{"replace": "/name", "value": "new"}, {"remove": "/a"}, {"add": "/b", "value": "2"}]
    shown = as_member.patch(f"{V2}/{image.pk}", steps, headers=kind).expect(200).json
    assert (shown["name"], shown["b"], "a" in shown) == ("new", "2", False)
    newer = [{"op": "replace", "path": "/name", "value": "x"}]
    as_member.patch(f"{V2}/{image.pk}", newer, headers=kind).expect(400)
    as_member.patch(f"{V2}/{image.pk}", steps).expect(400)
    plain = {"Content-Type": "application/json"}
    as_member.patch(f"{V2}/{image.pk}", newer, headers=plain).expect(415)


def test_tags_by_their_urls(as_member: ApiClient, as_reader: ApiClient) -> None:
    image = make("tagged", tags=["a"])
    for _ in range(2):
        as_member.put(f"{V2}/{image.pk}/tags/b").expect(204)
    as_member.put(f"{V2}/{image.pk}/tags/{'x' * 256}").expect(400)
    as_reader.put(f"{V2}/{image.pk}/tags/c").expect(403)
    as_member.delete(f"{V2}/{image.pk}/tags/a").expect(204)
    as_member.delete(f"{V2}/{image.pk}/tags/a").expect(404)
    image.refresh_from_db()
    assert image.tags == ["b"]


def test_schemas_and_information(as_member: ApiClient) -> None:
    make("one")
    for name in ("image", "images", "member", "members"):
        shown = as_member.get(f"//image/v2/schemas/{name}").expect(200).json
        assert shown["name"] == name
    methods = as_member.get("//image/v2/info/import").expect(200).json["import-methods"]
    assert methods["value"] == ["glance-direct"]
    usage = as_member.get("//image/v2/info/usage").expect(200).json["usage"]
    assert usage["image_count_total"]["usage"] == 1


def test_admins_list_images_of_all_projects(as_admin: ApiClient) -> None:
    for visibility in ("private", "shared", "public", "community"):
        make(visibility, owner_id=BETA, visibility=visibility)
    make("own", visibility="community")

    def names(query: str) -> set[str]:
        found = as_admin.get(f"//image/v2/images?{query}").expect(200).json["images"]
        return {image["name"] for image in found}

    assert names("") == {"private", "shared", "public", "own"}
    assert names("visibility=all") == {"private", "shared", "public", "community", "own"}


def test_the_marker_need_not_be_in_the_list(as_member: ApiClient) -> None:
    first = make("a", status="queued")
    make("b")
    query = f"status=active&sort_key=name&sort_dir=asc&marker={first.pk}"
    found = as_member.get(f"//image/v2/images?{query}").expect(200).json["images"]
    assert [image["name"] for image in found] == ["b"]
