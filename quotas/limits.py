"""Reads the limit that applies: the user's, or else the project's, the default class's, the
option's.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q

from quotas.models import Limit
from quotas.resources import RESOURCES

DEFAULT_CLASS = "default"


def effective_limits(
    project_id: str, user_id: str | None = None, resources: Iterable[str] = RESOURCES
) -> dict[str, int]:
    """The limits of a user in a project, or of the project when no user is named (one
    statement).

    −1 is no limit.
    """
    scope = Q(project=project_id, user_id__in={"", user_id or ""}) | Q(
        project=None, quota_class=DEFAULT_CLASS
    )
    return _resolve(scope, resources)


def class_limits(quota_class: str, resources: Iterable[str] = RESOURCES) -> dict[str, int]:
    """The limits of a quota class, or of the option where it sets none (one statement)."""
    return _resolve(Q(project=None, quota_class=quota_class), resources)


def own_limits(*, project_id: str | None = None, quota_class: str = "") -> dict[str, int]:
    """The limits that are set for a project or class itself (one statement)."""
    rows = Limit.objects.filter(project=project_id, quota_class=quota_class, user_id="")
    return dict(rows.values_list("resource", "limit"))


def _resolve(scope: Q, resources: Iterable[str]) -> dict[str, int]:
    """Take the narrowest row of each resource; class rows are the widest, user rows the
    narrowest.
    """
    limits = {name: RESOURCES[name].default for name in resources}
    widths: dict[str, tuple[bool, str]] = {}
    rows = Limit.objects.filter(scope, resource__in=list(limits)).values_list(
        "resource", "limit", "project_id", "user_id"
    )
    for resource, limit, project_id, user_id in rows:
        width = (project_id is not None, user_id)
        if resource not in widths or width > widths[resource]:
            widths[resource] = width
            limits[resource] = limit
    return limits
