"""``/images``: images under the name that they had in compute, until 2.35."""

from __future__ import annotations

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from compute_site.neighbours.image.models import Image
from tests.world.cast import Cast
from tests.world.client import ApiClient


def make_image(cast: Cast, name: str = "cirros", **fields: object) -> Image:
    return Image.objects.create(name=name, owner=cast.alpha, **fields)


def names(client: ApiClient, query: str = "") -> list[str]:
    listed = client.get(f"/images{query}").expect(200).json["images"]
    return [image["name"] for image in listed]


def test_an_image_is_shown_in_the_words_of_compute(as_member: ApiClient, cast: Cast) -> None:
    server_id = str(uuid.uuid4())
    properties = {"instance_uuid": server_id, "auto_disk_config": "True"}
    row = make_image(cast, min_ram=64, min_disk=1, size=5, properties=properties)
    shown = as_member.get(f"/images/{row.pk}").expect(200).json["image"]
    assert (shown["minRam"], shown["minDisk"], shown["OS-EXT-IMG-SIZE:size"]) == (64, 1, 5)
    assert (shown["status"], shown["progress"]) == ("ACTIVE", 100)
    assert (shown["metadata"], shown["OS-DCF:diskConfig"]) == (properties, "AUTO")
    assert shown["server"]["id"] == server_id
    assert shown["links"][2]["href"] == f"http://testserver/image/images/{row.pk}"
    assert as_member.get("/images/detail").expect(200).json["images"] == [shown]


def test_a_plain_image_shows_no_more_than_it_has(as_member: ApiClient, cast: Cast) -> None:
    row = make_image(cast, status="queued")
    shown = as_member.get(f"/images/{row.pk}").expect(200).json["image"]
    assert (shown["status"], shown["progress"]) == ("SAVING", 25)
    assert not {"server", "OS-DCF:diskConfig"} & shown.keys()


def test_filters_of_the_list(as_member: ApiClient, cast: Cast) -> None:
    server_id = str(uuid.uuid4())
    make_image(cast, "small", min_ram=1, min_disk=1)
    make_image(cast, "large", min_ram=512, min_disk=9, status="queued")
    marks = {"image_type": "snapshot", "instance_uuid": server_id}
    make_image(cast, "saved", properties=marks)
    assert names(as_member) == ["saved", "large", "small"]
    assert names(as_member, "?name=small") == ["small"]
    assert names(as_member, "?status=SAVING") == []
    assert names(as_member, "?status=QUEUED") == ["large"]
    assert names(as_member, "?minRam=512&minDisk=9") == ["large"]
    assert names(as_member, "?type=snapshot") == ["saved"]
    assert names(as_member, f"?server=http://x/servers/{server_id}") == ["saved"]
    later = (timezone.now() + dt.timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert names(as_member, f"?changes-since={later}") == []


def test_the_list_has_pages(as_member: ApiClient, cast: Cast) -> None:
    for name in ("first", "second", "third"):
        make_image(cast, name)
    page = as_member.get("/images?limit=2").expect(200).json
    assert [image["name"] for image in page["images"]] == ["third", "second"]
    next_page = page["images_links"][0]["href"].partition("?")[2]
    assert names(as_member, f"?{next_page}") == ["first"]
    as_member.get(f"/images?marker={uuid.uuid4()}").expect(400)


def test_images_of_others_are_hidden(as_outsider: ApiClient, cast: Cast) -> None:
    private, public = make_image(cast), make_image(cast, "public", visibility="public")
    assert names(as_outsider) == ["public"]
    as_outsider.get(f"/images/{private.pk}").expect(404)
    as_outsider.delete(f"/images/{private.pk}").expect(404)
    as_outsider.delete(f"/images/{public.pk}").expect(403)
    assert Image.objects.count() == 2


def test_an_image_is_deleted(as_member: ApiClient, cast: Cast) -> None:
    row = make_image(cast)
    as_member.delete(f"/images/{row.pk}").expect(204)
    as_member.get(f"/images/{row.pk}").expect(404)


@pytest.mark.parametrize(("version", "status"), [("2.35", 200), ("2.36", 404)])
def test_new_microversions_do_without(as_member: ApiClient, version: str, status: int) -> None:
    as_member.get("/images", microversion=version).expect(status)
