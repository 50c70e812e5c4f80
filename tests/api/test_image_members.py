"""Shared images: their owner names members, and each member says whether it lists them."""

from __future__ import annotations

import dataclasses

import pytest
from django.conf import settings
from django.test import override_settings

from compute_site.neighbours.image.models import Image
from tests.world.cast import ALPHA, BETA
from tests.world.client import ApiClient
from tests.world.factories import make_flavor

pytestmark = pytest.mark.django_db
V2 = "//image/v2/images"


@pytest.fixture
def image(as_member: ApiClient) -> Image:
    fields = {"visibility": "shared", "disk_format": "raw", "container_format": "bare", "size": 1}
    return Image.objects.create(name="lent", owner_id=ALPHA, **fields)


def names(client: ApiClient, query: str = "") -> list[str]:
    return [image["name"] for image in client.get(f"{V2}?{query}").expect(200).json["images"]]


def test_from_shared_to_accepted_to_taken_back(
    as_member: ApiClient, as_outsider: ApiClient, image: Image
) -> None:
    as_outsider.get(f"{V2}/{image.pk}").expect(404)
    member = as_member.post(f"{V2}/{image.pk}/members", {"member": BETA}).expect(200).json
    assert (member["member_id"], member["status"]) == (BETA, "pending")
    assert (member["image_id"], member["schema"]) == (str(image.pk), "/v2/schemas/member")

    as_outsider.get(f"{V2}/{image.pk}").expect(200)
    assert names(as_outsider) == names(as_outsider, "visibility=shared") == []
    assert names(as_outsider, "visibility=shared&member_status=all") == ["lent"]
    assert names(as_outsider, "member_status=pending") == ["lent"]

    own = f"{V2}/{image.pk}/members/{BETA}"
    as_member.put(own, {"status": "accepted"}).expect(403)
    as_outsider.put(own, {"status": "perhaps"}).expect(400)
    as_outsider.put(own, {}).expect(400)
    as_outsider.put(own, {"status": "accepted", "member": ALPHA}).expect(400)
    as_outsider.put(own, {"status": "accepted", "member": BETA}).expect(200)
    assert as_outsider.put(own, {"status": "accepted"}).expect(200).json["status"] == "accepted"
    assert names(as_outsider) == ["lent"]

    as_outsider.put(own, {"status": "rejected"}).expect(200)
    assert names(as_outsider) == []
    as_outsider.delete(own).expect(403)
    as_member.delete(own).expect(204)
    as_member.delete(own).expect(404)
    as_outsider.get(f"{V2}/{image.pk}").expect(404)


def test_a_member_boots_the_image_and_changes_nothing(
    as_member: ApiClient, as_outsider: ApiClient, image: Image
) -> None:
    server = {
        "name": "guest",
        "imageRef": str(image.pk),
        "flavorRef": make_flavor().flavorid,
        "networks": "none",
    }
    as_outsider.post("/servers", {"server": server}, microversion="2.37").expect(400)
    as_member.post(f"{V2}/{image.pk}/members", {"member": BETA}).expect(200)
    as_outsider.post("/servers", {"server": server}, microversion="2.37").expect(202)
    patch = [{"op": "replace", "path": "/name", "value": "mine"}]
    as_outsider.patch(f"{V2}/{image.pk}", patch).expect(403)
    as_outsider.delete(f"{V2}/{image.pk}").expect(403)
    as_outsider.post(f"{V2}/{image.pk}/members", {"member": "c" * 32}).expect(403)


def test_who_sees_the_members(
    as_member: ApiClient, as_reader: ApiClient, as_outsider: ApiClient, image: Image
) -> None:
    for member in (BETA, "c" * 32):
        as_member.post(f"{V2}/{image.pk}/members", {"member": member}).expect(200)

    def seen(client: ApiClient) -> list[str]:
        answer = client.get(f"{V2}/{image.pk}/members").expect(200).json
        assert answer["schema"] == "/v2/schemas/members"
        return [member["member_id"] for member in answer["members"]]

    assert seen(as_member) == seen(as_reader) == [BETA, "c" * 32]
    assert seen(as_outsider) == [BETA]
    as_outsider.get(f"{V2}/{image.pk}/members/{BETA}").expect(200)
    as_outsider.get(f"{V2}/{image.pk}/members/{'c' * 32}").expect(404)


def test_what_cannot_be_shared(as_member: ApiClient, as_reader: ApiClient, image: Image) -> None:
    url = f"{V2}/{image.pk}/members"
    for body in ({}, {"member": ""}, {"member": 5}, {"x": "y"}, [], {"member": BETA, "x": 1}):
        as_member.post(url, body).expect(400)
    as_reader.post(url, {"member": BETA}).expect(403)
    as_member.post(url, {"member": BETA}).expect(200)
    as_member.post(url, {"member": BETA}).expect(409)
    with override_settings(OPTIONS=dataclasses.replace(settings.OPTIONS, image_member_quota=1)):
        as_member.post(url, {"member": "c" * 32}).expect(413)
    Image.objects.update(visibility="private")
    as_member.post(url, {"member": "c" * 32}).expect(403)
    as_member.get(url).expect(403)
