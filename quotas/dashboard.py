"""The panel of quotas on the first page of the admin: projects near a limit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from django.db import connection

from compute_site.console.site import Panel, show_panels
from quotas.limits import DEFAULT_CLASS, DRIVERS, quota_driver
from quotas.meters import NEARLY, meter
from quotas.resources import COUNTED, RESOURCES

MOST_ROWS = 10


# One pass over the counters with joins: a subquery for each row would take seconds.
NEAR_LIMIT = {
    name: f"""
WITH used AS (
  SELECT counter.project_id, counter.resource, counter.in_use,
         COALESCE({driver.project_limit}, given."limit") AS "limit"
    FROM quotas_usage AS counter
    JOIN unnest(%(resources)s::text[], %(defaults)s::int[]) AS given (resource, "limit")
      ON given.resource = counter.resource
    {driver.of_project}
   WHERE counter.in_use > 0
), near AS (
  SELECT project_id, resource, in_use, "limit"
    FROM used
   WHERE "limit" >= 0 AND in_use >= "limit" * %(nearly)s::float8
   ORDER BY in_use / GREATEST("limit", 0.5::float8) DESC, project_id, resource
   LIMIT %(most)s
)
SELECT project.id, project.name, near.resource, near.in_use, near."limit"
  FROM near JOIN identity_project project ON project.id = near.project_id
 ORDER BY near.in_use / GREATEST(near."limit", 0.5::float8) DESC, project.name, near.resource
"""  # noqa: S608 - only constants
    for name, driver in DRIVERS.items()
}


@dataclasses.dataclass(frozen=True, slots=True)
class Near:
    """A project that uses most of a limit."""

    project_id: str
    project: str
    resource: str
    in_use: int
    limit: int

    @property
    def bar(self) -> str:
        return meter(self.in_use, self.limit)


def read_near_limit() -> Mapping[str, Any]:
    """The projects that are near a limit: from the share on at which the bars are yellow."""
    return {"rows": find_near_limit(NEARLY, most=MOST_ROWS)}


def find_near_limit(share: float, *, most: int) -> list[Near]:
    """The limits of which projects use at least this share, the fullest first."""
    parameters: dict[str, Any] = {
        "resources": list(COUNTED),
        "defaults": [RESOURCES[name].default for name in COUNTED],
        "class": DEFAULT_CLASS,
        "nearly": share,
        "most": most,
    }
    with connection.cursor() as cursor:
        cursor.execute(NEAR_LIMIT[quota_driver()], parameters)
        return [Near(*row) for row in cursor.fetchall()]


show_panels(
    Panel(
        title="Projects near their quota",
        permission="quotas.view_projectquota",
        template="quotas/near_limit.html",
        read=read_near_limit,
    )
)
