"""Every fault has a stable code that programs can tell it by, be a field to blame or not."""

from __future__ import annotations

import uuid

import pytest

from servers.models import VmState
from tests.world.client import ApiClient
from tests.world.factories import make_instance

pytestmark = pytest.mark.django_db


def test_a_thing_that_is_not_there(as_member: ApiClient) -> None:
    answer = as_member.get(f"/servers/{uuid.uuid4()}").expect(404)
    assert [error["code"] for error in answer.errors] == ["no_such_server"]
    assert answer.errors[0]["detail"] == answer.message
    assert answer.blamed == []


def test_a_state_that_does_not_allow_it(as_member: ApiClient) -> None:
    server = make_instance(vm_state=VmState.STOPPED, launched_at="2026-01-01T00:00Z")
    answer = as_member.post(f"/servers/{server.uuid}/action", {"os-stop": None}).expect(409)
    assert [error["code"] for error in answer.errors] == ["wrong_state"]


def test_a_right_that_is_missing(as_reader: ApiClient) -> None:
    answer = as_reader.delete(f"/servers/{make_instance().uuid}").expect(403)
    assert [error["code"] for error in answer.errors] == ["policy_refused"]


def test_no_identity(anonymous: ApiClient) -> None:
    answer = anonymous.get("/servers").expect(401)
    assert [error["code"] for error in answer.errors] == ["unauthorized"]


def test_a_member_of_the_body_that_is_to_blame(as_member: ApiClient) -> None:
    answer = as_member.post("/os-keypairs", {"keypair": {"name": 5}}).expect(400)
    assert answer.blamed == ["keypair.name"]
    assert {error["code"] for error in answer.errors} == {"wrong_type"}
