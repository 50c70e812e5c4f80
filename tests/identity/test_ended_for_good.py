"""What was ended does not come back: tokens, sessions and application credentials of who was
disabled, of a project that was disabled, of a role that was lost, of an old password.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from compute_site.cloudfile.load import load_cloud
from compute_site.identity import passwords, proof
from compute_site.identity.ids import stable_id
from compute_site.identity.models import ApplicationCredential, Project, Role, Token, User
from compute_site.policy.grants import give_role
from servers.worker.tasks import purge_jobs
from tests.site.test_admin_more_rights import page, roles_form
from tests.world.cast import ALPHA, Cast, Persona
from tests.world.client import Answer, ApiClient
from tests.world.staff import operator

pytestmark = pytest.mark.django_db
V3 = "//identity/v3"


def make_credential(persona: Persona, role: str = "member") -> dict[str, Any]:
    order = {"name": f"robot-{role}", "roles": [{"name": role}]}
    path = f"{V3}/users/{persona.user_id}/application_credentials"
    answer = ApiClient(persona).post(path, {"application_credential": order}).expect(201)
    made: dict[str, Any] = answer.json["application_credential"]
    return made


def log_in_with(credential: dict[str, Any]) -> Answer:
    proof = {"id": credential["id"], "secret": credential["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": proof}
    return ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity}})


def log_in(persona: Persona) -> Answer:
    user = {"id": persona.user_id, "password": persona.password}
    identity = {"methods": ["password"], "password": {"user": user}}
    return ApiClient().post(f"{V3}/auth/tokens", {"auth": {"identity": identity}})


def by_api(kind: str, key: str) -> Callable[[bool], None]:
    def enable(enabled: bool) -> None:
        path, body = f"{V3}/{kind}s/{key}", {kind: {"enabled": enabled}}
        ApiClient(Cast.admin).patch(path, body).expect(200)

    return enable


def by_file(section: str, entry: dict[str, Any]) -> Callable[[bool], None]:
    return lambda enabled: (load_cloud({section: [entry | {"enabled": enabled}]}), None)[1]


def by_row(model: Any, column: str, key: str) -> Callable[[bool], None]:
    """As the pages of the admin do."""

    def enable(enabled: bool) -> None:
        row = model.objects.get(pk=key)
        setattr(row, column, enabled)
        row.save()

    return enable


MEMBER = {"name": "alpha-member", "projects": [{"project": "alpha", "role": "member"}]}
OF_USER = {
    "api": by_api("user", Cast.member.user_id),
    "file": by_file("users", MEMBER),
    "row": by_row(User, "is_active", Cast.member.user_id),
}
OF_PROJECT = {
    "api": by_api("project", ALPHA),
    "file": by_file("projects", {"id": ALPHA, "name": "alpha"}),
    "row": by_row(Project, "enabled", ALPHA),
}


@pytest.mark.parametrize("enable", OF_USER.values(), ids=OF_USER.keys())
def test_a_user_who_is_enabled_again_begins_anew(
    as_member: ApiClient, enable: Callable[[bool], None]
) -> None:
    credential = make_credential(Cast.member)
    page = Client()
    page.force_login(Cast.member.user, backend="django.contrib.auth.backends.ModelBackend")
    as_member.get("/servers").expect(200)
    assert page.get("/compute/v2.1/servers").status_code == 200

    enable(False)
    enable(True)

    as_member.get("/servers").expect(401)
    assert page.get("/compute/v2.1/servers").status_code == 401
    log_in_with(credential).expect(401)
    assert not ApplicationCredential.objects.exists()
    log_in(Cast.member).expect(201)


@pytest.mark.parametrize("enable", OF_PROJECT.values(), ids=OF_PROJECT.keys())
def test_the_tokens_of_a_project_do_not_come_back_with_it(
    as_member: ApiClient, enable: Callable[[bool], None]
) -> None:
    give_role(Cast.admin.user, Cast.outsider.project, Role.ADMIN)
    Token.objects.filter(user=Cast.admin.user_id).update(project=Cast.outsider.project_id)
    as_member.get("/servers").expect(200)

    enable(False)
    as_member.get("/servers").expect(401)
    enable(True)

    as_member.get("/servers").expect(401)
    assert not Token.objects.filter(project=ALPHA).exists()
    assert Token.objects.filter(user=Cast.outsider.user_id).exists()


def role_path(role: Role) -> str:
    ids = (ALPHA, Cast.member.user_id, stable_id("role", role.value))
    return "{}/projects/{}/users/{}/roles/{}".format(V3, *ids)


def test_what_a_lost_role_gave_does_not_come_back_with_it(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    credential = make_credential(Cast.member)
    as_admin.delete(role_path(Role.MEMBER)).expect(204)
    as_admin.put(role_path(Role.MEMBER)).expect(204)

    as_member.get("/servers").expect(401)
    log_in_with(credential).expect(401)
    log_in(Cast.member).expect(201)


def test_another_role_in_the_project_keeps_what_it_gives(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    small, large = make_credential(Cast.member, "reader"), make_credential(Cast.member, "member")
    as_admin.put(role_path(Role.READER)).expect(204)
    as_admin.delete(role_path(Role.MEMBER)).expect(204)

    as_member.get("/servers").expect(200)
    log_in_with(small).expect(201)
    log_in_with(large).expect(401)


def on_the_page_of_the_project(role: Role | None) -> None:
    project = Cast.member.project
    users = {name.value: [Cast.member.user_id] * (name is role) for name in Role}
    form = roles_form(project, **users | {"admin": [Cast.admin.user_id]})
    assert operator().post(page(project, "change"), form).status_code == 302


def on_the_page_of_the_user(role: Role | None) -> None:
    user = Cast.member.user
    groups = Cast.member.project.roles.filter(role=role).values_list("group", flat=True)
    form = {"username": user.username, "is_active": "on", "groups": list(groups)}
    assert operator().post(page(user, "change"), form).status_code == 302


def in_a_file(role: Role | None) -> None:
    projects = [{"project": "alpha", "role": role.value}] if role else []
    load_cloud({"users": [MEMBER | {"projects": projects}]})


@pytest.mark.parametrize("give", [on_the_page_of_the_project, on_the_page_of_the_user, in_a_file])
def test_a_role_is_lost_in_whatever_way_it_is_taken(
    as_member: ApiClient, give: Callable[[Role | None], None]
) -> None:
    credential = make_credential(Cast.member)
    give(Role.MANAGER)
    as_member.get("/servers").expect(200)
    log_in_with(credential).expect(201)

    give(None)
    give(Role.MANAGER)

    as_member.get("/servers").expect(401)
    log_in_with(credential).expect(401)


def test_a_new_password_ends_sessions_and_tokens(as_admin: ApiClient, as_member: ApiClient) -> None:
    page = Client()
    page.force_login(Cast.member.user, backend="django.contrib.auth.backends.ModelBackend")
    body = {"user": {"password": Cast.member.password}}  # the same one
    as_admin.patch(f"{V3}/users/{Cast.member.user_id}", body).expect(200)
    as_member.get("/servers").expect(401)
    assert page.get("/compute/v2.1/servers").status_code == 401


def test_an_operator_who_sets_the_own_password_stays(cast: Cast) -> None:
    client = operator()
    user = User.objects.get(pk=client.session["_auth_user_id"])
    user.set_password("old one 1")
    user.save()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    new = {
        "old_password": "old one 1",
        "new_password1": "new one 22",
        "new_password2": "new one 22",
    }
    assert client.post("/admin/password_change/", new).status_code == 302
    assert client.get("/admin/").status_code == 200


def test_the_action_that_revokes_tokens_ends_sessions(as_member: ApiClient) -> None:
    page = Client()
    page.force_login(Cast.member.user, backend="django.contrib.auth.backends.ModelBackend")
    action = {"action": "revoke_tokens", "_selected_action": [Cast.member.user_id]}
    operator().post("/admin/identity/user/", action)
    as_member.get("/servers").expect(401)
    assert page.get("/compute/v2.1/servers").status_code == 401


def disable_and_enable() -> None:
    OF_USER["row"](False)
    OF_USER["row"](True)


def set_password() -> None:
    user = Cast.member.user
    user.set_password("another one")
    user.save()


def disable() -> None:
    OF_USER["row"](False)


def disable_project() -> None:
    OF_PROJECT["row"](False)


@pytest.mark.parametrize("happens", [disable_and_enable, disable, set_password, disable_project])
def test_who_signs_in_meanwhile_gets_no_token_that_outlives_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]
) -> None:
    """Hashing takes its time: what happens in it must not be missed."""

    def verify(*given: Any) -> bool:
        right = passwords.verify_password(*given)
        happens()
        return right

    monkeypatch.setattr(proof, "verify_password", verify)
    log_in(Cast.member).expect(401)
    assert not Token.objects.filter(user=cast.member.user_id).exists()


def test_sessions_that_are_over_are_deleted(cast: Cast) -> None:
    operator(), operator()
    over, alive = Session.objects.all()
    Session.objects.filter(pk=over.pk).update(expire_date=timezone.now())
    purge_jobs(timestamp=0)
    assert list(Session.objects.all()) == [alive]
