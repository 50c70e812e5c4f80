"""Staff do not touch who has more rights than they have: in the admin and in the identity API."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from compute_site.identity.models import ApplicationCredential, Project, Role, Token, User
from compute_site.identity.tokens import digest_of
from compute_site.policy.grants import give_role, set_rules_of_user
from servers.policies import server as policies
from tests.world.cast import Cast, Persona
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_project, make_user
from tests.world.staff import permit, staff, user_of

ON_USERS = ("identity.view_user", "identity.change_user", "identity.delete_user")
ON_PROJECTS = ("identity.view_project", "identity.change_project", "identity.delete_project")
ON_RULES = ("guardian.change_userobjectpermission", "guardian.change_groupobjectpermission")


def page(row: Any, name: str, *more: object) -> str:
    meta = row._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{name}", args=[row.pk, *more])


def password_page(user: User) -> str:
    return reverse("admin:auth_user_password_change", args=[user.pk])


def choose(client: Client, action: str, *rows: Any) -> None:
    """Tick the rows in their list, and confirm the action."""
    meta = rows[0]._meta
    client.post(
        reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
        {"action": action, "_selected_action": [row.pk for row in rows], "post": "yes"},
    )


def with_role(role: Role) -> Callable[[], User]:
    return lambda: make_user(project=make_project(), role=role)


def with_permission() -> User:
    user = make_user()
    permit(user, "servers.delete_instance")
    return user


def with_rule_everywhere() -> User:
    auditors = Group.objects.create(name="auditors")
    auditors.permissions.add(
        Permission.objects.get(codename=policies.SHOW, content_type__model="project")
    )
    user = make_user()
    user.groups.add(auditors)
    return user


def with_rule_on_a_server() -> User:
    user = make_user()
    set_rules_of_user(make_instance(), user, [policies.SHOW])
    return user


def disabled_admin() -> User:
    user = with_role(Role.ADMIN)()
    user.is_active = False
    user.save()
    return user


MORE = {
    "admin of the cloud": with_role(Role.ADMIN),
    "disabled admin": disabled_admin,
    "manager": with_role(Role.MANAGER),
    "reader": with_role(Role.READER),
    "who deletes servers in the admin": with_permission,
    "who reads all servers": with_rule_everywhere,
    "who reads one server": with_rule_on_a_server,
    "superuser": lambda: make_user(is_superuser=True),
    "colleague": lambda: make_user(is_staff=True),
}


@pytest.mark.parametrize("make", MORE.values(), ids=MORE.keys())
def test_staff_do_not_take_over_who_has_more_rights(cast: Cast, make: Callable[[], User]) -> None:
    victim = make()
    token_of(victim)
    client = staff(*ON_USERS)
    assert client.get(page(victim, "change")).status_code == 200
    new = {"password1": "taken over 1", "password2": "taken over 1", "usable_password": "true"}
    assert client.post(password_page(victim), new).status_code == 403
    assert client.post(page(victim, "change"), {"username": "mine"}).status_code == 403
    assert client.post(page(victim, "delete"), {"post": "yes"}).status_code == 403
    choose(client, "delete_selected", victim)
    choose(client, "revoke_tokens", victim)
    found = User.objects.get(pk=victim.pk)
    assert (found.username, found.is_active) == (victim.username, victim.is_active)
    assert found.check_password("secret")
    assert Token.objects.filter(user=victim).exists()


def test_staff_change_who_has_no_more_rights(cast: Cast) -> None:
    client = staff(*ON_USERS, role=(cast.alpha, Role.MANAGER))
    new = {"password1": "given anew 1", "password2": "given anew 1", "usable_password": "true"}
    for user in (make_user(), cast.reader.user, cast.member.user, cast.manager.user):
        assert client.post(password_page(user), new).status_code == 302
        assert User.objects.get(pk=user.pk).check_password("given anew 1")


def test_an_admin_of_the_cloud_among_the_staff_has_every_role(cast: Cast) -> None:
    client = staff(*ON_USERS, role=(make_project(), Role.ADMIN))
    choose(client, "revoke_tokens", cast.outsider.user, with_role(Role.ADMIN)())
    assert not Token.objects.filter(user=cast.outsider.user_id).exists()


def test_one_of_many_with_more_rights_stops_the_deletion_of_all(cast: Cast) -> None:
    plain, admin = make_user(), with_role(Role.ADMIN)()
    choose(staff(*ON_USERS), "delete_selected", plain, admin)
    assert User.objects.filter(pk__in=[plain.pk, admin.pk]).count() == 2


def roles_form(project: Project, **users: list[str]) -> dict[str, Any]:
    """The form of a project's page, with the users of each role; only superusers see admins."""
    shown = [role for role in Role if role is not Role.ADMIN or role.value in users]
    entries = list(project.roles.filter(role__in=shown).order_by("pk"))
    data: dict[str, Any] = {
        "name": project.name,
        "enabled": "on",
        "roles-TOTAL_FORMS": len(entries),
        "roles-INITIAL_FORMS": len(entries),
    }
    for index, entry in enumerate(entries):
        data |= {f"roles-{index}-id": entry.pk, f"roles-{index}-project": project.pk}
        held = list(entry.group.user_set.values_list("pk", flat=True))
        data[f"roles-{index}-users"] = users.get(entry.role, held)
    return data


def holders(project: Project, role: Role) -> set[str]:
    return set(project.roles.get(role=role).group.user_set.values_list("pk", flat=True))


@pytest.mark.parametrize("role", [Role.READER, Role.MEMBER, Role.MANAGER])
def test_staff_without_a_role_give_and_take_none(cast: Cast, role: Role) -> None:
    client = staff(*ON_PROJECTS)
    before = holders(cast.alpha, role)
    users = {role.value: [user_of(client).pk]}
    answer = client.post(page(cast.alpha, "change"), roles_form(cast.alpha, **users))
    assert answer.status_code == 302
    assert holders(cast.alpha, role) == before
    shown = client.get(page(cast.alpha, "change")).content.decode()
    assert "alpha-member" in shown


def test_a_form_that_names_the_roles_of_another_project_changes_none(cast: Cast) -> None:
    client = staff(*ON_PROJECTS, role=(cast.alpha, Role.MEMBER))
    data = roles_form(cast.alpha)
    for index, entry in enumerate(cast.beta.roles.order_by("pk")[:3]):
        data |= {f"roles-{index}-id": entry.pk, f"roles-{index}-users": [user_of(client).pk]}
    before = [holders(cast.beta, role) for role in Role]
    assert client.post(page(cast.alpha, "change"), data).status_code == 302
    assert [holders(cast.beta, role) for role in Role] == before


def test_staff_give_the_roles_that_they_hold(cast: Cast) -> None:
    client = staff(*ON_PROJECTS, role=(cast.alpha, Role.MEMBER))
    own, outsider = user_of(client).pk, cast.outsider.user_id
    users = {
        "reader": [cast.reader.user_id, outsider],
        "member": [cast.second_member.user_id, own],
        "manager": [own],
    }
    answer = client.post(page(cast.alpha, "change"), roles_form(cast.alpha, **users))
    assert answer.status_code == 302, answer.content.decode()
    assert holders(cast.alpha, Role.READER) == {cast.reader.user_id, outsider}
    assert holders(cast.alpha, Role.MEMBER) == {cast.second_member.user_id, own}
    assert holders(cast.alpha, Role.MANAGER) == {cast.manager.user_id}


def test_staff_take_no_role_from_who_has_more_rights(cast: Cast) -> None:
    give_role(cast.manager.user, cast.alpha, Role.READER)
    client = staff(*ON_PROJECTS, role=(cast.alpha, Role.MEMBER))
    answer = client.post(page(cast.alpha, "change"), roles_form(cast.alpha, reader=[]))
    assert "alpha-manager" in answer.content.decode()
    assert holders(cast.alpha, Role.READER) == {cast.reader.user_id, cast.manager.user_id}


def test_staff_do_not_lock_admins_of_the_cloud_out_of_their_project(cast: Cast) -> None:
    client = staff(*ON_PROJECTS, "identity.delete_projectrole")
    home = make_project("home")
    make_user(project=home, role=Role.ADMIN)
    form = roles_form(home) | {"description": "new"}
    del form["enabled"]
    assert client.post(page(home, "change"), form).status_code == 302
    home.refresh_from_db()
    assert (home.description, home.enabled) == ("new", True)
    assert client.post(page(home, "delete"), {"post": "yes"}).status_code == 403
    choose(client, "delete_selected", home)
    assert Project.objects.filter(pk=home.pk).exists()
    other = make_project("other")
    form = roles_form(other)
    del form["enabled"]
    assert client.post(page(other, "change"), form).status_code == 302
    other.refresh_from_db()
    assert not other.enabled


def rules_of(user: User, thing: Any) -> set[str]:
    """The rules of our own that the user was granted on the thing."""
    found = user.userobjectpermission_set.filter(object_pk=str(thing.pk))
    return set(found.values_list("permission__codename", flat=True))


@pytest.mark.parametrize("on", ["project", "server"])
def test_staff_grant_no_rule_that_they_do_not_hold(cast: Cast, on: str) -> None:
    thing: Any = cast.alpha if on == "project" else make_instance()
    rights = (*ON_PROJECTS, *ON_RULES, "servers.view_instance", "servers.change_instance")
    client = staff(*rights, role=(cast.alpha, Role.READER))
    own = user_of(client)
    url = page(thing, "permissions_manage_user", own.pk)
    answer = client.post(url, {"permissions": [policies.SHOW, policies.DELETE]})
    assert policies.DELETE in str(answer.context["form"].errors)
    assert rules_of(own, thing) == set()
    assert client.post(url, {"permissions": [policies.SHOW]}).status_code == 302
    assert rules_of(own, thing) == {policies.SHOW}
    shown = client.get(url).content.decode()
    box = shown.partition(f'value="{policies.DELETE}"')[2].partition(">")[0]
    assert "disabled" in box
    assert "disabled" not in shown.partition(f'value="{policies.SHOW}"')[2].partition(">")[0]


def test_staff_grant_no_rule_to_a_group_that_they_do_not_hold(cast: Cast) -> None:
    client = staff(*ON_PROJECTS, *ON_RULES, role=(cast.alpha, Role.READER))
    readers = cast.alpha.roles.get(role=Role.READER).group
    url = page(cast.alpha, "permissions_manage_group", readers.pk)
    held = client.get(url).context["form"]["permissions"].initial
    client.post(url, {"permissions": [*held, policies.DELETE]})
    granted = readers.groupobjectpermission_set.filter(object_pk=cast.alpha.pk)
    assert set(granted.values_list("permission__codename", flat=True)) == set(held)


def test_staff_take_no_rule_from_a_group_with_more_rights(cast: Cast) -> None:
    client = staff(*ON_PROJECTS, *ON_RULES, role=(cast.alpha, Role.MEMBER))
    managers = cast.alpha.roles.get(role=Role.MANAGER).group
    url = page(cast.alpha, "permissions_manage_group", managers.pk)
    before = managers.groupobjectpermission_set.filter(object_pk=cast.alpha.pk).count()
    assert client.post(url, {"permissions": []}).status_code == 200
    assert managers.groupobjectpermission_set.filter(object_pk=cast.alpha.pk).count() == before


def test_boxes_that_staff_cannot_change_stay(cast: Cast) -> None:
    set_rules_of_user(cast.alpha, cast.outsider.user, [policies.DELETE])
    client = staff(*ON_PROJECTS, *ON_RULES, role=(cast.alpha, Role.READER))
    url = page(cast.alpha, "permissions_manage_user", cast.outsider.user_id)
    assert client.post(url, {"permissions": [policies.SHOW]}).status_code == 302
    assert rules_of(cast.outsider.user, cast.alpha) == {policies.DELETE, policies.SHOW}


def test_staff_delete_no_tokens_and_credentials_of_who_has_more_rights(cast: Cast) -> None:
    credential = ApplicationCredential.objects.create(
        name="robot", user=cast.admin.user, project=cast.alpha, role=Role.ADMIN, secret_hash="-"
    )
    token = Token.objects.get(user=cast.admin.user_id)
    client = staff(
        *("identity.view_token", "identity.delete_token"),
        *("identity.view_applicationcredential", "identity.delete_applicationcredential"),
    )
    for row in (token, credential):
        assert client.post(page(row, "delete"), {"post": "yes"}).status_code == 403
        choose(client, "delete_selected", row)
        assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_staff_delete_no_group(cast: Cast) -> None:
    auditors = with_rule_everywhere().groups.get()
    client = staff("auth.view_group", "auth.delete_group")
    assert client.post(page(auditors, "delete"), {"post": "yes"}).status_code == 403
    choose(client, "delete_selected", auditors)
    assert Group.objects.filter(pk=auditors.pk).exists()


def token_of(user: User, digest: str = "") -> Token:
    """A token of the user in the default project."""
    now = timezone.now()
    return Token.objects.create(
        digest=digest or user.pk,
        user=user,
        project=user.default_project,
        audit_id=user.pk[:22],
        issued_at=now,
        expires_at=now + dt.timedelta(hours=1),
    )


def persona_of(user: User) -> Persona:
    """The user with a token, for requests to the APIs."""
    home = user.default_project
    assert home is not None
    persona = Persona(user.username, user.pk, home.pk, home.name, Role.ADMIN)
    token_of(user, digest_of(persona.token))
    return persona


@pytest.mark.parametrize("make", [MORE["superuser"], with_permission])
def test_an_admin_by_the_api_does_not_take_over_the_staff(
    cast: Cast, make: Callable[[], User]
) -> None:
    victim = make()
    give_role(victim, cast.alpha, Role.ADMIN)
    client = ApiClient(persona_of(with_role(Role.ADMIN)()))
    path = f"//identity/v3/users/{victim.pk}"
    client.get(path).expect(200)
    client.patch(path, {"user": {"password": "taken over"}}).expect(403)
    client.patch(path, {"user": {"enabled": False}}).expect(403)
    client.delete(path).expect(403)
    admin = client.get("//identity/v3/roles?name=admin").json["roles"][0]["id"]
    of_role = f"//identity/v3/projects/{cast.alpha.pk}/users/{victim.pk}/roles/{admin}"
    client.delete(of_role).expect(403)
    assert User.objects.get(pk=victim.pk).check_password("secret")
    assert victim.pk in holders(cast.alpha, Role.ADMIN)


def test_an_admin_by_the_api_changes_everybody_else(cast: Cast) -> None:
    client = ApiClient(persona_of(with_role(Role.ADMIN)()))
    for user in (cast.manager.user, with_role(Role.ADMIN)()):
        path = f"//identity/v3/users/{user.pk}"
        client.patch(path, {"user": {"password": "given anew"}}).expect(200)
        assert User.objects.get(pk=user.pk).check_password("given anew")


def test_a_credential_does_not_open_the_admin_site(cast: Cast, as_admin: ApiClient) -> None:
    """The credential of a superuser cannot be turned into the superuser's password."""
    order = {"application_credential": {"name": "robot", "unrestricted": True}}
    path = f"//identity/v3/users/{cast.admin.user_id}"
    made = as_admin.post(f"{path}/application_credentials", order).expect(201)
    credential = made.json["application_credential"]
    identity = {
        "methods": ["application_credential"],
        "application_credential": {"id": credential["id"], "secret": credential["secret"]},
    }
    answer = ApiClient().post("//identity/v3/auth/tokens", {"auth": {"identity": identity}})
    token = answer.expect(201).headers["X-Subject-Token"]
    body = {"user": {"password": "taken over"}}
    ApiClient().patch(path, body, headers={"X-Auth-Token": token}).expect(403)
    assert User.objects.get(pk=cast.admin.user_id).check_password(cast.admin.password)
