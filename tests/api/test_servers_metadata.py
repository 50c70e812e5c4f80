"""``/servers/{id}/metadata``."""

from __future__ import annotations

from typing import Any

import pytest

from quotas.models import Limit
from servers.models import Instance
from tests.world.cast import ALPHA
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_order


def kept(server: Instance) -> dict[str, str]:
    return dict(Instance.objects.values_list("metadata", flat=True).get(pk=server.pk))


def test_the_life_of_metadata(as_member: ApiClient) -> None:
    server = make_instance(metadata={"k": "v"})
    path = f"/servers/{server.uuid}/metadata"
    assert as_member.get(path).json == {"metadata": {"k": "v"}}
    added = as_member.post(path, {"metadata": {"m": "x"}}).expect(200)
    assert added.json == {"metadata": {"k": "v", "m": "x"}}
    changed = as_member.put(f"{path}/k", {"meta": {"k": "y"}}).expect(200)
    assert changed.json == {"meta": {"k": "y"}}
    assert as_member.get(f"{path}/k").json == {"meta": {"k": "y"}}
    assert as_member.put(path, {"metadata": {"n": "z"}}).json == {"metadata": {"n": "z"}}
    as_member.delete(f"{path}/n").expect(204)
    as_member.delete(f"{path}/n").expect(404)
    as_member.get(f"{path}/n").expect(404)
    assert kept(server) == {}


def test_an_item_of_the_body_is_that_of_the_url(as_member: ApiClient) -> None:
    server = make_instance()
    as_member.put(f"/servers/{server.uuid}/metadata/k", {"meta": {"m": "x"}}).expect(400)
    as_member.put(f"/servers/{server.uuid}/metadata/k", {"meta": {}}).expect(400)
    both = {"meta": {"k": "x", "m": "y"}}
    as_member.put(f"/servers/{server.uuid}/metadata/k", both).expect(400)


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"m": 5}},
        {"metadata": {"m": None}},
        {"metadata": ["m"]},
        {"metadata": {"m": "v" * 256}},
        {"metadata": {"k" * 256: "v"}},
        {"metadata": {"": "v"}},
        {"metadata": {"a/b": "v"}},
        {"metadata": None},
        {"m": "x"},
        {"metadata": {}, "more": 1},
        None,
    ],
)
def test_wrong_bodies_are_refused(as_member: ApiClient, body: Any) -> None:
    server = make_instance()
    as_member.post(f"/servers/{server.uuid}/metadata", body).expect(400)
    as_member.put(f"/servers/{server.uuid}/metadata", body).expect(400)


def test_a_quota_limits_the_items(as_member: ApiClient) -> None:
    Limit.objects.create(project_id=ALPHA, resource="metadata_items", limit=2)
    server = make_instance(metadata={"a": "1", "b": "2"})
    path = f"/servers/{server.uuid}/metadata"
    as_member.post(path, {"metadata": {"c": "3"}}).expect(403)
    as_member.post(path, {"metadata": {"b": "3"}}).expect(200)
    as_member.put(path, {"metadata": {"x": "", "y": "", "z": ""}}).expect(403)
    assert kept(server) == {"a": "1", "b": "3"}


def test_a_server_that_nobody_builds_yet_has_none(as_member: ApiClient) -> None:
    server = make_order(metadata={"k": "v"}).instance
    path = f"/servers/{server.uuid}/metadata"
    assert as_member.get(path).json == {"metadata": {}}
    as_member.get(f"{path}/k").expect(404)
    as_member.post(path, {"metadata": {"m": "x"}}).expect(409)
    as_member.put(f"{path}/k", {"meta": {"k": "x"}}).expect(409)
    as_member.delete(f"{path}/k").expect(404)
    assert kept(server) == {"k": "v"}


@pytest.mark.parametrize(
    "fields",
    [{"locked": True}, {"vm_state": "error"}, {"task_state": "powering-off"}],
)
def test_states_that_forbid_it(as_member: ApiClient, fields: dict[str, Any]) -> None:
    server = make_instance(metadata={"k": "v"}, **fields)
    path = f"/servers/{server.uuid}/metadata"
    as_member.post(path, {"metadata": {"m": "x"}}).expect(409)
    as_member.delete(f"{path}/k").expect(409)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient) -> None:
    server = make_instance(metadata={"k": "v"})
    path = f"/servers/{server.uuid}/metadata"
    assert as_reader.get(f"{path}/k").expect(200).json == {"meta": {"k": "v"}}
    as_reader.post(path, {"metadata": {"m": "x"}}).expect(403)
    as_reader.delete(f"{path}/k").expect(403)
    as_outsider.get(path).expect(404)
    as_outsider.put(path, {"metadata": {"m": "x"}}).expect(404)
