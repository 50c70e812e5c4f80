"""Every line that a request leaves in the log says which request, of whom, and from where."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from django.test import override_settings

from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.log import log_of_site
from tests.world.staff import staff

Log = Callable[[], str]


@pytest.fixture
def log() -> Iterator[Callable[[], str]]:
    with log_of_site() as written:
        yield written


def test_the_line_of_a_refused_request_names_it(anonymous: ApiClient, log: Log) -> None:
    answer = anonymous.get("/servers").expect(401)
    wanted = f"[{answer.headers['x-openstack-request-id']} - 127.0.0.1] Unauthorized: /compute"
    assert wanted in log()


def test_the_line_names_the_user_who_was_known(as_reader: ApiClient, cast: Cast, log: Log) -> None:
    answer = as_reader.delete("/servers/none").expect(404)
    request = answer.headers["x-openstack-request-id"]
    assert f"[{request} {cast.reader.user_id} 127.0.0.1] Not Found" in log()


def test_the_line_names_who_is_known_but_has_no_role(cast: Cast, log: Log) -> None:
    persona = cast.outsider
    basic = base64.b64encode(f"{persona.name}:{persona.password}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "X-Project-Name": "alpha"}
    answer = ApiClient().get("/servers", headers=headers).expect(401)
    request = answer.headers["x-openstack-request-id"]
    assert f"[{request} {persona.user_id} 127.0.0.1] Unauthorized" in log()


def test_the_line_of_an_identity_request_names_the_user(
    as_reader: ApiClient, cast: Cast, log: Log
) -> None:
    answer = as_reader.get("//identity/v3/regions/none").expect(404)
    request = answer.headers["x-openstack-request-id"]
    assert f"[{request} {cast.reader.user_id} 127.0.0.1] Not Found" in log()


def test_the_line_of_a_refused_page_names_who_is_logged_in(cast: Cast, log: Log) -> None:
    client = staff("identity.view_project")
    answer = client.get("/admin/identity/user/")
    assert answer.status_code == 403
    who = client.session["_auth_user_id"]
    assert f"[{answer.headers['x-openstack-request-id']} {who} 127.0.0.1] Forbidden" in log()


def test_the_id_of_the_client_stands_beside_ours(anonymous: ApiClient, log: Log) -> None:
    given = "req-11111111-2222-3333-4444-555555555555"
    answer = anonymous.get("/servers", headers={"X-OpenStack-Request-ID": given})
    assert f"[{answer.headers['x-openstack-request-id']} {given} - 127.0.0.1]" in log()


@pytest.mark.parametrize(
    ("forwarded", "shown"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("198.51.100.7, 2001:DB8::1", "2001:db8::1"),
        ("198.51.100.7, evil\nline", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
def test_behind_a_proxy_the_address_is_what_the_proxy_saw(
    anonymous: ApiClient, log: Log, forwarded: str, shown: str
) -> None:
    with override_settings(OPTIONS=dataclasses.replace(settings.OPTIONS, behind_proxy=True)):
        anonymous.get("/servers", headers={"X-Forwarded-For": forwarded})
    assert f" - {shown}] Unauthorized" in log()


def test_without_a_proxy_nobody_chooses_an_address(anonymous: ApiClient, log: Log) -> None:
    anonymous.get("/servers", headers={"X-Forwarded-For": "198.51.100.7"})
    assert " - 127.0.0.1] Unauthorized" in log()
