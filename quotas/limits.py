"""Says which limit applies: the user's, or else the project's, the default class's, the option's;
or, with the driver ``unified``, that of the identity service.

The rule is written in SQL, so that statements about many projects, and those that lock counters,
can say the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import IntegerField
from django.db.models.expressions import RawSQL

from compute_site.db.prepared import prepared_cursor
from quotas import unified
from quotas.models import Limit
from quotas.resources import RESOURCES, UNLIMITED

DEFAULT_CLASS = "default"

OF_USER = """
    LEFT JOIN quotas_limit AS own
        ON own.project_id = counter.project_id AND own.resource = counter.resource
        AND own.user_id = %(user)s AND own.user_id <> ''
"""
_OF_PROJECT = """
    LEFT JOIN quotas_limit AS project
        ON project.project_id = counter.project_id AND project.resource = counter.resource
        AND project.user_id = ''
    LEFT JOIN quotas_limit AS class
        ON class.project_id IS NULL AND class.quota_class = {quota_class}
        AND class.resource = counter.resource
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Driver:
    """What says the limits, as SQL: joins for statements that have a row with ``project_id`` and
    ``resource`` as ``counter``, and the limits there; null where none is set, so that a wider one
    holds, or the option's at last.
    """

    of_user: str
    of_project: str
    user_limit: str
    project_limit: str
    of_each: str
    """As ``of_project``, where the parameters have no names: for one that may be the class."""


DRIVERS = {
    "database": Driver(
        of_user=OF_USER,
        of_project=_OF_PROJECT.format(quota_class="%(class)s"),
        user_limit='own."limit"',
        project_limit='COALESCE(project."limit", class."limit")',
        of_each=_OF_PROJECT.format(quota_class="%s"),
    ),
    "unified": Driver(
        of_user="",
        of_project=unified.JOIN,
        user_limit="NULL::int",
        project_limit=unified.LIMIT,
        of_each=unified.JOIN + "JOIN (SELECT %s::text) AS class ON TRUE",
    ),
}
LIMITS = {
    name: f"""
    SELECT counter.resource,
           COALESCE({driver.user_limit}, {driver.project_limit}, counter.default_limit)
    FROM (
        SELECT %(project)s::text AS project_id, resource, default_limit
        FROM unnest(%(resources)s::text[], %(defaults)s::int[]) AS given (resource, default_limit)
    ) AS counter
    {driver.of_user} {driver.of_project}
"""  # noqa: S608 - only constants
    for name, driver in DRIVERS.items()
}
LIMIT_OF_EACH = {
    name: f"""
    SELECT COALESCE({driver.project_limit}, counter.default_limit)
    FROM (
        SELECT identity_project.id AS project_id, %s::text AS resource, %s::int AS default_limit
    ) AS counter
    {driver.of_each}
"""  # noqa: S608 - only constants
    for name, driver in DRIVERS.items()
}


def limits_are_unified() -> bool:
    """Does the identity service say them? Then they are set there alone."""
    return quota_driver() == "unified"


def quota_driver() -> str:
    name: str = settings.OPTIONS.quota_driver
    return name


def effective_limits(
    project_id: str, user_id: str | None = None, resources: Iterable[str] = RESOURCES
) -> dict[str, int]:
    """The limits of a user in a project, or of the project when no user is named (one
    statement).

    −1 is no limit.
    """
    return _read_limits(resources, project_id=project_id, user_id=user_id or "")


def class_limits(quota_class: str, resources: Iterable[str] = RESOURCES) -> dict[str, int]:
    """The limits of a quota class, or of the option where it sets none (one statement)."""
    return _read_limits(resources, quota_class=quota_class)


def own_limits(*, project_id: str | None = None, quota_class: str = "") -> dict[str, int]:
    """The limits that are set for a project or class itself (one statement)."""
    rows = Limit.objects.filter(project=project_id, quota_class=quota_class, user_id="")
    return dict(rows.values_list("resource", "limit"))


def project_limit(resource: str) -> RawSQL:
    """The limit of each project as a column of a queryset of projects."""
    default = RESOURCES[resource].default
    statement = LIMIT_OF_EACH[quota_driver()]
    return RawSQL(statement, [resource, default, DEFAULT_CLASS], output_field=IntegerField())  # noqa: S611 - only constants


def _read_limits(
    resources: Iterable[str],
    *,
    project_id: str | None = None,
    user_id: str = "",
    quota_class: str = DEFAULT_CLASS,
) -> dict[str, int]:
    names = list(resources)
    values: dict[str, Any] = {
        "project": project_id,
        "user": user_id,
        "class": quota_class,
        "resources": names,
        "defaults": [RESOURCES[name].default for name in names],
    }
    with prepared_cursor() as cursor:
        cursor.execute(LIMITS[quota_driver()], values)
        return dict.fromkeys(names, UNLIMITED) | dict(cursor.fetchall())
