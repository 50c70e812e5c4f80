"""``/images/{id}/metadata``, until 2.38."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.image.models import Image
from quotas.models import Limit
from servers.proxies import image_metadata
from tests.world.cast import Cast
from tests.world.client import ApiClient


@pytest.fixture
def image(cast: Cast) -> Image:
    return Image.objects.create(
        name="cirros", owner=cast.alpha, visibility="public", properties={"os_distro": "cirros"}
    )


def properties(image: Image) -> dict[str, str]:
    image.refresh_from_db()
    return dict(image.properties)


def test_properties_are_read(as_member: ApiClient, image: Image) -> None:
    path = f"/images/{image.pk}/metadata"
    assert as_member.get(path).expect(200).json == {"metadata": {"os_distro": "cirros"}}
    assert as_member.get(f"{path}/os_distro").expect(200).json == {"meta": {"os_distro": "cirros"}}
    as_member.get(f"{path}/nothing").expect(404)


def test_properties_are_added_replaced_and_removed(as_member: ApiClient, image: Image) -> None:
    path = f"/images/{image.pk}/metadata"
    added = as_member.post(path, {"metadata": {"a": "1"}}).expect(200).json["metadata"]
    assert added == properties(image) == {"os_distro": "cirros", "a": "1"}
    as_member.put(f"{path}/a", {"meta": {"a": "2"}}).expect(200)
    assert properties(image)["a"] == "2"
    as_member.put(f"{path}/a", {"meta": {"b": "2"}}).expect(400)
    as_member.put(path, {"metadata": {"c": "3"}}).expect(200)
    assert properties(image) == {"c": "3"}
    as_member.delete(f"{path}/c").expect(204)
    as_member.delete(f"{path}/c").expect(404)
    assert properties(image) == {}


def test_what_somebody_else_adds_meanwhile_stays(
    as_member: ApiClient, image: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, go_on = f"/images/{image.pk}/metadata", image_metadata.effective_limits

    def add_another(*args: Any) -> Any:
        monkeypatch.setattr(image_metadata, "effective_limits", go_on)
        as_member.post(path, {"metadata": {"theirs": "1"}}).expect(200)
        return go_on(*args)

    monkeypatch.setattr(image_metadata, "effective_limits", add_another)
    as_member.post(path, {"metadata": {"ours": "1"}}).expect(200)
    assert properties(image) == {"os_distro": "cirros", "theirs": "1", "ours": "1"}
    monkeypatch.setattr(image_metadata, "effective_limits", add_another)
    as_member.delete(f"{path}/ours").expect(204)
    assert properties(image) == {"os_distro": "cirros", "theirs": "1"}


def test_only_the_owner_changes_them(as_outsider: ApiClient, image: Image) -> None:
    path = f"/images/{image.pk}/metadata"
    as_outsider.get(path).expect(200)
    as_outsider.post(path, {"metadata": {"a": "1"}}).expect(403)
    as_outsider.delete(f"{path}/os_distro").expect(403)
    assert properties(image) == {"os_distro": "cirros"}


def test_the_quota_of_items_counts(as_member: ApiClient, image: Image, cast: Cast) -> None:
    Limit.objects.create(project=cast.alpha, resource="metadata_items", limit=1)
    as_member.post(f"/images/{image.pk}/metadata", {"metadata": {"a": "1"}}).expect(403)
    assert properties(image) == {"os_distro": "cirros"}


@pytest.mark.parametrize(("version", "status"), [("2.38", 200), ("2.39", 404)])
def test_new_microversions_do_without(
    as_member: ApiClient, image: Image, version: str, status: int
) -> None:
    as_member.get(f"/images/{image.pk}/metadata", microversion=version).expect(status)
