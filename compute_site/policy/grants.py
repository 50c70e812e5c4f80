"""Turns declared rules into permissions, and roles into grants of them (guardian object
permissions).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from guardian.models import GroupObjectPermission

from compute_site.identity.models import Project, ProjectRole, Role
from compute_site.policy.rules import Rule, registry


@transaction.atomic
def synchronise(using: str = "default", **_: Any) -> None:
    """Make the permissions of all rules exist, and grant the default of each *new* one to every
    role.

    What an operator ticked or unticked for a known rule stays as it is. Runs after each
    ``migrate``.
    """
    if using != "default":
        return
    new = _make_permissions(Project, registry)
    instance = apps.get_model("servers", "Instance")
    _make_permissions(instance, [rule for rule in registry if rule.on_instance])
    if new:
        for role in ProjectRole.objects.select_related("group"):
            _grant(role, [rule for rule in registry if rule.name in new])


def make_roles(project: Project) -> dict[Role, Group]:
    """Make the role groups of a project with the default grants; those that exist stay as they
    are.
    """
    known = {
        Role(entry.role): entry.group
        for entry in ProjectRole.objects.filter(project=project).select_related("group")
    }
    for role in Role:
        if role not in known:
            group = Group.objects.create(name=f"{project.name}/{role.value}")
            entry = ProjectRole.objects.create(project=project, role=role, group=group)
            _grant(entry, registry)
            known[role] = group
    return known


def _make_permissions(model: type[Any], rules: Iterable[Rule]) -> set[str]:
    content_type = ContentType.objects.get_for_model(model)
    known = set(
        Permission.objects.filter(content_type=content_type).values_list("codename", flat=True)
    )
    new = [rule for rule in rules if rule.name not in known]
    Permission.objects.bulk_create(
        Permission(codename=rule.name, content_type=content_type, name=rule.description[:255])
        for rule in new
    )
    return {rule.name for rule in new}


def _grant(entry: ProjectRole, rules: Iterable[Rule]) -> None:
    """Admins hold every rule everywhere; the other roles hold, on their project, the rules of
    their role.
    """
    role = Role(entry.role)
    content_type = ContentType.objects.get_for_model(Project)
    names = [rule.name for rule in rules if rule.role in role.implied]
    permissions = list(Permission.objects.filter(content_type=content_type, codename__in=names))
    if role is Role.ADMIN:
        entry.group.permissions.add(*permissions)
        return
    GroupObjectPermission.objects.bulk_create(
        [
            GroupObjectPermission(
                group=entry.group,
                permission=permission,
                content_type=content_type,
                object_pk=entry.project_id,
            )
            for permission in permissions
        ],
        ignore_conflicts=True,
    )
