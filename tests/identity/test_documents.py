"""Version documents, projects and users of the identity API."""

from __future__ import annotations

import pytest

from compute_site.identity.models import Role, Token
from compute_site.neighbours.identity.api import envelope
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_project, make_user

pytestmark = pytest.mark.django_db
V3 = "//identity/v3"


@pytest.mark.parametrize("path", ["//identity", "//identity/"])
def test_everyone_may_see_the_versions(anonymous: ApiClient, path: str) -> None:
    (version,) = anonymous.get(path).expect(300).json["versions"]["values"]

    assert version["id"].startswith("v3.")
    assert version["status"] == "stable"
    assert version["links"] == [{"rel": "self", "href": "http://testserver/identity/v3/"}]


@pytest.mark.parametrize("path", ["//identity/v3", "//identity/v3/"])
def test_everyone_may_see_the_version(anonymous: ApiClient, path: str) -> None:
    assert anonymous.get(path).expect(200).json["version"]["id"].startswith("v3.")


@pytest.mark.parametrize("path", ["//identity/v2.0", "//identity/v3/nothing"])
def test_an_unknown_url_is_404_in_the_envelope(as_admin: ApiClient, path: str) -> None:
    assert as_admin.get(path).expect(404).json["error"]["title"] == "Not Found"


def test_a_method_that_a_url_does_not_have_is_405(as_admin: ApiClient) -> None:
    answer = as_admin.put("//identity/v3/auth/tokens", {}).expect(405)

    assert answer.json["error"]["title"] == "Method Not Allowed"


@pytest.mark.parametrize("path", ["/projects", "/users", "/auth/projects", "/auth/catalog"])
def test_nothing_else_is_for_everyone(anonymous: ApiClient, path: str) -> None:
    anonymous.get(V3 + path).expect(401)


def names(client: ApiClient, path: str, key: str = "projects") -> list[str]:
    return [item["name"] for item in client.get(V3 + path).expect(200).json[key]]


def test_the_admin_sees_every_project_and_a_member_the_own(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    assert names(as_admin, "/projects") == ["alpha", "beta"]
    assert names(as_member, "/auth/projects") == ["alpha"]
    as_member.get(f"{V3}/projects").expect(403)


def test_projects_are_filtered_by_name(as_admin: ApiClient) -> None:
    assert names(as_admin, "/projects?name=beta") == ["beta"]


def test_a_user_sees_where_a_token_can_be_got_for(as_member: ApiClient, cast: Cast) -> None:
    user = cast.member.user
    user.groups.add(cast.beta.roles.get(role=Role.READER).group)
    user.groups.add(cast.beta.roles.get(role=Role.MEMBER).group)
    closed = make_project("closed", enabled=False)
    user.groups.add(closed.roles.get(role=Role.MEMBER).group)

    assert names(as_member, "/auth/projects") == ["alpha", "beta"]
    assert names(as_member, f"/users/{user.pk}/projects") == ["alpha", "beta", "closed"]


def test_a_project_is_shown(as_member: ApiClient) -> None:
    assert as_member.get(f"{V3}/projects/{ALPHA}").expect(200).json["project"] == {
        "id": ALPHA,
        "name": "alpha",
        "description": "",
        "enabled": True,
        "domain_id": "default",
        "parent_id": "default",
        "is_domain": False,
        "tags": [],
        "options": {},
        "links": {"self": f"http://testserver/identity/v3/projects/{ALPHA}"},
    }


@pytest.mark.parametrize("project_id", [BETA, "alpha", "nothing"])
def test_a_foreign_project_looks_like_none(as_member: ApiClient, project_id: str) -> None:
    """Keystone: 403 for both, so that nobody learns which ids there are."""
    as_member.get(f"{V3}/projects/{project_id}").expect(403)


def test_the_admin_sees_every_user_and_a_member_oneself(
    as_admin: ApiClient, as_member: ApiClient, cast: Cast
) -> None:
    assert len(names(as_admin, "/users", "users")) == len(cast.personas)
    as_member.get(f"{V3}/users").expect(403)
    assert names(as_admin, "/users?name=beta-member", "users") == ["beta-member"]


def test_a_user_is_shown_to_oneself_and_the_admin(
    as_admin: ApiClient, as_member: ApiClient, cast: Cast
) -> None:
    for client in (as_admin, as_member):
        shown = client.get(f"{V3}/users/{cast.member.user_id}").expect(200).json["user"]
        assert shown["name"] == "alpha-member"
        assert shown["default_project_id"] == ALPHA
        assert "password" not in shown
    as_member.get(f"{V3}/users/{cast.outsider.user_id}").expect(403)


def test_an_unscoped_token_is_never_an_admin_s(as_admin: ApiClient) -> None:
    Token.objects.update(project=None)

    assert names(as_admin, "/auth/projects") == ["alpha"]
    as_admin.get(f"{V3}/projects").expect(403)


def test_a_project_has_its_role_groups_from_the_start() -> None:
    project = make_project("new")

    assert sorted(entry.group.name for entry in project.roles.all()) == [
        "new/admin",
        "new/manager",
        "new/member",
        "new/reader",
    ]


def test_a_user_of_a_new_project_can_log_in(anonymous: ApiClient) -> None:
    make_user("new-user", project=make_project("new"))
    user = {"name": "new-user", "domain": {"id": "default"}, "password": "secret"}
    identity = {"methods": ["password"], "password": {"user": user}}

    answer = anonymous.post(f"{V3}/auth/tokens", {"auth": {"identity": identity}}).expect(201)

    assert answer.json["token"]["project"]["name"] == "new"


def test_an_unexpected_error_is_logged_and_leaks_nothing(
    as_member: ApiClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(envelope, "find_token", fail)

    answer = as_member.get(f"{V3}/projects").expect(500)

    assert answer.json["error"]["title"] == "Internal Server Error"
    assert b"a secret of the inside" not in answer.content
    assert "a secret of the inside" in caplog.text


def test_lists_are_filtered_by_parts_of_names_and_cut(as_admin: ApiClient, cast: Cast) -> None:
    assert names(as_admin, "/projects?name__contains=lph") == ["alpha"]
    assert names(as_admin, "/projects?name__istartswith=AL") == ["alpha"]
    assert names(as_admin, "/users?name__endswith=-reader", "users") == ["alpha-reader"]
    first = as_admin.get(f"{V3}/projects?limit=1").expect(200).json
    assert len(first["projects"]) == 1
    assert first["truncated"] is True
    marker = first["projects"][0]["id"]
    rest = as_admin.get(f"{V3}/projects?marker={marker}").expect(200).json
    assert "truncated" not in rest
    assert marker not in [project["id"] for project in rest["projects"]]
    as_admin.get(f"{V3}/projects?marker=nothing").expect(404)


@pytest.mark.parametrize(
    "query",
    [
        *("/projects?colour=red", "/projects?name__like=a", "/projects?enabled=maybe"),
        *("/projects?limit=few", "/users?email=a", "/roles?colour=red", "/domains?colour=red"),
        *("/role_assignments?user=a", "/role_assignments?effective=maybe", "/services?colour=red"),
    ],
)
def test_a_filter_that_filters_nothing_is_refused(as_admin: ApiClient, query: str) -> None:
    as_admin.get(f"{V3}{query}").expect(400)


def test_tokens_are_for_projects_alone(as_admin: ApiClient, anonymous: ApiClient) -> None:
    assert as_admin.get(f"{V3}/auth/domains").expect(200).json["domains"] == []
    assert as_admin.get(f"{V3}/auth/system").expect(200).json["system"] == []
    anonymous.get(f"{V3}/auth/system").expect(401)


def test_urls_may_end_in_a_slash(as_admin: ApiClient) -> None:
    assert as_admin.get(f"{V3}/projects/").expect(200).json["projects"]
    as_admin.get(f"{V3}/projects/{ALPHA}/").expect(200)
    as_admin.get(f"{V3}/nothing/").expect(404)
