"""``POST /servers/{id}/action``: which fault comes first, and what names no action at all."""

from __future__ import annotations

from typing import Any

import pytest

from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_order

UNKNOWN_ID = "00000000-0000-4000-8000-00000000ffff"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"os-start": None}, 404),
        ({"os-stop": None}, 404),
        ({"trigger_crash_dump": None}, 404),
        ({"pause": None}, 409),
        ({"reboot": {"type": "HARD"}}, 409),
        ({"os-getConsoleOutput": {}}, 409),
        ({"rescue": None}, 409),
        ({"rescue": {"rescue_image_ref": UNKNOWN_ID}}, 409),
        ({"unshelve": {}}, 409),
        ({"unshelve": None}, 409),
        ({"rebuild": {"imageRef": UNKNOWN_ID, "key_name": ""}}, 400),
    ],
)
def test_a_server_that_nobody_builds_yet_refuses(
    as_member: ApiClient, body: dict[str, Any], status: int
) -> None:
    server = make_order().instance
    url = f"/servers/{server.uuid}/action"
    as_member.post(url, body, microversion="2.95").expect(status)


@pytest.mark.parametrize("action", ["os-start", "os-stop"])
def test_where_a_server_is_looked_for_on_a_host_rights_come_later(
    as_reader: ApiClient, action: str
) -> None:
    as_reader.post(f"/servers/{make_order().instance.uuid}/action", {action: None}).expect(404)
    built = make_instance(vm_state="active")
    as_reader.post(f"/servers/{built.uuid}/action", {action: None}).expect(403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (0, 404),
        (1.5, 404),
        (True, 404),
        (None, 400),
        ("a", 404),
        (["pause"], 404),
        ("", 400),
        ("pause", 400),
        ([], 400),
        (["pause", "lock"], 400),
        ({}, 400),
    ],
)
@pytest.mark.parametrize(
    "url", [f"/servers/{UNKNOWN_ID}/action", "/flavors/none/action", "/os-aggregates/1/action"]
)
def test_a_body_that_is_no_object_names_no_action(
    as_admin: ApiClient, url: str, body: Any, status: int
) -> None:
    as_admin.post(url, body).expect(status)


@pytest.mark.parametrize("version", ["2.1", "2.104"])
def test_networks_are_not_reset_any_more(as_reader: ApiClient, version: str) -> None:
    url = f"/servers/{UNKNOWN_ID}/action"
    as_reader.post(url, {"resetNetwork": 7}, microversion=version).expect(410)


@pytest.mark.parametrize("key_name", [" ", " none ", "x" * 255])
def test_the_name_of_another_key_may_hold_any_space(as_member: ApiClient, key_name: str) -> None:
    server = make_order().instance
    body = {"rebuild": {"imageRef": UNKNOWN_ID, "key_name": key_name}}
    url = f"/servers/{server.uuid}/action"
    as_member.post(url, body, microversion="2.54").expect(409)  # its state, not its name
