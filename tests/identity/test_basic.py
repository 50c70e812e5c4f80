"""HTTP Basic at the identity API: the same name and password as at the other APIs."""

from __future__ import annotations

import base64

import pytest

from compute_site.identity.models import Token
from tests.world.cast import Cast, Persona
from tests.world.client import Answer, ApiClient

PROJECTS = "//identity/v3/projects"


def ask(method: str, path: str, who: Persona, password: str = "", **headers: str) -> Answer:
    secret = base64.b64encode(f"{who.name}:{password or who.password}".encode()).decode()
    sent = {"Authorization": f"Basic {secret}"} | headers
    return ApiClient().send(method, path, headers=sent)


def test_the_admin_lists_projects_by_name_and_password(cast: Cast) -> None:
    tokens = Token.objects.count()
    found = ask("GET", PROJECTS, cast.admin).expect(200).json["projects"]
    assert {"alpha", "beta"} <= {project["name"] for project in found}
    assert Token.objects.count() == tokens


def test_rights_are_those_of_the_user(cast: Cast) -> None:
    ask("GET", PROJECTS, cast.member).expect(403)
    ask("GET", "//identity/v3/auth/projects", cast.member).expect(200)


def test_a_wrong_password_opens_nothing(cast: Cast) -> None:
    ask("GET", PROJECTS, cast.admin, "wrong").expect(401)


def test_the_named_project_counts(cast: Cast) -> None:
    ask("GET", PROJECTS, cast.admin, **{"X-Project-Name": "no such project"}).expect(403)


@pytest.mark.parametrize("header", ["Origin", "Sec-Fetch-Site"])
def test_a_page_of_another_site_changes_nothing(cast: Cast, header: str) -> None:
    foreign = {"Origin": "http://elsewhere.example", "Sec-Fetch-Site": "cross-site"}[header]
    url = f"{PROJECTS}/{cast.outsider.project_id}"
    ask("DELETE", url, cast.admin, **{header: foreign}).expect(403)
