"""Staff who are no superusers see and do in the admin what their permissions say."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client
from django.urls import reverse

from compute_site.identity.models import Project, Role, Token, User
from servers.models import ServerFault
from servers.policies import server as policies
from tests.world.cast import ALPHA, Cast
from tests.world.factories import make_flavor, make_image, make_instance, make_network, make_user
from tests.world.staff import staff

MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)
EDITED = [
    ("identity.project", lambda: Project.objects.get(pk=ALPHA)),
    ("flavors.flavor", make_flavor),
    ("image.image", make_image),
    ("network.network", make_network),
]


def url_of(model: type[Model], page: str, *key: object) -> str:
    meta = model._meta
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=key)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_is_shown_to_whom_it_may_be_shown(cast: Cast, model: type[Model]) -> None:
    url = url_of(model, "changelist")
    assert Client().get(url).status_code == 302
    assert staff().get(url).status_code == 403
    answer = staff(f"{model._meta.app_label}.view_{model._meta.model_name}").get(url)
    assert answer.status_code == 200
    form = answer.context["action_form"]
    assert form is None or [name for name, _ in form.fields["action"].choices if name] == []
    assert url_of(model, "add") not in answer.content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_the_first_page_leads_only_to_what_one_may_see(cast: Cast, model: type[Model]) -> None:
    client = staff(f"{model._meta.app_label}.view_{model._meta.model_name}")
    apps = client.get("/admin/").context["app_list"]
    assert [m["admin_url"] for app in apps for m in app["models"]] == [url_of(model, "changelist")]


@pytest.mark.parametrize(("name", "make"), EDITED, ids=[name for name, _ in EDITED])
def test_who_may_only_look_changes_nothing(cast: Cast, name: str, make: Any) -> None:
    row = make()
    app, model = name.split(".")
    client = staff(f"{app}.view_{model}")
    page = url_of(type(row), "change", row.pk)
    assert client.get(page).status_code == 200
    assert 'name="_save"' not in client.get(page).content.decode()
    assert client.post(page, {"name": "other"}).status_code == 403
    assert client.post(url_of(type(row), "add"), {"name": "other"}).status_code == 403
    gone = client.post(url_of(type(row), "delete", row.pk), {"post": "yes"})
    assert gone.status_code == 403
    assert not type(row)._default_manager.filter(name="other").exists()
    assert type(row)._default_manager.filter(pk=row.pk).exists()


def test_staff_can_be_given_projects_to_see_and_change(cast: Cast) -> None:
    page = url_of(Project, "change", ALPHA)
    client = staff("identity.view_project", "identity.change_project")
    assert 'name="_save"' in client.get(page).content.decode()
    entries = cast.alpha.roles.exclude(role="admin").order_by("pk")
    data = {
        "name": "alpha",
        "description": "ours",
        "enabled": "on",
        "roles-TOTAL_FORMS": len(entries),
        "roles-INITIAL_FORMS": len(entries),
    }
    for index, entry in enumerate(entries):
        data |= {f"roles-{index}-id": entry.pk, f"roles-{index}-project": ALPHA}
    assert client.post(page, data).status_code == 302
    assert Project.objects.get(pk=ALPHA).description == "ours"


def test_who_is_admin_of_the_cloud_is_for_superusers_to_say(cast: Cast) -> None:
    client = staff("identity.view_project", "identity.change_project")
    page = client.get(url_of(Project, "change", ALPHA))
    roles = [form.instance.role for form in page.context["inline_admin_formsets"][0].formset]
    assert roles == ["reader", "member", "manager"]


def test_policy_rules_are_for_whom_may_change_grants(cast: Cast) -> None:
    server = make_instance()
    pages = [
        reverse("admin:servers_instance_permissions", args=[server.pk]),
        reverse(
            "admin:servers_instance_permissions_manage_user",
            args=[server.pk, cast.outsider.user_id],
        ),
    ]
    few = staff("servers.view_instance", "servers.change_instance")
    button = few.get(url_of(type(server), "change", server.pk)).content.decode()
    assert "Policy rules" not in button
    for page in pages:
        assert few.get(page).status_code == 403
        assert few.post(page, {"permissions": [policies.SHOW]}).status_code == 403
    assert not cast.outsider.user.has_perm(policies.SHOW, server)
    more = staff(
        *("servers.view_instance", "servers.change_instance"),
        "guardian.change_userobjectpermission",
        role=(cast.alpha, Role.READER),
    )
    page = more.get(url_of(type(server), "change", server.pk)).content.decode()
    assert "Policy rules" in page
    assert more.post(pages[1], {"permissions": [policies.SHOW]}).status_code == 302
    assert User.objects.get(pk=cast.outsider.user_id).has_perm(policies.SHOW, server)
    group = Group.objects.get(name="beta/member")
    groups = reverse("admin:servers_instance_permissions_manage_group", args=[server.pk, group.pk])
    assert more.get(groups).status_code == 403


def test_staff_cannot_make_themselves_superusers(cast: Cast) -> None:
    client = staff("identity.view_user", "identity.change_user")
    person = make_user("person")
    page = url_of(User, "change", person.pk)
    shown = client.get(page).content.decode()
    assert 'name="_save"' in shown
    assert 'name="is_superuser"' not in shown
    assert 'name="groups"' not in shown
    client.post(page, {"username": "person", "is_active": "on", "is_superuser": "on"})
    assert not User.objects.get(pk=person.pk).is_superuser


def test_staff_cannot_take_over_colleagues(cast: Cast) -> None:
    client = staff("identity.view_user", "identity.change_user", "identity.delete_user")
    key = cast.admin.user_id
    assert client.post(url_of(User, "change", key), {"username": "x"}).status_code == 403
    assert client.post(url_of(User, "delete", key), {"post": "yes"}).status_code == 403
    password = reverse("admin:auth_user_password_change", args=[key])
    assert client.post(password, {"password1": "x", "password2": "x"}).status_code == 403
    many = {"action": "delete_selected", "_selected_action": [key], "post": "yes"}
    client.post(url_of(User, "changelist"), many)
    assert User.objects.filter(pk=key, username=cast.admin.name).exists()


def test_groups_carry_rights_and_are_changed_by_superusers(cast: Cast) -> None:
    client = staff("auth.view_group", "auth.change_group", "auth.add_group")
    group = Group.objects.get(name="alpha/reader")
    assert client.get(url_of(Group, "change", group.pk)).status_code == 200
    data = {"name": group.name, "everywhere": [policies.DELETE]}
    assert client.post(url_of(Group, "change", group.pk), data).status_code == 403
    assert client.post(url_of(Group, "add"), {"name": "mine"}).status_code == 403
    assert not group.permissions.exists()


def test_who_only_sees_users_revokes_no_tokens(cast: Cast, as_member: Any) -> None:
    as_member.get("/servers").expect(200)
    before = Token.objects.count()
    action = {"action": "revoke_tokens", "_selected_action": [cast.member.user_id]}
    staff("identity.view_user").post(url_of(User, "changelist"), action)
    assert Token.objects.count() == before > 0


def test_failures_lead_to_servers_only_for_whom_may_see_them(cast: Cast) -> None:
    server = make_instance(vm_state="error")
    ServerFault.objects.create(instance=server, message="broken")
    page = url_of(type(server), "change", server.pk)
    assert page not in staff("servers.view_serverfault").get("/admin/").content.decode()
    both = staff("servers.view_serverfault", "servers.view_instance")
    assert page in both.get("/admin/").content.decode()
    assert "broken" in both.get(page).content.decode()
    assert "broken" not in staff("servers.view_instance").get(page).content.decode()
