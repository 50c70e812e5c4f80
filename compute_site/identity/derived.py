"""Makes memberships in the groups of projects' roles of what users hold there indirectly: by a
group of users, by inheritance, or because another role implies it.

So whoever asks for the rights of a user has one place to look at, the groups of the user, and a
request costs the same however a role is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.db.models import Q
from django.dispatch import Signal

from compute_site.identity.lost_roles import end_lost_roles
from compute_site.identity.models import (
    DerivedMembership,
    ImpliedRole,
    NamedRole,
    Project,
    ProjectRole,
    Role,
    RoleAssignment,
    User,
)

role_groups_made = Signal()
"""Sent with ``entries``: new rows of ``ProjectRole``, of roles that not every project has."""

Held = tuple[str, str, str]
"""User, project, key of a role."""
LOCK = "SELECT pg_advisory_xact_lock(hashtext('identity: derived memberships'))"


def refresh(user_ids: Iterable[str]) -> None:
    """Make the derived memberships of the users what they should be. Call it in the transaction of
    the change, after it.
    """
    users = set(user_ids)
    if not users:
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(LOCK)
        _set_derived(users, _wanted(users))
        end_lost_roles(users)


def refresh_all() -> None:
    """As ``refresh``, of all whom a change of roles or of what they imply can touch."""
    refresh(holders_of(RoleAssignment.objects.all()) | _holders_in_projects())


def holders_of(assignments: Iterable[RoleAssignment]) -> set[str]:
    """The users who hold these assignments, by themselves or by their groups."""
    rows = list(assignments)
    members = User.objects.filter(user_groups__in={row.group_id for row in rows if row.group_id})
    return {row.user_id for row in rows if row.user_id} | set(members.values_list("pk", flat=True))


def holders_in(projects: Collection[str]) -> set[str]:
    """The users who inherit something in these projects, or could."""
    domains = Project.objects.filter(pk__in=projects).values_list("domain", flat=True)
    above = Project.objects.filter(domain__in=domains)
    found = RoleAssignment.objects.filter(inherited=True)
    return holders_of(found.filter(Q(domain__in=domains) | Q(project__in=above)))


def implications() -> dict[str, set[str]]:
    """For each role (its id), all that it implies, directly or not; without itself."""
    direct: dict[str, set[str]] = defaultdict(set)
    for prior, implied in ImpliedRole.objects.values_list("prior", "implied"):
        direct[prior].add(implied)
    return {prior: reachable(prior, direct) for prior in direct}


def reachable(start: str, direct: Mapping[str, Collection[str]]) -> set[str]:
    found: set[str] = set()
    left = [start]
    while left:
        for implied in direct.get(left.pop(), ()):
            if implied not in found:
                found.add(implied)
                left.append(implied)
    return found - {start}


def project_tree() -> dict[str, set[str]]:
    """A project, or ``domain`` and its id → the projects directly below."""
    below: dict[str, set[str]] = defaultdict(set)
    for project, parent, domain in Project.objects.values_list("pk", "parent", "domain"):
        below[parent or f"domain {domain}"].add(project)
    return below


def role_groups(pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Project and key of a role → the group of the role there, which is made if there is none."""
    projects = {project for project, _ in pairs}
    known = {
        (entry.project_id, entry.role): entry.group_id
        for entry in ProjectRole.objects.filter(project__in=projects)
    }
    missing = sorted(set(pairs) - known.keys())
    if missing:
        names = dict(Project.objects.filter(pk__in=projects).values_list("pk", "name"))
        roles = _names_of({key for _, key in missing})
        groups = Group.objects.bulk_create(
            Group(name=other_group_name(names[project], project, roles[key], key))
            for project, key in missing
        )
        entries = ProjectRole.objects.bulk_create(
            ProjectRole(project_id=project, role=key, group=group)
            for (project, key), group in zip(missing, groups, strict=True)
        )
        role_groups_made.send(sender=ProjectRole, entries=entries)
        known |= {(entry.project_id, entry.role): entry.group_id for entry in entries}
    return known


def other_group_name(project: str, project_id: str, role: str, key: str) -> str:
    """The name of the group of a role that not every project has. Names of projects and roles can
    stand twice, in two domains; their ids tell them apart.
    """
    return f"{project}/{role[:20]} ({project_id[:32]}, {key[:32]})"[:150]


def _wanted(users: set[str]) -> set[Held]:
    """All that the users hold, but what a role of ``Role`` implies among these: its group has these
    rights, too.
    """
    marks = DerivedMembership.objects.filter(user__in=users).values_list("user", "group")
    derived = set(marks)
    held = {
        (user, project, role)
        for user, group, project, role in User.groups.through.objects.filter(
            user__in=users, group__project_role__isnull=False
        ).values_list("user", "group", "group__project_role__project", "group__project_role__role")
        if (user, group) not in derived
    }
    held |= _assigned(users)
    keys = {role.id: role.key for role in NamedRole.objects.all()}
    implied: dict[str, set[str]] = defaultdict(set)
    for prior, others in implications().items():
        implied[keys[prior]] = {keys[other] for other in others}
    ladder = set(Role.values)
    return held | {
        (user, project, other)
        for user, project, role in held
        for other in implied[role] - (ladder if role in ladder else set())
    }


def _assigned(users: set[str]) -> set[Held]:
    """What they hold in projects by groups or by inheritance."""
    found = RoleAssignment.objects.filter(
        Q(user__in=users) | Q(group__members__in=users),
        Q(project__isnull=False) | Q(inherited=True),
    )
    rows = list(found.select_related("role").distinct())
    if not rows:
        return set()
    members = defaultdict(set)
    for group, user in User.user_groups.through.objects.filter(
        usergroup__in={row.group_id for row in rows if row.group_id}, user__in=users
    ).values_list("usergroup", "user"):
        members[group].add(user)
    tree = project_tree() if any(row.inherited for row in rows) else {}
    held = set()
    for row in rows:
        if not row.inherited:
            projects = {str(row.project_id)}
        else:
            top = row.project_id or f"domain {row.domain_id}"
            projects = reachable(top, tree)
        for user in {row.user_id} if row.user_id else members[str(row.group_id)]:
            held |= {(user, project, row.role.key) for project in projects}
    return held


def _set_derived(users: set[str], wanted: set[Held]) -> None:
    through = User.groups.through
    marks, members = (
        {(user, group): pk for pk, user, group in rows.values_list("pk", "user", "group")}
        for rows in (
            DerivedMembership.objects.filter(user__in=users),
            through.objects.filter(user__in=users),
        )
    )
    if not marks and not wanted:
        return
    direct = members.keys() - marks.keys()
    groups = role_groups({(project, role) for _, project, role in wanted})
    should = {(user, groups[project, role]) for user, project, role in wanted} - direct
    over = marks.keys() - should
    through.objects.filter(pk__in=[members[one] for one in over & members.keys()]).delete()
    DerivedMembership.objects.filter(pk__in=[marks[one] for one in over]).delete()
    new = sorted(should - marks.keys())
    through.objects.bulk_create(
        [through(user_id=user, group_id=group) for user, group in should], ignore_conflicts=True
    )
    DerivedMembership.objects.bulk_create(
        [DerivedMembership(user_id=user, group_id=group) for user, group in new],
        ignore_conflicts=True,
    )


def _holders_in_projects() -> set[str]:
    """The users who hold a role in a project, directly or not."""
    found = User.objects.filter(groups__project_role__isnull=False)
    return set(found.values_list("pk", flat=True).distinct())


def _names_of(keys: Collection[str]) -> dict[str, str]:
    return {role.key: role.name for role in NamedRole.objects.all() if role.key in keys}
