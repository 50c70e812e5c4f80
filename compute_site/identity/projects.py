"""The one home of projects that clients make and change."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from compute_site.identity.auth_request import DOMAIN_ID
from compute_site.identity.errors import MalformedRequest, NameInUse
from compute_site.identity.members import (
    Reader,
    flag,
    name_of,
    no_options,
    only,
    our_domain,
    read_members,
    text,
    with_extra,
)
from compute_site.identity.models import Project

READERS: dict[str, Reader] = {
    "name": name_of(64),
    "description": text,
    "enabled": flag,
    "domain_id": our_domain,
    "parent_id": only(DOMAIN_ID, None, because="projects do not lie within others here."),
    "is_domain": only(False, None, because="a project is no domain here."),
    "tags": only([], None, because="projects have no tags here."),
    "options": no_options,
}
KEPT = ("name", "description", "enabled")
SHOWN = {"id", "links", "extra"}
"""Made by the site: a client that sends back what it was shown changes nothing by it."""


def make_project(body: Any) -> Project:
    """Make the project of a body of ``POST /v3/projects``; its roles come with it.

    Raises:
        MalformedRequest: the body is wrong; the text names the member.
        NameInUse: another project has this name.
    """
    members = read_members(body, "project", READERS)
    if "name" not in members:
        raise MalformedRequest("project.name: give one.")
    return _save(Project(), members)


def change_project(project: Project, body: Any) -> Project:
    """Change what the body of a ``PATCH`` names; raises as ``make_project``."""
    members = read_members(body, "project", READERS)
    with transaction.atomic():
        return _save(Project.objects.select_for_update().get(pk=project.pk), members)


def _save(project: Project, members: dict[str, Any]) -> Project:
    for key in KEPT:
        if key in members:
            setattr(project, key, members[key])
    project.extra = with_extra(project.extra, members, shown=SHOWN)
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError:
        raise NameInUse(f"There is a project {project.name!r} already.") from None
    return project
