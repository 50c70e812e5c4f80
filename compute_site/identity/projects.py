"""The one home of projects that clients make and change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from compute_site.identity.errors import NameInUse
from compute_site.identity.extra import with_extra
from compute_site.identity.models import Project
from compute_site.identity.records import MADE, describe_members, note_change

KEPT = ("name", "description", "enabled")
SHOWN = {"id", "links", "extra"}
"""Made by the site: a client that sends back what it was shown changes nothing by it."""


def make_project(members: Mapping[str, Any], *, by: str) -> Project:
    """Make a project of checked members, those of ``POST /v3/projects``; its roles come with it.

    Raises:
        NameInUse: another project has this name.
        MalformedRequest: the unknown members are too large.
    """
    with transaction.atomic():
        project = _save(Project(), members)
        note_change(project, MADE, by=by)
        return project


def change_project(project: Project, members: Mapping[str, Any], *, by: str) -> Project:
    """Change what is named; raises as ``make_project``."""
    with transaction.atomic():
        changed = _save(Project.objects.select_for_update().get(pk=project.pk), members)
        note_change(changed, describe_members(members), by=by)
        return changed


def _save(project: Project, members: Mapping[str, Any]) -> Project:
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
