"""Rules become permissions, roles become grants, and what an operator changes stays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import assign_perm, remove_perm

from compute_site.identity.models import Project, ProjectRole, Role
from compute_site.policy.granted import roles_that_hold
from compute_site.policy.grants import make_roles, make_roles_of, synchronise
from compute_site.policy.rules import Rule, registry
from servers.models import Instance
from servers.policies import server as policies
from tests.world.cast import Cast
from tests.world.factories import make_project, make_user

pytestmark = pytest.mark.django_db

NEW = Rule("os_compute_api:tests:new", Role.MEMBER, "A rule of the next release.")


@pytest.fixture
def next_release() -> Iterator[Rule]:
    """One more rule is declared."""
    registry.declare(NEW)
    yield NEW
    del registry._rules[NEW.name]


def permissions_of(model: type) -> set[str]:
    content_type = ContentType.objects.get_for_model(model)
    names = Permission.objects.filter(content_type=content_type).values_list("codename", flat=True)
    return set(names)


def holds(project: Project, role: Role, rule: str) -> bool:
    return role in roles_that_hold(project).get(rule, set())


def test_every_rule_is_a_permission_on_project() -> None:
    assert permissions_of(Project) >= {rule.name for rule in registry}


def test_rules_that_can_be_granted_on_one_server_are_permissions_on_instance() -> None:
    on_instance = {rule.name for rule in registry if rule.on_instance}

    assert policies.SHOW in on_instance
    assert permissions_of(Instance) & {rule.name for rule in registry} == on_instance


def test_a_new_project_grants_each_role_the_rules_up_to_its_own() -> None:
    held = roles_that_hold(make_project())

    assert {rule.name: held[rule.name] for rule in registry} == {
        rule.name: {role for role in Role if rule.role in role.implied} for rule in registry
    }


def test_only_admins_hold_rules_everywhere() -> None:
    project = make_project()

    with_global_rights = Group.objects.filter(
        project_role__project=project, permissions__isnull=False
    ).distinct()
    assert [group.name for group in with_global_rights] == [f"{project.name}/admin"]
    admin = project.roles.get(role=Role.ADMIN).group
    assert not GroupObjectPermission.objects.filter(group=admin).exists()


def test_a_project_costs_the_same_number_of_statements_as_many(statements) -> None:
    def cost(number: int) -> int:
        projects = Project.objects.bulk_create(
            Project(name=f"bulk-{number}-{index}") for index in range(number)
        )
        with statements() as seen:
            make_roles_of(projects)
        return len(seen)

    assert cost(1) == cost(50) <= 8  # savepoint and release among them


def test_many_projects_are_granted_as_one_is() -> None:
    projects = Project.objects.bulk_create(Project(name=f"bulk-{index}") for index in range(3))
    make_roles_of(projects)
    alone = roles_that_hold(make_project())

    assert [roles_that_hold(project) for project in projects] == [alone] * 3


def test_making_roles_again_changes_nothing() -> None:
    project = make_project()
    reader = project.roles.get(role=Role.READER).group
    remove_perm(policies.SHOW, reader, project)

    groups = make_roles(project)

    assert groups[Role.READER] == reader
    assert ProjectRole.objects.filter(project=project).count() == len(Role)
    assert not holds(project, Role.READER, policies.SHOW)


def test_a_missing_role_is_made_again_with_its_defaults() -> None:
    project = make_project()
    project.roles.get(role=Role.READER).group.delete()

    make_roles(project)

    assert holds(project, Role.READER, policies.SHOW)


def test_a_rule_of_the_next_release_is_granted_by_default(next_release: Rule) -> None:
    project = make_project()
    assert next_release.name not in permissions_of(Project)

    synchronise()

    assert next_release.name in permissions_of(Project)
    assert roles_that_hold(project)[next_release.name] == {Role.MEMBER, Role.MANAGER, Role.ADMIN}


def test_migrate_brings_the_rules_of_the_next_release(next_release: Rule) -> None:
    project = make_project()

    call_command("migrate", verbosity=0)

    assert holds(project, Role.MEMBER, next_release.name)


def test_what_an_operator_unticked_stays_unticked(next_release: Rule) -> None:
    project = make_project()
    synchronise()
    remove_perm(next_release.name, project.roles.get(role=Role.MEMBER).group, project)
    remove_perm(policies.CREATE, project.roles.get(role=Role.MEMBER).group, project)

    synchronise()

    assert not holds(project, Role.MEMBER, next_release.name)
    assert not holds(project, Role.MEMBER, policies.CREATE)
    assert holds(project, Role.MANAGER, next_release.name)


def test_what_an_operator_ticked_stays_ticked(next_release: Rule) -> None:
    project = make_project()
    assign_perm(policies.CREATE, project.roles.get(role=Role.READER).group, project)

    synchronise()

    assert holds(project, Role.READER, policies.CREATE)


def test_a_changed_description_is_corrected() -> None:
    Permission.objects.filter(codename=policies.CREATE).update(name="old words")

    synchronise()

    names = Permission.objects.filter(codename=policies.CREATE).values_list("name", flat=True)
    assert set(names) == {f"{policies.CREATE} — Create a server."}


def test_role_groups_follow_the_name_of_the_project() -> None:
    project = make_project("before")
    project.name = "after"
    project.save()

    assert not Group.objects.filter(name__startswith="before/").exists()
    assert project.roles.get(role=Role.READER).group.name == "after/reader"


def test_a_deleted_project_leaves_nothing_behind() -> None:
    project = make_project("gone")
    assign_perm(policies.SHOW, make_user(), project)
    pk = project.pk

    project.delete()

    assert not Group.objects.filter(name__startswith="gone/").exists()
    assert not GroupObjectPermission.objects.filter(object_pk=pk).exists()
    assert not UserObjectPermission.objects.filter(object_pk=pk).exists()
    assert make_project("gone").roles.count() == len(Role)


def test_rules_are_listed_with_default_role_and_operations(capsys) -> None:
    call_command("list_policies")

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(list(registry))
    assert f"{policies.CREATE}  member  POST /servers" in lines


def test_rules_are_listed_with_the_roles_that_hold_them_in_a_project(cast: Cast, capsys) -> None:
    remove_perm(policies.CREATE, cast.alpha.roles.get(role=Role.MEMBER).group, cast.alpha)

    call_command("list_policies", project="alpha")

    assert f"{policies.CREATE}  manager,admin  POST /servers" in capsys.readouterr().out
