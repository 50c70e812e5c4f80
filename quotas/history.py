"""Reads the history of limits, for the admin."""

from __future__ import annotations

import dataclasses
import datetime as dt

from compute_site.identity.models import User
from quotas.models import LimitChange
from quotas.resources import UNLIMITED

MOST = 30


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """One change of a limit; users by name, unless they were deleted."""

    at: dt.datetime
    by: str
    user: str
    resource: str
    before: str
    after: str


def read_changes(*, project_id: str | None, quota_class: str = "") -> list[Change]:
    """The newest changes of the limits of a project or a class; two statements."""
    rows = LimitChange.objects.filter(project=project_id, quota_class=quota_class)
    changes = list(rows.order_by("-id")[:MOST])
    ids = {row.changed_by for row in changes} | {row.user_id for row in changes}
    names = dict(User.objects.filter(pk__in=ids).values_list("pk", "username"))
    return [
        Change(
            at=row.changed_at,
            by=names.get(row.changed_by, row.changed_by) or "–",
            user=names.get(row.user_id, row.user_id),
            resource=row.resource,
            before=describe_limit(row.before),
            after=describe_limit(row.after),
        )
        for row in changes
    ]


def describe_limit(limit: int | None) -> str:
    """A limit of a change as people read it."""
    if limit is None:
        return "none of its own"
    return "no limit" if limit == UNLIMITED else str(limit)
