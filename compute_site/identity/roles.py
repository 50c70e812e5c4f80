"""The one home of roles that operators make, and of what roles imply."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction

from compute_site.identity.assignments import Place, end_lost_places
from compute_site.identity.derived import holders_of, implications, refresh, refresh_all
from compute_site.identity.errors import Immutable, MalformedRequest, NoSuchThing, WrongDomain
from compute_site.identity.models import (
    ImpliedRole,
    NamedRole,
    ProjectRole,
    RoleAssignment,
    User,
    WideRole,
)
from compute_site.identity.records import note_change
from compute_site.identity.rows import change_row, check_mutable, make_row, remove_row
from compute_site.identity.wide_roles import follow_assignments

COLUMNS = {"name": "name", "description": "description", "domain_id": "domain_id"}
SHOWN = ("options",)


def make_role(members: Mapping[str, Any], *, by: str) -> NamedRole:
    """A role with no rules; raises as ``make_row``."""
    return make_row(NamedRole(), members, columns=COLUMNS, by=by, shown=SHOWN)


def change_role(role: NamedRole, members: Mapping[str, Any], *, by: str) -> NamedRole:
    """Raises: Immutable: the site begins with it, or it is marked so; MalformedRequest: it would
    get another domain.
    """
    if members.get("domain_id", role.domain_id) != role.domain_id:
        raise MalformedRequest("role.domain_id: a role stays in its domain.")
    return change_row(role, members, columns=COLUMNS, by=by, shown=SHOWN)


def remove_role(role: NamedRole, *, by: str) -> None:
    """Take the role from all who hold it, and delete it.

    Raises:
        Immutable: the site begins with it, or it is marked so.
    """
    check_mutable(role, {})
    with transaction.atomic():
        assignments = list(RoleAssignment.objects.filter(role=role).select_related("domain"))
        entries = ProjectRole.objects.filter(role=role.key)
        people = User.objects.filter(groups__project_role__in=entries)
        touched = set(people.values_list("pk", flat=True)) | holders_of(assignments)
        wide = WideRole.objects.filter(role=role.key)
        groups = [*entries.values_list("group", flat=True), *wide.values_list("group", flat=True)]
        remove_row(role, by=by)
        Group.objects.filter(pk__in=groups).delete()
        refresh(touched)
        lost = [row for row in assignments if row.project_id is None and not row.inherited]
        for place in {Place(domain=row.domain) for row in lost}:
            end_lost_places(touched, place)


def imply(prior: NamedRole, implied: NamedRole, *, by: str) -> None:
    """From now on, who holds ``prior`` holds ``implied``, too.

    Raises:
        WrongDomain: the implied role is one of a domain, and the prior one is not.
        Immutable: the implied role is admin, or implies the prior one.
    """
    if implied.domain_id is not None and prior.domain_id is None:
        raise WrongDomain(f"The role {implied.name} is one of a domain: only others such imply it.")
    if (
        implied.name == "admin"
        or prior == implied
        or prior.pk in implications().get(implied.pk, ())
    ):
        raise Immutable(f"No role may imply {implied.name} here.")
    with transaction.atomic():
        _, is_new = ImpliedRole.objects.get_or_create(prior=prior, implied=implied)
        if is_new:
            note_change(prior, f"Implies {implied.name} from now on.", by=by)
            refresh_all()
            follow_assignments()


def stop_implying(prior: NamedRole, implied: NamedRole, *, by: str) -> None:
    """Raises: NoSuchThing: it does not imply that; Immutable: every site has this rule."""
    found = find_rule(prior, implied)
    if prior.is_built_in and implied.is_built_in:
        raise Immutable(f"{prior.name} implies {implied.name} on every site.")
    with transaction.atomic():
        found.delete()
        note_change(prior, f"Does not imply {implied.name} any more.", by=by)
        refresh_all()


def find_rule(prior: NamedRole, implied: NamedRole) -> ImpliedRole:
    """Raises: NoSuchThing."""
    found = ImpliedRole.objects.filter(prior=prior, implied=implied).first()
    if found is None:
        raise NoSuchThing(f"The role {prior.name} does not imply {implied.name}.")
    return found
