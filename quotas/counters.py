"""Compares the usage counters with the rows that they count, and corrects them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from django.db import transaction

from quotas.models import Usage
from quotas.resources import COUNTED


@dataclasses.dataclass(frozen=True, slots=True)
class Drift:
    """A counter that differs from the number of rows it counts."""

    project_id: str
    resource: str
    counter: int
    counted: int


def find_suspects(counted: Mapping[str, Mapping[str, int]]) -> set[str]:
    """Projects whose counters differ from ``counted`` (by project and resource).

    Nothing is locked, so that a concurrent request may look like an error; ``check_counters``
    checks a project reliably.
    """
    rows = Usage.objects.filter(resource__in=COUNTED).values_list("project", "resource", "in_use")
    counters = {(project, resource): number for project, resource, number in rows if number}
    right = {
        (project, resource): number
        for project, numbers in counted.items()
        for resource, number in numbers.items()
        if number
    }
    return {project for (project, _resource), _number in counters.items() ^ right.items()}


@transaction.atomic
def check_counters(
    project_id: str, count: Callable[[str], Mapping[str, int]], *, fix: bool
) -> list[Drift]:
    """Find the wrong counters of a project, and with ``fix`` correct them.

    The counters are locked before ``count`` runs, so that a running request cannot look like an
    error.
    """
    Usage.objects.bulk_create(
        [Usage(project_id=project_id, resource=resource) for resource in sorted(COUNTED)],
        ignore_conflicts=True,
    )
    rows = Usage.objects.filter(project=project_id, resource__in=COUNTED)
    counters = list(rows.order_by("resource").select_for_update(no_key=True))
    counted = count(project_id)
    drifts = []
    for counter in counters:
        right = counted.get(counter.resource, 0)
        if counter.in_use != right:
            drifts.append(Drift(project_id, counter.resource, counter.in_use, right))
            counter.in_use = right
    if fix and drifts:
        Usage.objects.bulk_update(counters, ["in_use"])
    return drifts
