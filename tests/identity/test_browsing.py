"""The browsable pages know who looks at them, in each way of being known."""

from __future__ import annotations

import base64

import pytest
from django.test import Client

from tests.world.cast import Cast

pytestmark = pytest.mark.django_db
HTML = "text/html,application/xhtml+xml"
URL = "/compute/v2.1/servers"


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def test_a_page_for_a_session_shows_who_is_logged_in(cast: Cast) -> None:
    http = Client(headers={"Accept": HTML})
    http.login(username="alpha-member", password="alpha-member")

    page = http.get(URL)

    assert page.status_code == 200
    assert page["Content-Type"].startswith("text/html")
    assert "alpha-member" in page.content.decode()


@pytest.mark.parametrize(
    "headers",
    [{"X-Auth-Token": Cast.member.token}, {"Authorization": basic("alpha-member", "alpha-member")}],
    ids=["token", "basic"],
)
def test_other_proofs_are_those_of_programs(cast: Cast, headers: dict[str, str]) -> None:
    answer = Client(headers={"Accept": HTML} | headers).get(URL)

    assert answer.status_code == 200
    assert answer.json() == {"servers": []}


def test_a_refusal_is_a_page_too(cast: Cast) -> None:
    page = Client(headers={"Accept": HTML}).get(URL)

    assert page.status_code == 401
    assert page["Content-Type"].startswith("text/html")
    assert "unauthorized" in page.content.decode()


@pytest.mark.parametrize(
    "headers",
    [{"X-Auth-Token": "unknown"}, {"Authorization": basic("alpha-member", "wrong")}],
    ids=["token", "basic"],
)
def test_a_refused_proof_is_told_to_a_program(cast: Cast, headers: dict[str, str]) -> None:
    answer = Client(headers={"Accept": HTML} | headers).get(URL)

    assert answer.status_code == 401
    assert "unauthorized" in answer.json()
