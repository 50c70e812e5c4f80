"""``/servers/{id}/tags``."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import Instance, Tag
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_order


def make_tagged(*tags: str, **fields: Any) -> Instance:
    server = make_instance(**fields)
    Tag.objects.bulk_create(Tag(instance=server, tag=tag) for tag in tags)
    return server


def tags(client: ApiClient, server: Instance) -> list[str]:
    path = f"/servers/{server.uuid}/tags"
    found: list[str] = client.get(path, microversion="2.26").expect(200).json["tags"]
    return found


def test_the_urls_exist_from_2_26(as_member: ApiClient) -> None:
    path = f"/servers/{make_tagged('red').uuid}/tags"
    as_member.get(path, microversion="2.25").expect(404)
    as_member.get(f"{path}/red", microversion="2.25").expect(404)
    as_member.get(f"{path}/red", microversion="2.26").expect(204)
    as_member.get(f"{path}/blue", microversion="2.26").expect(404)


def test_tags_come_and_go(as_member: ApiClient) -> None:
    server = make_tagged("blue", "red")
    path = f"/servers/{server.uuid}/tags"
    added = as_member.put(f"{path}/green", microversion="2.26").expect(201)
    assert added.headers["Location"] == f"http://testserver/compute/v2.1{path}/green"
    as_member.put(f"{path}/green", microversion="2.26").expect(204)
    as_member.put(f"{path}/RED", microversion="2.26").expect(201)
    assert tags(as_member, server) == ["RED", "blue", "green", "red"]
    as_member.delete(f"{path}/blue", microversion="2.26").expect(204)
    as_member.delete(f"{path}/blue", microversion="2.26").expect(404)
    replaced = as_member.put(path, {"tags": ["b", "a", "b"]}, microversion="2.26").expect(200)
    assert replaced.json == {"tags": ["a", "b"]}
    as_member.delete(path, microversion="2.26").expect(204)
    assert tags(as_member, server) == []


@pytest.mark.parametrize(
    "body",
    [
        {"tags": ["t" * 61]},
        {"tags": [""]},
        {"tags": ["a,b"]},
        {"tags": ["a/b"]},
        {"tags": [5]},
        {"tags": "a"},
        {"tags": None},
        {"tags": [f"t{number}" for number in range(51)]},
        {"tags": [], "more": 1},
        {},
    ],
)
def test_wrong_bodies_are_refused(as_member: ApiClient, body: Any) -> None:
    server = make_tagged("red")
    as_member.put(f"/servers/{server.uuid}/tags", body, microversion="2.26").expect(400)
    assert tags(as_member, server) == ["red"]


@pytest.mark.parametrize("tag", ["a,b", "t" * 61])
def test_what_cannot_be_a_tag_is_refused(as_member: ApiClient, tag: str) -> None:
    path = f"/servers/{make_instance().uuid}/tags/{tag}"
    as_member.put(path, microversion="2.26").expect(400)


def test_a_body_beside_a_tag_is_refused(as_member: ApiClient) -> None:
    path = f"/servers/{make_instance().uuid}/tags/a"
    as_member.put(path, {"tag": "a"}, microversion="2.26").expect(400)


def test_there_are_at_most_50(as_member: ApiClient) -> None:
    server = make_tagged(*(f"t{number}" for number in range(50)))
    path = f"/servers/{server.uuid}/tags"
    as_member.put(f"{path}/more", microversion="2.26").expect(400)
    as_member.put(f"{path}/t0", microversion="2.26").expect(400)


def test_a_server_that_nobody_builds_yet(as_member: ApiClient) -> None:
    path = f"/servers/{make_order(tags=['red']).instance.uuid}/tags"
    as_member.get(path, microversion="2.26").expect(404)
    as_member.put(f"{path}/a", microversion="2.26").expect(409)
    as_member.put(path, {"tags": ["a"]}, microversion="2.26").expect(409)
    as_member.delete(f"{path}/red", microversion="2.26").expect(409)
    as_member.delete(path, microversion="2.26").expect(409)


def test_a_lock_does_not_matter_but_an_error_does(as_member: ApiClient) -> None:
    locked, failed = make_instance(locked=True), make_instance(vm_state="error")
    as_member.put(f"/servers/{locked.uuid}/tags/a", microversion="2.26").expect(201)
    as_member.put(f"/servers/{failed.uuid}/tags/a", microversion="2.26").expect(409)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient) -> None:
    server = make_tagged("red")
    path = f"/servers/{server.uuid}/tags"
    assert tags(as_reader, server) == ["red"]
    as_reader.put(f"{path}/a", microversion="2.26").expect(403)
    as_reader.delete(path, microversion="2.26").expect(403)
    as_outsider.get(path, microversion="2.26").expect(404)
    as_outsider.delete(f"{path}/red", microversion="2.26").expect(404)
