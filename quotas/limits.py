"""Reads the limit that applies: the user's, or else the project's, the default class's, the
option's.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import IntegerField, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce

from quotas.models import Limit
from quotas.resources import RESOURCES

DEFAULT_CLASS = "default"
PROJECT_LIMIT_JOINS = """
    LEFT JOIN quotas_limit AS project
        ON project.project_id = counter.project_id AND project.resource = counter.resource
        AND project.user_id = ''
    LEFT JOIN quotas_limit AS class
        ON class.project_id IS NULL AND class.quota_class = %(class)s
        AND class.resource = counter.resource
"""
"""For statements that read rows of usage as ``counter`` and take ``DEFAULT_CLASS`` as ``class``."""
SET_LIMIT = 'COALESCE(project."limit", class."limit")'
"""The limit of the project in such a statement; null where only the option's is left."""


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


def project_limit(resource: str) -> Coalesce:
    """The limit of each project as a column of a queryset of projects."""
    limits = Limit.objects.filter(resource=resource, user_id="").values("limit")
    return Coalesce(
        Subquery(limits.filter(project=OuterRef("pk"))[:1]),
        Subquery(limits.filter(project=None, quota_class=DEFAULT_CLASS)[:1]),
        Value(RESOURCES[resource].default),
        output_field=IntegerField(),
    )


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
