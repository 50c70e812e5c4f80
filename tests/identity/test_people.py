"""Projects, users and roles as the cloud's admin makes, changes and removes them."""

from __future__ import annotations

import pytest

from compute_site.identity import leaving
from compute_site.identity.ids import stable_id
from compute_site.identity.models import Project, Role, User
from compute_site.waiting import held as waiting
from servers.models import Instance
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_network, make_port, make_project, make_user

pytestmark = pytest.mark.django_db
V3 = "//identity/v3"
MEMBER = stable_id("role", "member")
MANAGER = stable_id("role", "manager")


def log_in(client: ApiClient, name: str, password: str, *, expect: int = 201) -> None:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    identity = {"methods": ["password"], "password": {"user": user}}
    client.post(f"{V3}/auth/tokens", {"auth": {"identity": identity}}).expect(expect)


def test_a_project_is_made_changed_and_removed(as_admin: ApiClient) -> None:
    order = {"name": "new", "description": "fresh", "domain_id": "default", "colour": "blue"}
    made = as_admin.post(f"{V3}/projects", {"project": order}).expect(201).json["project"]
    assert made | order == made
    assert made["enabled"] is True
    path = f"{V3}/projects/{made['id']}"

    changed = as_admin.patch(path, {"project": {"name": "newer", "enabled": False}}).expect(200)

    assert (changed.json["project"]["name"], changed.json["project"]["enabled"]) == ("newer", False)
    assert changed.json["project"]["colour"] == "blue"
    assert set(Project.objects.get(pk=made["id"]).roles.values_list("role", flat=True)) == set(Role)
    as_admin.delete(path).expect(204)
    as_admin.get(path).expect(404)


def test_a_user_is_made_changed_and_removed(as_admin: ApiClient, anonymous: ApiClient) -> None:
    order = {
        "name": "new",
        "email": "new@example.org",
        "default_project_id": ALPHA,
        "description": "fresh",
    }
    made = as_admin.post(f"{V3}/users", {"user": order | {"password": "first"}}).expect(201)
    shown = made.json["user"]
    assert shown | order == shown
    assert "password" not in shown
    path = f"{V3}/users/{shown['id']}"
    log_in(anonymous, "new", "first")

    as_admin.patch(path, {"user": {"password": "second", "name": "newer"}}).expect(200)

    log_in(anonymous, "newer", "first", expect=401)
    log_in(anonymous, "newer", "second")
    as_admin.delete(path).expect(204)
    log_in(anonymous, "newer", "second", expect=401)


def test_without_a_password_nobody_logs_in(as_admin: ApiClient, anonymous: ApiClient) -> None:
    as_admin.post(f"{V3}/users", {"user": {"name": "closed", "password": None}}).expect(201)
    log_in(anonymous, "closed", "", expect=401)


def test_a_user_changes_the_own_password(as_member: ApiClient, cast: Cast) -> None:
    path = f"{V3}/users/{cast.member.user_id}/password"
    new = {"original_password": cast.member.password, "password": "another"}

    as_member.post(path, {"user": new | {"original_password": "wrong"}}).expect(401)
    as_member.post(path, {"user": {"password": "another"}}).expect(400)
    as_member.post(path, {"user": new}).expect(204)

    as_member.get(f"{V3}/projects").expect(401)  # the token went with the old password
    log_in(as_member, cast.member.name, "another")


WRONG: list[tuple[str, str, object, str]] = [
    ("projects", "project", {}, "project.name"),
    ("projects", "project", {"name": " "}, "project.name"),
    ("projects", "project", {"name": "n" * 65}, "project.name"),
    ("projects", "project", {"name": "x", "enabled": "yes"}, "project.enabled"),
    ("projects", "project", {"name": "x", "description": 5}, "project.description"),
    ("projects", "project", {"name": "x", "domain_id": "other"}, "project.domain_id"),
    ("projects", "project", {"name": "x", "parent_id": "none"}, "project.parent_id"),
    ("projects", "project", {"name": "x", "is_domain": "yes"}, "project.is_domain"),
    ("projects", "project", {"name": "x", "tags": ["blue,red"]}, "project.tags"),
    ("projects", "project", {"name": "x", "more": ["\0"]}, "project"),
    ("projects", "project", [], "project"),
    ("users", "user", {}, "user.name"),
    ("users", "user", {"name": "u" * 256}, "user.name"),
    ("users", "user", {"name": "x\0"}, "user.name"),
    ("users", "user", {"name": "x", "password": 5}, "user.password"),
    ("users", "user", {"name": "x", "default_project_id": "none"}, "user.default_project_id"),
    ("users", "user", {"name": "x", "options": {"lock_password": "yes"}}, "user.options"),
]


@pytest.mark.parametrize(("path", "key", "order", "blamed"), WRONG)
def test_a_wrong_member_is_named(
    as_admin: ApiClient, path: str, key: str, order: object, blamed: str
) -> None:
    answer = as_admin.post(f"{V3}/{path}", {key: order}).expect(400)
    assert answer.message.startswith(f"{blamed}: ")


def test_a_name_is_given_once(as_admin: ApiClient, cast: Cast) -> None:
    as_admin.post(f"{V3}/projects", {"project": {"name": "beta"}}).expect(409)
    as_admin.patch(f"{V3}/projects/{ALPHA}", {"project": {"name": "beta"}}).expect(409)
    as_admin.post(f"{V3}/users", {"user": {"name": cast.member.name}}).expect(409)


def test_only_the_admin_changes_people(as_manager: ApiClient, cast: Cast) -> None:
    user = f"{V3}/users/{cast.manager.user_id}"
    grant = f"{V3}/projects/{ALPHA}/users/{cast.manager.user_id}/roles"
    for method, path in (
        *(("POST", f"{V3}/projects"), ("PATCH", f"{V3}/projects/{ALPHA}")),
        *(("DELETE", f"{V3}/projects/{ALPHA}"), ("POST", f"{V3}/users")),
        *(("PATCH", user), ("DELETE", user), ("GET", grant)),
        *((method, f"{grant}/{MANAGER}") for method in ("PUT", "GET", "DELETE")),
    ):
        as_manager.send(method, path, {}).expect(403)


def test_a_role_is_given_and_taken_away(as_admin: ApiClient, cast: Cast) -> None:
    roles = f"{V3}/projects/{BETA}/users/{cast.member.user_id}/roles"
    as_admin.head(f"{roles}/{MEMBER}").expect(404)

    for _ in range(2):
        as_admin.put(f"{roles}/{MEMBER}").expect(204)

    as_admin.head(f"{roles}/{MEMBER}").expect(204)
    assert [role["name"] for role in as_admin.get(roles).expect(200).json["roles"]] == ["member"]
    assert cast.member.user.groups.filter(name="beta/member").exists()
    as_admin.delete(f"{roles}/{MEMBER}").expect(204)
    as_admin.delete(f"{roles}/{MEMBER}").expect(404)


@pytest.mark.parametrize(
    "path",
    [
        f"/projects/nothing/users/{'01' * 16}/roles/{MEMBER}",
        f"/projects/{ALPHA}/users/nothing/roles/{MEMBER}",
        f"/projects/{ALPHA}/users/{'01' * 16}/roles/nothing",
        f"/projects/{ALPHA}%00/users/{'01' * 16}/roles/{MEMBER}",
    ],
)
def test_a_role_of_nothing_is_404(as_admin: ApiClient, path: str) -> None:
    as_admin.put(V3 + path).expect(404)


def test_the_roles_are_listed(as_admin: ApiClient) -> None:
    roles = as_admin.get(f"{V3}/roles").expect(200).json["roles"]
    assert {role["name"] for role in roles} == {*Role, "service"}
    found = as_admin.get(f"{V3}/roles?name=member").expect(200).json["roles"]
    assert [role["id"] for role in found] == [MEMBER]
    assert as_admin.get(f"{V3}/roles/{MEMBER}").expect(200).json["role"]["name"] == "member"
    as_admin.get(f"{V3}/roles/member").expect(404)


def held(client: ApiClient, query: str = "") -> list[tuple[str, str, str]]:
    url = f"{V3}/role_assignments?include_names=True{query}"
    return [
        (item["user"]["name"], item["scope"]["project"]["name"], item["role"]["name"])
        for item in client.get(url).expect(200).json["role_assignments"]
    ]


def test_the_admin_sees_who_holds_which_role(as_admin: ApiClient, cast: Cast) -> None:
    assert ("alpha-manager", "alpha", "manager") in held(as_admin)
    assert held(as_admin, f"&scope.project.id={BETA}") == [("beta-member", "beta", "member")]
    assert [row[0] for row in held(as_admin, f"&role.id={MANAGER}")] == ["alpha-manager"]
    manager = f"&user.id={cast.manager.user_id}"
    assert held(as_admin, manager) == [("alpha-manager", "alpha", "manager")]
    effective = {row[2] for row in held(as_admin, f"{manager}&effective")}
    assert effective == {"reader", "member", "manager"}
    assert held(as_admin, "&scope.system=all") == []


@pytest.mark.parametrize("key", ["user.id", "role.id", "scope.project.id"])
def test_nobody_has_an_id_with_a_nul(as_admin: ApiClient, key: str) -> None:
    assert held(as_admin, f"&{key}=%00") == []


def test_assignments_are_ids_unless_names_are_wanted(as_admin: ApiClient, cast: Cast) -> None:
    url = f"{V3}/role_assignments?user.id={cast.member.user_id}"
    (found,) = as_admin.get(url).expect(200).json["role_assignments"]
    link = f"http://testserver/identity/v3/projects/{ALPHA}/users/{cast.member.user_id}/roles"
    assert found == {
        "role": {"id": MEMBER},
        "user": {"id": cast.member.user_id},
        "scope": {"project": {"id": ALPHA}},
        "links": {"assignment": f"{link}/{MEMBER}"},
    }


def test_a_project_with_servers_stays(as_admin: ApiClient) -> None:
    project = make_project()
    make_instance(project_id=project.pk)
    assert "servers" in as_admin.delete(f"{V3}/projects/{project.pk}").expect(409).message


def test_a_user_with_servers_stays(as_admin: ApiClient, cast: Cast) -> None:
    user = make_user(project=cast.alpha)
    make_instance(user_id=user.pk)
    as_admin.delete(f"{V3}/users/{user.pk}").expect(409)


@pytest.mark.parametrize("owner", ["project", "user"])
def test_the_last_servers_that_are_being_deleted_are_waited_for(
    as_admin: ApiClient, cast: Cast, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    project, user = make_project("p"), make_user("u")
    make_instance(project_id=project.pk, user_id=user.pk, task_state="deleting")
    path = f"{V3}/{owner}s/{(project if owner == 'project' else user).pk}"
    deleted = {"deleted_at": "2026-01-01T00:00Z", "vm_state": "deleted", "task_state": None}
    servers = Instance.objects.filter(project=project)
    monkeypatch.setattr(waiting, "sleep", lambda _seconds: servers.update(**deleted))
    as_admin.delete(path).expect(204)
    as_admin.get(path).expect(404)


@pytest.mark.parametrize("owner", ["project", "user"])
def test_others_are_not(
    as_admin: ApiClient, cast: Cast, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    project, user = make_project("p"), make_user("u")
    for task in ("deleting", None):
        make_instance(project_id=project.pk, user_id=user.pk, task_state=task)
    monkeypatch.setattr(waiting, "sleep", lambda _seconds: pytest.fail("it waits"))
    path = f"{V3}/{owner}s/{(project if owner == 'project' else user).pk}"
    assert "still has servers" in as_admin.delete(path).expect(409).message


def test_the_waiting_ends(as_admin: ApiClient, cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make_project("p")
    make_instance(project_id=project.pk, user_id=make_user("u").pk, task_state="deleting")
    monkeypatch.setattr(leaving, "WAIT_SECONDS", 0)
    as_admin.delete(f"{V3}/projects/{project.pk}").expect(409)


def test_deleted_servers_go_with_their_owners(as_admin: ApiClient, cast: Cast) -> None:
    project = make_project()
    user = make_user(project=project)
    for user_id in (user.pk, cast.member.user_id):
        make_instance(
            project_id=project.pk,
            user_id=user_id,
            vm_state="deleted",
            deleted_at="2026-01-01T00:00Z",
        )

    as_admin.delete(f"{V3}/users/{user.pk}").expect(204)
    as_admin.delete(f"{V3}/projects/{project.pk}").expect(204)

    assert not Instance.objects.filter(project_id=project.pk).exists()
    assert not User.objects.filter(pk=user.pk).exists()


def test_a_network_that_others_use_keeps_its_project(as_admin: ApiClient) -> None:
    project = make_project()
    make_port(network=make_network(project_id=project.pk), project_id=ALPHA)
    assert "Ports" in as_admin.delete(f"{V3}/projects/{project.pk}").expect(409).message


def test_a_network_whose_addresses_others_hold_keeps_its_project(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    project = make_project()
    network = make_network(project_id=project.pk, external=True)
    asked = {"floatingip": {"floating_network_id": str(network.pk)}}
    as_member.post("//network/v2.0/floatingips", asked).expect(201)
    assert "floating" in as_admin.delete(f"{V3}/projects/{project.pk}").expect(409).message


def test_people_are_filtered(as_admin: ApiClient) -> None:
    make_project("closed", enabled=False)

    def names(path: str, key: str) -> list[str]:
        return [item["name"] for item in as_admin.get(f"{V3}/{path}").expect(200).json[key]]

    assert names("projects?enabled=False", "projects") == ["closed"]
    assert names("projects?enabled=True&domain_id=default", "projects") == ["alpha", "beta"]
    assert names("projects?domain_id=other", "projects") == []
    assert names("projects?is_domain=True", "projects") == ["Default"]
    assert names("projects?name=%00", "projects") == []
    assert names("users?enabled=false", "users") == []
    assert names("users?name=beta-member&domain_id=default", "users") == ["beta-member"]


@pytest.mark.parametrize(
    ("key", "name"),
    [("domain", "Default"), ("region", None), ("service", "nova"), ("endpoint", None)],
)
def test_the_catalogue_is_read_part_by_part(
    as_admin: ApiClient, key: str, name: str | None
) -> None:
    items = as_admin.get(f"{V3}/{key}s").expect(200).json[f"{key}s"]
    if name is not None:
        items = as_admin.get(f"{V3}/{key}s?name={name}").expect(200).json[f"{key}s"]
        assert [item["name"] for item in items] == [name]
    one = as_admin.get(f"{V3}/{key}s/{items[0]['id']}").expect(200).json[key]
    assert one == items[0]
    as_admin.get(f"{V3}/{key}s/nothing").expect(404)
