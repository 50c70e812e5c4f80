"""The one home of role assignments: which user holds which role in which project."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from compute_site.identity.catalog import stable_id
from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import (
    ApplicationCredential,
    Project,
    ProjectRole,
    Role,
    Token,
    User,
)
from compute_site.identity.records import note_change

ROLE_OF_ID = {stable_id("role", role.value): role for role in Role}
NOT_HERE = ("group.id", "scope.domain.id", "scope.system", "scope.OS-INHERIT:inherited_to")
"""What roles could be held by or on elsewhere: nothing is found by it."""
ASSIGNMENT_FILTERS = frozenset(("user.id", "role.id", "scope.project.id", *NOT_HERE))


@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """One role of one user in one project."""

    user_id: str
    user_name: str
    project_id: str
    project_name: str
    role: Role


def find_role(role_id: str) -> Role:
    """Raises: NoSuchThing."""
    if role_id not in ROLE_OF_ID:
        raise NoSuchThing(f"There is no role {role_id}.")
    return ROLE_OF_ID[role_id]


def roles_of(user: User, project: Project) -> list[Role]:
    """The roles that the user was given in the project, the smallest first."""
    held = set(project.roles.filter(group__user=user).values_list("role", flat=True))
    return [role for role in Role if role in held]


def assign(user: User, project: Project, role: Role, *, by: str) -> None:
    """Give the role; do nothing if the user holds it already."""
    if role in roles_of(user, project):
        return
    with transaction.atomic():
        user.groups.add(_group_of(project, role))
        what = f"Given the role {role.value} in {project.name}."
        note_change(user, what, by=by, project_id=project.pk)


def unassign(user: User, project: Project, role: Role, *, by: str) -> None:
    """Take the role away.

    Raises:
        NoSuchThing: the user does not hold it.
    """
    if role not in roles_of(user, project):
        raise NoSuchThing(f"The user does not hold the role {role.value} in this project.")
    with transaction.atomic():
        user.groups.remove(_group_of(project, role))
        end_lost_roles([user.pk])
        what = f"Lost the role {role.value} in {project.name}."
        note_change(user, what, by=by, project_id=project.pk)


def end_lost_roles(user_ids: Iterable[str]) -> None:
    """Delete what depends on roles that the users do not hold any more, so that it does not come
    back when the role is given again: the tokens for a project in which no role is left, and, as in
    Keystone, the application credentials for the lost role. Call it after all changes of groups: a
    user who is moved to a larger role leaves one group before joining the other.
    """
    held = ProjectRole.objects.filter(project=OuterRef("project"), group__user=OuterRef("user"))
    tokens = Token.objects.filter(user__in=user_ids, project__isnull=False)
    tokens.exclude(Exists(held)).delete()
    lost = Q()
    for role in Role:
        enough = [other for other in Role if role in other.implied]
        lost |= Q(~Exists(held.filter(role__in=enough)), role=role)
    ApplicationCredential.objects.filter(lost, user__in=user_ids).delete()


def find_assignments(filters: Mapping[str, str], *, effective: bool) -> Iterator[Assignment]:
    """The assignments that match ``filters`` (``user.id``, ``role.id``, ``scope.project.id``, as in
    the URL); ``effective`` adds the implied roles.
    """
    if any(filters.get(key) for key in NOT_HERE) or any("\0" in text for text in filters.values()):
        return
    members = User.groups.through.objects.filter(group__project_role__isnull=False)
    if filters.get("user.id"):
        members = members.filter(user=filters["user.id"])
    if filters.get("scope.project.id"):
        members = members.filter(group__project_role__project=filters["scope.project.id"])
    wanted = filters.get("role.id")
    rows = members.order_by(
        "group__project_role__project__name", "user__username", "group__project_role"
    ).values_list(
        *("user_id", "user__username", "group__project_role__project_id"),
        *("group__project_role__project__name", "group__project_role__role"),
    )
    seen = set()
    for user_id, user_name, project_id, project_name, name in rows:
        for role in Role(name).implied if effective else (Role(name),):
            found = Assignment(user_id, user_name, project_id, project_name, role)
            if found in seen or wanted not in (None, "", stable_id("role", role.value)):
                continue
            seen.add(found)
            yield found


def _group_of(project: Project, role: Role) -> int:
    return ProjectRole.objects.get(project=project, role=role).group_id
