"""The one home of role assignments: which user or group holds which role in which project or
domain, or on the system.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from compute_site.identity.derived import (
    implications,
    project_tree,
    reachable,
    refresh,
    role_groups,
)
from compute_site.identity.errors import NoSuchThing, WrongDomain
from compute_site.identity.ids import stable_id
from compute_site.identity.models import (
    DerivedMembership,
    Domain,
    NamedRole,
    Project,
    ProjectRole,
    Role,
    RoleAssignment,
    Token,
    User,
    UserGroup,
)
from compute_site.identity.records import note_change
from compute_site.identity.wide_roles import follow_assignments

ROLE_OF_ID = {stable_id("role", role.value): role for role in Role}


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a role is held: in a project or a domain, or, with neither, on the system."""

    project: Project | None = None
    domain: Domain | None = None
    inherited: bool = False
    """By the projects below it, not by itself."""

    @property
    def name(self) -> str:
        thing = self.project or self.domain
        return f"in {thing.name}" if thing is not None else "on the system"

    @property
    def key(self) -> str:
        kind, thing = "system", ""
        if self.project is not None:
            kind, thing = "project", self.project.pk
        elif self.domain is not None:
            kind, thing = "domain", self.domain.pk
        return f"{kind} {thing}{' inherited' if self.inherited else ''}"


@dataclasses.dataclass(frozen=True, slots=True)
class Assignment:
    """One role of one user or group in one place, all by ids."""

    role_id: str
    user_id: str | None = None
    group_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    inherited: bool = False


Holder = User | UserGroup


def find_role(role_id: str) -> NamedRole:
    """Raises: NoSuchThing."""
    found = None if "\0" in role_id else NamedRole.objects.filter(pk=role_id).first()
    if found is None:
        raise NoSuchThing(f"There is no role {role_id}.")
    return found


def roles_held(holder: Holder, place: Place) -> list[NamedRole]:
    """The roles that the user or group was given there, by name; not those by a group of the user
    or by inheritance.
    """
    if _is_membership(holder, place):
        keys = set(_memberships(user=holder.pk, project=place.project).values_list(ROLE, flat=True))
        found = NamedRole.objects.filter(by_keys(keys))
    else:
        found = NamedRole.objects.filter(assignments__in=_rows(holder, place))
    return list(found.order_by("name"))


def by_keys(keys: Collection[str]) -> Q:
    """The roles with these keys, of a query set of them."""
    return Q(is_built_in=True, name__in=keys) | Q(pk__in=keys)


def assign(holder: Holder, place: Place, role: NamedRole, *, by: str) -> None:
    """Give the role; do nothing if it is held already.

    Raises:
        WrongDomain: the role is one of another domain.
    """
    if role.domain_id is not None and role.domain_id != _domain_of(place):
        raise WrongDomain(f"The role {role.name} is one of another domain.")
    with transaction.atomic():
        if role in roles_held(holder, place):
            return
        if _is_membership(holder, place):
            _make_direct(holder, place, role)
        else:
            RoleAssignment.objects.bulk_create([row_of(holder, place, role)], ignore_conflicts=True)
            follow_assignments()
        changed_what(holder, f"Given the role {role.name} {place.name}.", place, by=by)
        refresh(_people(holder))


def unassign(holder: Holder, place: Place, role: NamedRole, *, by: str) -> None:
    """Take the role away.

    Raises:
        NoSuchThing: it is not held there.
    """
    with transaction.atomic():
        if role not in roles_held(holder, place):
            raise NoSuchThing(f"The role {role.name} is not held {place.name}.")
        if _is_membership(holder, place):
            entry = ProjectRole.objects.get(project=place.project, role=role.key)
            entry.group.user_set.remove(holder)  # type: ignore[arg-type] # a user
        else:
            RoleAssignment.objects.filter(key=_key(holder, place, role)).delete()
        changed_what(holder, f"Lost the role {role.name} {place.name}.", place, by=by)
        people = _people(holder)
        refresh(people)
        end_lost_places(people, place)


def changed_what(holder: Holder, what: str, place: Place, *, by: str) -> None:
    project = place.project.pk if place.project is not None else ""
    note_change(holder, what, by=by, project_id=project)


def end_lost_places(user_ids: Iterable[str], place: Place) -> None:
    """Delete the tokens for a domain or the system of users who hold no role there any more."""
    if place.project is not None or place.inherited:
        return
    domain_id = place.domain.pk if place.domain is not None else None
    shown = set(NamedRole.objects.filter(domain=None).values_list("pk", flat=True))
    enough = shown | {role for role, implied in implications().items() if implied & shown}
    held = _held_widely(OuterRef("user"), domain_id).filter(role__in=enough)
    tokens = Token.objects.filter(user__in=user_ids, domain=domain_id, project=None)
    tokens.filter(~Exists(held), system=domain_id is None).delete()


def _held_widely(user: str | OuterRef, domain_id: str | None) -> QuerySet[RoleAssignment]:
    """What the user was given in the domain, or, with ``None``, on the system."""
    return RoleAssignment.objects.filter(
        Q(user=user) | Q(group__members=user), project=None, domain=domain_id, inherited=False
    )


def domains_of(user_id: str) -> QuerySet[Domain]:
    """The enabled domains in which the user holds a role."""
    held = RoleAssignment.objects.filter(
        Q(user=user_id) | Q(group__members=user_id), domain__isnull=False, inherited=False
    )
    return Domain.objects.filter(enabled=True, pk__in=held.values("domain")).order_by("name")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which assignments are asked for. ``projects``: those in one of them; ``within``: those in
    this domain and in its projects.
    """

    user_id: str | None = None
    group_id: str | None = None
    role_id: str | None = None
    projects: Collection[str] | None = None
    domain_id: str | None = None
    within: str | None = None
    on_system: bool = False
    only_inherited: bool = False
    effective: bool = False


def find_assignments(wanted: Wanted) -> list[Assignment]:
    """The assignments as they were made; ``effective``: what each user holds by them, so without
    groups, inheritance and implied roles.
    """
    implied = implications() if wanted.effective else {}
    asked = wanted.role_id
    roles = None
    if asked is not None:
        roles = {asked} | {role for role, others in implied.items() if asked in others}
    found = [*_direct(wanted, roles), *_of_rows(wanted, roles)]
    if wanted.effective:
        found = [one for one in _make_effective(found, implied) if _matches(one, wanted)]
    return list(dict.fromkeys(found))


def _direct(wanted: Wanted, roles: Collection[str] | None) -> Iterator[Assignment]:
    """Those that are memberships; ``roles``: of one of these."""
    if wanted.group_id or wanted.domain_id or wanted.on_system or wanted.only_inherited:
        return
    rows = _memberships(user=wanted.user_id)
    if wanted.projects is not None:
        rows = rows.filter(group__project_role__project__in=list(wanted.projects))
    if wanted.within is not None:
        rows = rows.filter(group__project_role__project__domain=wanted.within)
    ids = {role.key: role.id for role in NamedRole.objects.all()}
    if roles is not None:
        keys = [key for key, role in ids.items() if role in roles]
        rows = rows.filter(group__project_role__role__in=keys)
    order = ("group__project_role__project__name", "user__username", "group__project_role")
    columns = ("user_id", "group__project_role__project_id", ROLE)
    for user_id, project_id, key in rows.order_by(*order).values_list(*columns):
        yield Assignment(ids[key], user_id=user_id, project_id=project_id)


def _of_rows(wanted: Wanted, roles: Collection[str] | None) -> Iterator[Assignment]:
    """Those that are rows of their own; where effective ones are asked for, all of which such ones
    can come.
    """
    chosen = Q()
    if wanted.group_id:
        chosen &= Q(group=wanted.group_id)
    if wanted.user_id:
        by_group = Q(group__members=wanted.user_id) if wanted.effective else Q()
        chosen &= Q(user=wanted.user_id) | by_group
    if roles is not None:
        chosen &= Q(role__in=roles)
    if wanted.projects is not None:
        from_above = Q(inherited=True) if wanted.effective else Q()
        chosen &= Q(project__in=wanted.projects) | from_above
    if wanted.domain_id:
        chosen &= Q(domain=wanted.domain_id)
    if wanted.within is not None:
        chosen &= Q(domain=wanted.within) | Q(project__domain=wanted.within)
    if wanted.on_system:
        chosen &= Q(project=None, domain=None)
    if wanted.only_inherited:
        chosen &= Q(inherited=True)
    for row in RoleAssignment.objects.filter(chosen).order_by("key").distinct():
        yield Assignment(
            row.role_id,
            user_id=row.user_id,
            group_id=row.group_id,
            project_id=row.project_id,
            domain_id=row.domain_id,
            inherited=row.inherited,
        )


def _make_effective(
    rows: Collection[Assignment], implied: Mapping[str, Collection[str]]
) -> list[Assignment]:
    members: dict[str, list[str]] = defaultdict(list)
    groups = {row.group_id for row in rows if row.group_id}
    of_groups = User.user_groups.through.objects.filter(usergroup__in=groups)
    for group, user in of_groups.order_by("user").values_list("usergroup", "user"):
        members[group].append(user)
    tree = project_tree() if any(row.inherited for row in rows) else {}
    shown: list[Assignment] = []
    seen_in_tokens = set(NamedRole.objects.filter(domain=None).values_list("pk", flat=True))
    for row in rows:
        places: list[dict[str, Any]] = [{}]
        if row.inherited:
            top = row.project_id or f"domain {row.domain_id}"
            below = sorted(reachable(top, tree))
            places = [{"project_id": one, "domain_id": None, "inherited": False} for one in below]
        for user in [row.user_id] if row.user_id else members[str(row.group_id)]:
            for role in (row.role_id, *sorted(implied.get(row.role_id, ()))):
                if role in seen_in_tokens:
                    named = dataclasses.replace(row, role_id=role, user_id=user, group_id=None)
                    shown += [dataclasses.replace(named, **place) for place in places]
    return shown


def _matches(one: Assignment, wanted: Wanted) -> bool:
    """Is it asked for? Not all that comes of a row is."""
    return (
        wanted.user_id in (None, one.user_id)
        and wanted.role_id in (None, one.role_id)
        and (wanted.projects is None or one.project_id in wanted.projects)
        and wanted.domain_id in (None, one.domain_id)
    )


ROLE = "group__project_role__role"


def _memberships(*, user: str | None = None, project: Project | None = None) -> QuerySet[Any]:
    """The memberships in groups of roles that were given directly."""
    derived = DerivedMembership.objects.filter(user=OuterRef("user"), group=OuterRef("group"))
    rows = User.groups.through.objects.filter(group__project_role__isnull=False)
    if user is not None:
        rows = rows.filter(user=user)
    if project is not None:
        rows = rows.filter(group__project_role__project=project)
    return rows.exclude(Exists(derived))


def _make_direct(holder: Holder, place: Place, role: NamedRole) -> None:
    """Put the user into the group of the role, or take away the mark that it is there for other
    reasons alone.
    """
    pair = (str(place.project.pk), role.key)  # type: ignore[union-attr] # memberships are in projects
    group = role_groups([pair])[pair]
    User.groups.through.objects.get_or_create(user_id=holder.pk, group_id=group)
    DerivedMembership.objects.filter(user=holder.pk, group=group).delete()


def _is_membership(holder: Holder, place: Place) -> bool:
    return isinstance(holder, User) and place.project is not None and not place.inherited


def _columns(holder: Holder, place: Place) -> dict[str, Any]:
    return {
        "user_id": holder.pk if isinstance(holder, User) else None,
        "group_id": holder.pk if isinstance(holder, UserGroup) else None,
        "project": place.project,
        "domain": place.domain,
    }


def _rows(holder: Holder, place: Place) -> QuerySet[RoleAssignment]:
    return RoleAssignment.objects.filter(inherited=place.inherited, **_columns(holder, place))


def row_of(holder: Holder, place: Place, role: NamedRole) -> RoleAssignment:
    """What is stored of an assignment that is no membership."""
    key = _key(holder, place, role)
    return RoleAssignment(key=key, role=role, inherited=place.inherited, **_columns(holder, place))


def _key(holder: Holder, place: Place, role: NamedRole) -> str:
    kind = "user" if isinstance(holder, User) else "group"
    return f"{kind} {holder.pk} {place.key} {role.pk}"


def _people(holder: Holder) -> list[str]:
    if isinstance(holder, User):
        return [holder.pk]
    return list(holder.members.values_list("pk", flat=True))


def _domain_of(place: Place) -> str | None:
    if place.project is not None:
        return place.project.domain_id
    return place.domain.pk if place.domain is not None else None
