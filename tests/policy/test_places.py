"""Rules in domains and on the system are boxes: granted by default, changed by operators."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from guardian.models import GroupObjectPermission
from guardian.shortcuts import assign_perm, remove_perm

from compute_site.identity.models import Domain, Role, System, User, WideRole
from compute_site.policy.grants import rules_on_place, synchronise
from compute_site.policy.rights import find_beyond
from tests.identity.test_domains import READER, V3, branch, make, token_of
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_user
from tests.world.staff import operator, staff

__all__ = ["branch"]
pytestmark = pytest.mark.django_db
SYSTEM = {"system": {"all": True}}


def group_of(role: Role, domain: str | None = None) -> Group:
    return WideRole.objects.get(domain=domain, role=role).group


def reader_of_system(as_admin: ApiClient, cast: Cast) -> ApiClient:
    as_admin.put(f"{V3}/system/users/{cast.outsider.user_id}/roles/{READER}").expect(204)
    return token_of("beta-member", SYSTEM)


def test_a_box_on_the_system_counts_from_the_next_request_on(
    as_admin: ApiClient, cast: Cast
) -> None:
    client = reader_of_system(as_admin, cast)
    body = {"region": {"id": "north"}}
    client.post(f"{V3}/regions", body).expect(403)
    assign_perm("identity:create_region", group_of(Role.READER), System.objects.get())
    client.post(f"{V3}/regions", body).expect(201)
    remove_perm("identity:list_users", group_of(Role.READER), System.objects.get())
    client.get(f"{V3}/users").expect(403)
    client.get(f"{V3}/projects").expect(200)


def test_a_box_in_a_domain_counts_in_that_domain_alone(as_admin: ApiClient, branch: Any) -> None:
    as_admin.put(f"{V3}/domains/{branch['id']}/users/{branch['user']}/roles/{READER}").expect(204)
    client = token_of("alpha-member", {"domain": {"id": branch["id"]}}, domain=branch["id"])
    body = {"group": {"name": "crew"}}
    client.post(f"{V3}/groups", body).expect(403)
    domain = Domain.objects.get(pk=branch["id"])
    assign_perm("identity:create_group", group_of(Role.READER, domain.pk), domain)
    made = client.post(f"{V3}/groups", body).expect(201).json["group"]
    assert made["domain_id"] == branch["id"]
    client.post(f"{V3}/groups", {"group": {"name": "far", "domain_id": "default"}}).expect(403)
    user = User.objects.get(pk=branch["user"])
    assert user.has_perm("identity:create_group", domain)
    assert not user.has_perm("identity:create_group", Domain.objects.get(pk="default"))
    assert not user.has_perm("identity:delete_group", domain)


def test_a_rule_granted_to_one_user_counts_beside_a_role_there(
    as_admin: ApiClient, cast: Cast
) -> None:
    user = User.objects.get(pk=cast.outsider.user_id)
    assign_perm("identity:create_region", user, System.objects.get())
    token_of("beta-member", SYSTEM, expect=401)
    client = reader_of_system(as_admin, cast)
    client.post(f"{V3}/regions", {"region": {"id": "north"}}).expect(201)


def test_a_role_of_one_s_own_can_be_granted_rules_there(as_admin: ApiClient, cast: Cast) -> None:
    role = make(as_admin, "roles", name="auditor")
    as_admin.put(f"{V3}/system/users/{cast.outsider.user_id}/roles/{role['id']}").expect(204)
    client = token_of("beta-member", SYSTEM)
    client.get(f"{V3}/users").expect(403)
    group = WideRole.objects.get(domain=None, role=role["id"]).group
    assign_perm("identity:list_users", group, System.objects.get())
    client.get(f"{V3}/users").expect(200)
    as_admin.delete(f"{V3}/roles/{role['id']}").expect(204)
    assert not Group.objects.filter(pk=group.pk).exists()


def test_what_groups_have_by_default_is_what_rules_declare() -> None:
    for model, place, domain in ((Domain, "default", "default"), (System, System.KEY, None)):
        declared = rules_on_place(model)
        for role in Role:
            rows = GroupObjectPermission.objects.filter(
                group=group_of(role, domain), object_pk=place
            )
            held = set(rows.values_list("permission__codename", flat=True))
            assert held == {name for name, smallest in declared.items() if smallest in role.implied}
    assert "identity:list_users" in rules_on_place(Domain)
    assert "identity:create_domain" not in rules_on_place(Domain)


def test_a_site_from_before_gets_the_boxes_once(cast: Cast) -> None:
    """What operators have taken away since stays away."""
    Group.objects.filter(wide_role__isnull=False).delete()
    assert not WideRole.objects.exists()
    synchronise()
    group = group_of(Role.READER)
    assert group.name == "system: reader"
    remove_perm("identity:list_users", group, System.objects.get())
    synchronise()
    rows = GroupObjectPermission.objects.filter(group=group)
    held = set(rows.values_list("permission__codename", flat=True))
    assert "identity:get_user" in held
    assert "identity:list_users" not in held


def test_groups_follow_their_domain(as_admin: ApiClient, branch: Any) -> None:
    group = group_of(Role.MANAGER, branch["id"])
    assert group.name == "domain branch: manager"
    path = f"{V3}/domains/{branch['id']}"
    as_admin.patch(path, {"domain": {"name": "bough", "enabled": False}}).expect(200)
    group.refresh_from_db()
    assert group.name == "domain bough: manager"
    as_admin.delete(path).expect(204)
    assert not Group.objects.filter(pk=group.pk).exists()
    assert not GroupObjectPermission.objects.filter(object_pk=branch["id"]).exists()


def test_rights_on_the_system_count_as_more_rights(as_admin: ApiClient, cast: Cast) -> None:
    lesser = make_user()
    assert not find_beyond(lesser, [cast.outsider.user_id]) - {cast.outsider.user_id}
    other = make_user()
    assert not find_beyond(lesser, [other.pk])
    as_admin.put(f"{V3}/system/users/{other.pk}/roles/{READER}").expect(204)
    assert find_beyond(lesser, [other.pk]) == {other.pk}
    admin = User.objects.get(pk=cast.admin.user_id)
    assert not find_beyond(admin, [other.pk])


@pytest.mark.parametrize("place", ["domain", "system"])
def test_operators_tick_boxes_in_the_admin(cast: Cast, place: str) -> None:
    key, domain = ("default", "default") if place == "domain" else (System.KEY, None)
    client, group = operator(), group_of(Role.READER, domain)
    page = f"admin:identity_{place}_permissions"
    assert client.get(reverse(f"admin:identity_{place}_change", args=[key])).status_code == 200
    shown = client.get(reverse(page, args=[key]))
    assert group.name in shown.content.decode()
    url = reverse(f"{page}_manage_group", args=[key, group.pk])
    boxes = client.get(url).content.decode()
    assert "identity:list_users" in boxes
    assert "os_compute_api:servers:create" not in boxes
    assert client.post(url, {"permissions": ["identity:list_projects"]}).status_code == 302
    rows = GroupObjectPermission.objects.filter(group=group)
    assert [row.permission.codename for row in rows] == ["identity:list_projects"]
    listed = reverse("admin:auth_group_change", args=[group.pk])
    assert url in client.get(listed).content.decode()
    foreign = cast.alpha.roles.get(role=Role.READER).group
    answer = client.post(
        reverse(page, args=[key]), {"group": foreign.name, "submit_manage_group": "x"}
    )
    assert "there alone" in answer.content.decode()
    url = reverse(f"{page}_manage_group", args=[key, foreign.pk])
    assert client.get(url).status_code == 404


def test_who_is_no_superuser_grants_nothing_there(cast: Cast) -> None:
    client = staff(
        "identity.view_domain",
        "identity.change_domain",
        "guardian.change_groupobjectpermission",
    )
    group = group_of(Role.READER, "default")
    url = reverse("admin:identity_domain_permissions_manage_group", args=["default", group.pk])
    assert client.post(url, {"permissions": []}).status_code in (302, 403)
    assert GroupObjectPermission.objects.filter(group=group).exists()


def test_a_token_for_the_system_costs_four_statements(
    as_admin: ApiClient, cast: Cast, statements: Any
) -> None:
    """Of token, account, roles and rules; and those of the request itself."""
    client = reader_of_system(as_admin, cast)
    client.get(f"{V3}/regions").expect(200)
    with statements() as seen:
        client.get(f"{V3}/role_inferences").expect(200)
    texts = [one["sql"] for one in seen.captured_queries]
    about = [text for text in texts if "inference.implied_id" in text or "guardian" in text]
    assert len(about) == 2
