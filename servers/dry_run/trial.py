"""What a trial found, and how everything that it wrote is undone."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import orjson
from django.db import transaction

from compute_site.db.prepared import array, prepared_cursor
from compute_site.faults import Fault
from quotas.limits import effective_limits

T = TypeVar("T")
COUNTED = ("instances", "cores", "ram")
USAGE = """
    SELECT resource, in_use FROM quotas_usage
    WHERE project_id = %s AND resource = ANY(%s::text[])
"""
OUTCOME = """
    SELECT (SELECT report::text FROM servers_schedulingreport
            WHERE instance_id = ANY(%(servers)s::bigint[]) ORDER BY instance_id LIMIT 1),
           (SELECT message FROM servers_fault
            WHERE instance_id = ANY(%(servers)s::bigint[])
            ORDER BY created_at DESC, id DESC LIMIT 1)
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class QuotaUse:
    """Of one resource of the project: the limit (−1: none), and the usage before and after."""

    resource: str
    limit: int
    before: int
    after: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """``faults``: why the request would be refused, the one that a client would get first; empty
    where it would be accepted. ``servers`` tells what would be made or changed. ``report``: how
    the search for hosts went (``servers.placement.report``), where one is made; ``misplaced`` says
    why no host can take the servers.
    """

    faults: Sequence[Fault] = ()
    servers: Mapping[str, Any] | None = None
    quota: Sequence[QuotaUse] = ()
    report: Mapping[str, Any] | None = None
    misplaced: str | None = None

    @property
    def accepted(self) -> bool:
        return not self.faults


def undone(do: Callable[[], T]) -> T:
    """What ``do`` returns; everything that it writes is rolled back, jobs included."""
    with transaction.atomic():
        result = do()
        transaction.set_rollback(True)
    return result


def usage_of(project_id: str) -> dict[str, int]:
    """The project's usage of what servers are counted by."""
    with prepared_cursor() as cursor:
        cursor.execute(USAGE, [project_id, array(COUNTED)])
        return dict(cursor.fetchall())


def compare_usage(
    project_id: str, user_id: str, before: Mapping[str, int], after: Mapping[str, int]
) -> list[QuotaUse]:
    """The usage before and after, with the limits of the user in the project."""
    limits = effective_limits(project_id, user_id, COUNTED)
    return [
        QuotaUse(
            resource=name,
            limit=limits[name],
            before=before.get(name, 0),
            after=after.get(name, 0),
        )
        for name in COUNTED
    ]


def read_outcome(servers: Sequence[int]) -> tuple[Mapping[str, Any] | None, str | None]:
    """How the search for hosts of these servers (by key) went, and why none was found."""
    with prepared_cursor() as cursor:
        cursor.execute(OUTCOME, {"servers": array(servers)})
        report, message = cursor.fetchone()
    return None if report is None else orjson.loads(report), message
