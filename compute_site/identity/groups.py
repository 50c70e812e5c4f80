"""The one home of groups of users: make, change, delete, and who is in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from compute_site.identity.assignments import Place, end_lost_places
from compute_site.identity.derived import refresh
from compute_site.identity.errors import MalformedRequest, NoSuchThing
from compute_site.identity.models import RoleAssignment, User, UserGroup
from compute_site.identity.records import note_change
from compute_site.identity.rows import change_row, make_row, remove_row

COLUMNS = {"name": "name", "description": "description", "domain_id": "domain_id"}


def make_group(members: Mapping[str, Any], *, by: str) -> UserGroup:
    """Raises: NameInUse, MalformedRequest (see ``make_row``)."""
    return make_row(UserGroup(), members, columns=COLUMNS, by=by)


def change_group(group: UserGroup, members: Mapping[str, Any], *, by: str) -> UserGroup:
    """Raises: NameInUse; MalformedRequest: see ``make_row``, or the domain would be another."""
    if members.get("domain_id", group.domain_id) != group.domain_id:
        raise MalformedRequest("group.domain_id: a group stays in its domain.")
    return change_row(group, members, columns=COLUMNS, by=by)


def remove_group(group: UserGroup, *, by: str) -> None:
    """Its members lose the roles that they hold by it."""
    with transaction.atomic():
        people = list(group.members.values_list("pk", flat=True))
        places = places_of([group.pk])
        remove_row(group, by=by)
        settle(people, places)


def add_member(group: UserGroup, user: User, *, by: str) -> None:
    """Do nothing if the user is in it already."""
    with transaction.atomic():
        if group.members.filter(pk=user.pk).exists():
            return
        group.members.add(user)
        note_change(group, f"Took in the user {user.username}.", by=by)
        refresh([user.pk])


def remove_member(group: UserGroup, user: User, *, by: str) -> None:
    """Raises: NoSuchThing: the user is not in it."""
    with transaction.atomic():
        if not group.members.filter(pk=user.pk).exists():
            raise NoSuchThing(f"The user {user.pk} is not in the group {group.pk}.")
        group.members.remove(user)
        note_change(group, f"Put out the user {user.username}.", by=by)
        settle([user.pk], places_of([group.pk]))


def places_of(groups: Collection[str]) -> set[Place]:
    """The domains in which one of the groups holds roles, and the system, if one does there."""
    rows = RoleAssignment.objects.filter(group__in=groups, project=None, inherited=False)
    return {Place(domain=row.domain) for row in rows.select_related("domain")}


def settle(people: list[str], places: set[Place]) -> None:
    """Take away what the people held by a group alone."""
    refresh(people)
    for place in places:
        end_lost_places(people, place)
