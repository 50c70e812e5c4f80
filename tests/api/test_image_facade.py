"""The image API as clients of compute use it."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from tests.world.cast import UNKNOWN_ID, Cast
from tests.world.client import ApiClient


def make_image(**fields: Any) -> Image:
    return Image.objects.create(**{"name": "image", "visibility": "public", **fields})


@pytest.mark.parametrize(
    ("path", "status"),
    [("//image", 300), ("//image/", 300), ("//image/v2", 200), ("//image/v2/", 200)],
)
def test_the_version_document_is_for_everyone(anonymous: ApiClient, path: str, status: int) -> None:
    newest = anonymous.get(path).expect(status).json["versions"][0]
    assert newest["status"] == "CURRENT"
    assert newest["links"][0]["href"] == "http://testserver/image/v2/"


@pytest.mark.parametrize("path", ["images", "schemas/image", "nothing"])
def test_all_else_needs_a_token(anonymous: ApiClient, path: str) -> None:
    answer = anonymous.get(f"//image/v2/{path}").expect(401)
    assert answer.json["error"]["code"] == 401


def test_an_image_is_shown_with_its_properties(as_member: ApiClient, cast: Cast) -> None:
    image = make_image(name="cirros", owner=cast.alpha, size=5, properties={"hw_disk_bus": "scsi"})
    shown = as_member.get(f"//image/v2/images/{image.pk}").expect(200).json
    assert shown["id"] == str(image.pk)
    assert shown["name"] == "cirros"
    assert shown["owner"] == cast.alpha.pk
    assert shown["size"] == 5
    assert shown["hw_disk_bus"] == "scsi"
    assert shown["self"] == f"/v2/images/{image.pk}"


@pytest.mark.parametrize("name", ["cirros", "0", UNKNOWN_ID])
def test_an_id_that_is_none_is_not_found(as_member: ApiClient, name: str) -> None:
    make_image(name="cirros")
    answer = as_member.get(f"//image/v2/images/{name}").expect(404)
    assert answer.json["title"] == "Not Found"


def test_who_sees_an_image(as_member: ApiClient, as_outsider: ApiClient, cast: Cast) -> None:
    image = make_image(owner=cast.alpha, visibility="private")
    as_member.get(f"//image/v2/images/{image.pk}").expect(200)
    as_outsider.get(f"//image/v2/images/{image.pk}").expect(404)


def names(client: ApiClient, query: str = "") -> set[str]:
    images = client.get(f"//image/v2/images{query}").expect(200).json["images"]
    return {image["name"] for image in images}


def test_filters_of_the_list(as_member: ApiClient, cast: Cast) -> None:
    first = make_image(name="a", tags=["blue"])
    second = make_image(name="b, c", status="queued")
    make_image(name="d", owner=cast.beta, visibility="community")
    make_image(name="e", owner=cast.beta, visibility="private")
    assert names(as_member) == {"a", "b, c"}
    assert names(as_member, "?name=a") == {"a"}
    assert names(as_member, "?name=in:a,nothing") == {"a"}
    assert names(as_member, f"?id=in:{first.pk},{second.pk},nothing") == {"a", "b, c"}
    assert names(as_member, "?status=queued") == {"b, c"}
    assert names(as_member, "?tag=blue") == {"a"}
    assert names(as_member, "?visibility=community") == {"d"}
    assert names(as_member, f"?owner={cast.beta.pk}&visibility=private") == set()


def test_the_list_has_pages(as_member: ApiClient) -> None:
    for number in range(3):
        make_image(name=f"i{number}")
    first = as_member.get("//image/v2/images?limit=2").expect(200).json
    assert [image["name"] for image in first["images"]] == ["i2", "i1"]
    second = as_member.get(f"//image{first['next']}").expect(200).json
    assert [image["name"] for image in second["images"]] == ["i0"]
    assert "next" not in second


@pytest.mark.parametrize("query", ["limit=x", "limit=-1", "marker=x", f"marker={UNKNOWN_ID}"])
def test_a_wrong_page_is_refused(as_member: ApiClient, query: str) -> None:
    as_member.get(f"//image/v2/images?{query}").expect(400)


def test_the_schema_names_the_fields(as_member: ApiClient) -> None:
    assert "min_disk" in as_member.get("//image/v2/schemas/image").expect(200).json["properties"]


def test_a_list_is_filtered_by_properties_and_sorted(as_member: ApiClient, cast: Cast) -> None:
    for name, kind in (("b", "daily"), ("a", "daily"), ("c", "weekly")):
        Image.objects.create(name=name, owner=cast.alpha, properties={"backup_type": kind})

    def names(query: str) -> list[str]:
        images = as_member.get(f"//image/v2/images?{query}").expect(200).json["images"]
        return [image["name"] for image in images]

    assert names("backup_type=daily") == ["a", "b"]
    assert names("backup_type=daily&sort_key=created_at&sort_dir=asc") == ["b", "a"]
    assert names("sort=name:desc") == ["c", "b", "a"]
    assert names("sort_key=name") == ["c", "b", "a"]
    assert names("backup_type=yearly") == []
    as_member.get("//image/v2/images?sort=colour:asc").expect(400)


def test_no_import_is_under_way(as_member: ApiClient, as_outsider: ApiClient, cast: Cast) -> None:
    image = Image.objects.create(name="cirros", owner=cast.alpha)
    path = f"//image/v2/images/{image.pk}/tasks"
    assert as_member.get(path).expect(200).json == {"tasks": []}
    as_outsider.get(path).expect(404)
