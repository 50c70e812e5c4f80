"""The rules of the identity API: Keystone's defaults, and what an operator grants beyond them."""

from __future__ import annotations

import pytest
from guardian.shortcuts import assign_perm

from compute_site.identity.models import Project, Role
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_user

pytestmark = pytest.mark.django_db
V3 = "//identity/v3"


@pytest.mark.parametrize(
    ("path", "member", "admin"),
    [
        ("projects", 403, 200),
        (f"projects/{ALPHA}", 200, 200),
        (f"projects/{BETA}", 403, 200),
        ("projects/nothing", 403, 404),
        ("auth/projects", 200, 200),
        ("auth/catalog", 200, 200),
        ("users", 403, 200),
        ("users/{own}", 200, 200),
        ("users/{other}", 403, 200),
        ("users/nothing", 403, 404),
        ("users/{own}/projects", 200, 200),
        ("users/{other}/projects", 403, 200),
        ("users/{own}/application_credentials", 200, 200),
        ("users/{other}/application_credentials", 403, 200),
        ("roles", 403, 200),
        ("role_assignments", 403, 200),
        (f"projects/{ALPHA}/users/{{own}}/roles", 403, 200),
        ("domains", 403, 200),
        ("domains/default", 200, 200),
        ("regions", 200, 200),
        ("services", 403, 200),
        ("endpoints", 403, 200),
    ],
)
def test_who_reads_what(
    as_member: ApiClient, as_admin: ApiClient, path: str, member: int, admin: int
) -> None:
    names = {"own": Cast.member.user_id, "other": Cast.outsider.user_id}
    url = f"{V3}/{path}".format_map(names)
    as_member.get(url).expect(member)
    as_admin.get(url).expect(admin)


def grant(cast: Cast, rule: str, role: Role = Role.MEMBER) -> None:
    """Grant the rule to a role of alpha, as the admin's boxes do."""
    assign_perm(rule, cast.alpha.roles.get(role=role).group, cast.alpha)


def test_a_granted_rule_holds_from_the_next_request_on(as_member: ApiClient, cast: Cast) -> None:
    as_member.get(f"{V3}/users").expect(403)
    grant(cast, "identity:list_users")
    listed = as_member.get(f"{V3}/users").expect(200).json["users"]
    assert cast.outsider.user_id in {user["id"] for user in listed}


def test_a_rule_on_a_project_counts_in_that_project(as_member: ApiClient, cast: Cast) -> None:
    grant(cast, "identity:update_project")
    body = {"project": {"description": "ours"}}
    as_member.patch(f"{V3}/projects/{ALPHA}", body).expect(200)
    as_member.patch(f"{V3}/projects/{BETA}", body).expect(403)
    assert Project.objects.get(pk=BETA).description != "ours"


def test_who_may_give_roles_does_not_make_admins(
    as_member: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    grant(cast, "identity:create_grant")
    user = make_user()
    ids = {role["name"]: role["id"] for role in as_admin.get(f"{V3}/roles").json["roles"]}
    url = f"{V3}/projects/{ALPHA}/users/{user.pk}/roles"
    as_member.put(f"{url}/{ids['reader']}").expect(204)
    as_member.put(f"{url}/{ids['admin']}").expect(403)
    elsewhere = f"{V3}/projects/{BETA}/users/{user.pk}/roles/{ids['reader']}"
    as_member.put(elsewhere).expect(403)
    held = user.groups.values_list("project_role__project", "project_role__role")
    assert list(held) == [(ALPHA, "reader")]


def test_who_may_change_users_touches_nobody_with_more_rights(
    as_member: ApiClient, cast: Cast
) -> None:
    grant(cast, "identity:update_user")
    url = f"{V3}/users/{cast.admin.user_id}"
    as_member.patch(url, {"user": {"password": "taken"}}).expect(403)
    assert cast.admin.user.check_password(cast.admin.name)
