"""The one home of domains that clients make, change and delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import Immutable, StillEnabled
from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Domain, Project, User, UserGroup
from compute_site.identity.records import GONE, note_change
from compute_site.identity.rows import change_row, check_mutable, make_row

COLUMNS = {name: name for name in ("id", "name", "description", "enabled", "tags")}
SHOWN = ("tags", "options", "parent_id", "is_domain", "domain_id")


def make_domain(members: Mapping[str, Any], *, by: str) -> Domain:
    """Raises: NameInUse, MalformedRequest (see ``make_row``)."""
    return make_row(Domain(), members, columns=COLUMNS, by=by, shown=SHOWN)


def change_domain(domain: Domain, members: Mapping[str, Any], *, by: str) -> Domain:
    """Disabling it ends the tokens of its users and projects, and nobody gets new ones."""
    return change_row(domain, members, columns=COLUMNS, by=by, shown=SHOWN)


def remove_domain(domain: Domain, *, by: str) -> None:
    """Delete a disabled domain with all its projects, users, groups and roles.

    Raises:
        StillEnabled: it has to be disabled first.
        Immutable: it is the default domain, or marked so.
        StillInUse: projects or users in it still have servers or the like.
    """
    if domain.pk == DOMAIN_ID:
        raise Immutable("The default domain is not deleted.")
    check_mutable(domain, {})
    if domain.enabled:
        raise StillEnabled("Disable the domain before you delete it.")
    with transaction.atomic():
        for project in leaves_first(domain):
            remove_owner(project, by=by)
        for user in User.objects.filter(domain=domain):
            remove_owner(user, by=by)
        UserGroup.objects.filter(domain=domain).delete()
        if by:
            note_change(domain, GONE, by=by)
        domain.delete()


def leaves_first(domain: Domain) -> list[Project]:
    """The projects of the domain, each before the one that it lies in."""
    found = {project.pk: project for project in Project.objects.filter(domain=domain)}

    def depth(project: Project) -> int:
        return 1 + depth(found[project.parent_id]) if project.parent_id in found else 0

    return sorted(found.values(), key=depth, reverse=True)
