"""Compares the rights of users: nobody may change a user who has more rights than oneself.

All rights of an account count: the roles in projects, the permissions in the Django admin, and
policy rules that are granted directly, or by roles in domains and on the system.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db.models import F, Model, Q
from guardian.models import GroupObjectPermission, UserObjectPermission

from compute_site.faults import Forbidden
from compute_site.identity.models import Project, ProjectRole, Role, User
from compute_site.identity.wide_roles import find_wide_groups

OnObject = tuple[int, str, str]
"""Content type and key of an object, and a rule that is held on it."""


class MoreRights(Forbidden):
    """The user to be changed has rights that the operator does not have."""

    code = "more_rights"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """The rights of a user or a group. ``roles`` are pairs of project and role; ``everywhere`` are
    model permissions, pairs of content type and codename, among them rules that hold in all
    projects.
    """

    is_superuser: bool = False
    roles: frozenset[tuple[str, Role]] = frozenset()
    everywhere: frozenset[tuple[int, str]] = frozenset()
    on_objects: frozenset[OnObject] = frozenset()

    def cover(self, other: Rights) -> bool:
        """Are all rights of ``other`` among these?"""
        if self.is_superuser or other.is_superuser:
            return self.is_superuser
        return (
            other.everywhere <= self.everywhere
            and all(self.has_role(project, role) for project, role in other.roles)
            and all(self.has_rule(*held) for held in other.on_objects)
        )

    def has_role(self, project_id: str, role: Role) -> bool:
        """Is the role held or implied in the project? The cloud's admin has every role in all
        projects.
        """
        return self.is_superuser or any(
            own is Role.ADMIN or (project == project_id and role in own.implied)
            for project, own in self.roles
        )

    def has_rule(self, content_type: int, key: str, rule: str) -> bool:
        """Is the rule held on the object itself, or in every project?"""
        return (
            self.is_superuser
            or (content_type, key, rule) in self.on_objects
            or (_type_of(Project), rule) in self.everywhere
        )


def rights_of(user_ids: Iterable[str]) -> dict[str, Rights]:
    """The rights of users, disabled ones too: they may be enabled again. Eight statements."""
    wanted = list(user_ids)
    superusers = dict(User.objects.filter(pk__in=wanted).values_list("pk", "is_superuser"))
    roles, everywhere, on_objects = defaultdict(set), defaultdict(set), defaultdict(set)
    held_roles = ProjectRole.objects.filter(group__user__in=wanted, role__in=Role.values)
    for user_id, project, role in held_roles.values_list("group__user", "project", "role"):
        roles[user_id].add((project, Role(role)))
    for holder in ("user", "group__user"):
        held = Permission.objects.filter(**{f"{holder}__in": wanted})
        for user_id, *permission in held.values_list(holder, "content_type", "codename"):
            everywhere[user_id].add(tuple(permission))
    of_users = UserObjectPermission.objects.filter(user__in=wanted).annotate(holder=F("user"))
    of_groups = _grants_that_count(GroupObjectPermission.objects.filter(group__user__in=wanted))
    for rows in (of_users, of_groups.annotate(holder=F("group__user"))):
        for user_id, *on_object in rows.values_list(
            "holder", "content_type", "object_pk", "permission__codename"
        ):
            on_objects[user_id].add(tuple(on_object))
    for user_id, held_on in _held_widely(wanted).items():
        on_objects[user_id] |= held_on
    return {
        user_id: Rights(
            is_superuser=is_superuser,
            roles=frozenset(roles[user_id]),
            everywhere=frozenset(everywhere[user_id]),
            on_objects=frozenset(on_objects[user_id]),
        )
        for user_id, is_superuser in superusers.items()
    }


def _held_widely(user_ids: Collection[str]) -> dict[str, set[OnObject]]:
    """What users hold by roles in domains and on the system; two statements."""
    groups = find_wide_groups(user_ids)
    of_group: dict[int, set[OnObject]] = defaultdict(set)
    rows = GroupObjectPermission.objects.filter(group__in=set().union(*groups.values()))
    columns = ("group", "content_type", "object_pk", "permission__codename")
    for group, *on_object in rows.values_list(*columns):
        of_group[group].add(tuple(on_object))
    return {
        user: set().union(*(of_group[group] for group in held)) for user, held in groups.items()
    }


def rights_of_group(group: Group) -> Rights:
    """What the group gives to its members."""
    roles = ProjectRole.objects.filter(group=group, role__in=Role.values).values_list(
        "project", "role"
    )
    on_objects = _grants_that_count(GroupObjectPermission.objects.filter(group=group))
    return Rights(
        roles=frozenset((project, Role(role)) for project, role in roles),
        everywhere=frozenset(group.permissions.values_list("content_type", "codename")),
        on_objects=frozenset(
            on_objects.values_list("content_type", "object_pk", "permission__codename")
        ),
    )


def find_beyond(operator: User, user_ids: Iterable[str]) -> set[str]:
    """The users among these who have rights that the operator does not have."""
    wanted = set(user_ids)
    if operator.is_superuser or not wanted:
        return set()
    return beyond(rights_of([operator.pk])[operator.pk], wanted)


def beyond(own: Rights, user_ids: Iterable[str]) -> set[str]:
    """The users among these who have rights beyond ``own``."""
    return {user_id for user_id, rights in rights_of(user_ids).items() if not own.cover(rights)}


def _grants_that_count(rows: Any) -> Any:
    """Leave out grants to a role's group on another project than its own; grants on other objects,
    such as servers, always count.
    """
    in_own_project = Q(group__project_role__project=F("object_pk"))
    return rows.filter(
        ~Q(content_type=_type_of(Project)) | Q(group__project_role__isnull=True) | in_own_project
    )


def _type_of(model: type[Model]) -> int:
    key: int = ContentType.objects.get_for_model(model).pk
    return key
