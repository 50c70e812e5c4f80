"""The one home of projects that clients make and change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from compute_site.identity.errors import (
    MalformedRequest,
    Moved,
    StillEnabled,
    TooDeep,
)
from compute_site.identity.leaving import remove_owner
from compute_site.identity.models import Domain, Project
from compute_site.identity.records import describe_members, note_change
from compute_site.identity.rows import change_row, check_mutable, make_row

COLUMNS = {
    name: name for name in ("name", "description", "enabled", "domain_id", "parent_id", "tags")
}
SHOWN = ("is_domain",)
"""Made by the site: a client that sends back what it was shown changes nothing by it."""
MOST_DEEP = 5
"""How many projects lie within each other at most, as in Keystone."""


def make_project(members: Mapping[str, Any], *, by: str) -> Project:
    """Make a project of checked members, those of ``POST /v3/projects``; its roles come with it.

    Raises:
        NameInUse: another project of the domain has this name.
        MalformedRequest: the unknown members are too large, there is no such domain or parent,
            or the parent is in another domain.
        StillEnabled: the domain or the parent is disabled.
        TooDeep: too many projects would lie within each other.
    """
    return make_row(Project(), placed(members), columns=COLUMNS, by=by, shown=SHOWN)


def change_project(project: Project, members: Mapping[str, Any], *, by: str) -> Project:
    """Change what is named; raises as ``make_project``, and ``Immutable``.

    Raises:
        MalformedRequest: it would get another domain.
        Moved: it would get another parent.
        StillEnabled: it would be enabled below a disabled one, or disabled above an enabled one.
    """
    wanted = {**members}
    if wanted.pop("domain_id", None) not in (None, project.domain_id):
        raise MalformedRequest("project.domain_id: a project stays in its domain.")
    if wanted.pop("parent_id", None) not in (None, parent_of(project)):
        raise Moved("project.parent_id: a project stays where it is.")
    if wanted.get("enabled") is False and has_enabled_below(project):
        raise StillEnabled("Disable the projects that lie in this one first.")
    if wanted.get("enabled") and not all(above.enabled for above in parents_of(project)):
        raise StillEnabled("A project that lies in a disabled one stays disabled.")
    return change_row(project, wanted, columns=COLUMNS, by=by, shown=SHOWN)


def remove_project(project: Project, *, by: str) -> None:
    """Delete a project in which no other lies.

    Raises:
        StillEnabled: others lie in it.
        Immutable: it is marked so.
        StillInUse: it has servers, or things that others use.
    """
    check_mutable(project, {})
    if project.children.exists():
        raise StillEnabled("Other projects lie in this one; delete them first.")
    remove_owner(project, by=by)


def set_tags(thing: Project, tags: Iterable[str], *, by: str) -> list[str]:
    """Give the project these tags and no others; they are sorted."""
    with transaction.atomic():
        locked = Project.objects.select_for_update().get(pk=thing.pk)
        locked.tags = sorted(set(tags))
        locked.save(update_fields=["tags"])
        note_change(locked, describe_members({"tags": locked.tags}), by=by)
    return locked.tags


def parent_of(project: Project) -> str:
    """The id of the parent, which is the domain where the project lies in no other."""
    return str(project.parent_id or project.domain_id)


def parents_of(project: Project) -> list[Project]:
    """The projects that it lies in, the nearest first; at most ``MOST_DEEP`` statements."""
    found: list[Project] = []
    while (found[-1] if found else project).parent_id is not None:
        found.append(Project.objects.get(pk=(found[-1] if found else project).parent_id))
    return found


def subtree_of(project: Project) -> list[Project]:
    """All that lie in it, directly or not; one statement a level."""
    found: list[Project] = []
    level = [project]
    while level:
        level = list(Project.objects.filter(parent__in=level))
        found += level
    return found


def has_enabled_below(project: Project) -> bool:
    return any(below.enabled for below in subtree_of(project))


def placed(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members of a new project with domain and parent as they are stored; raises as
    ``make_project``.
    """
    wanted = {**members}
    domain_id, parent_id = wanted.get("domain_id"), wanted.pop("parent_id", None)
    if parent_id is not None and not Domain.objects.filter(pk=parent_id).exists():
        parent = Project.objects.filter(pk=parent_id).first()
        if parent is None:
            raise MalformedRequest(f"project.parent_id: there is no project {parent_id[:60]}.")
        if domain_id not in (None, parent.domain_id):
            raise MalformedRequest("project.parent_id: the parent is in another domain.")
        _check_parent(parent)
        return {**wanted, "domain_id": parent.domain_id, "parent_id": parent.pk}
    if parent_id is not None and domain_id not in (None, parent_id):
        raise MalformedRequest("project.parent_id: this is another domain.")
    domain = Domain.objects.filter(pk=parent_id or domain_id).first()
    if domain is None:
        raise MalformedRequest(f"project.domain_id: there is no domain {domain_id}.")
    if not domain.enabled:
        raise StillEnabled("The domain is disabled.")
    return {**wanted, "domain_id": domain.pk}


def _check_parent(parent: Project) -> None:
    above = [parent, *parents_of(parent)]
    if not all(project.enabled for project in above):
        raise StillEnabled("The parent is disabled.")
    if len(above) >= MOST_DEEP:
        raise TooDeep(f"At most {MOST_DEEP} projects lie within each other.")
