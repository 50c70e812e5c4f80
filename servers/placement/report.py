"""Tells how a search for hosts went: what it looked at, what removed which hosts, what was chosen.

A report is kept with the server (``SchedulingReport``)::

    {"outcome": "placed", "host": …, "hosts_looked_at": …, "weights": {host: weight, …},
     "removed": [{"reason": …, "number": …, "hosts": [name, …]}, …]}
    {"outcome": "no valid host", "hosts": …, "servers": …, "removed": […]}

Names of hosts are for operators; of each reason only some hosts are named.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.db import connection

from compute_site.db.prepared import send_later
from compute_site.faults import Fault
from servers.placement.choose import Search
from servers.placement.conditions import Question, conditions_of

MOST_NAMED = 20
"""So many hosts are named for a reason."""
COUNT = """
    WITH asked AS MATERIALIZED (
        SELECT CASE {cases} END AS broken, service.host, node.hypervisor_hostname AS node
        FROM servers_computenode AS node
        JOIN servers_service AS service ON service.id = node.service_id
    ), counts AS MATERIALIZED (
        SELECT broken, count(*) AS number FROM asked WHERE broken IS NOT NULL GROUP BY broken
    )
    SELECT broken, number, ARRAY(
        SELECT host || ' (' || node || ')' FROM asked
        WHERE asked.broken = counts.broken ORDER BY host, node LIMIT {most})
    FROM counts ORDER BY broken
"""

INSERT = """
    INSERT INTO servers_schedulingreport (instance_id, report, created_at)
    SELECT given.id, given.report, now() FROM {given}
    ON CONFLICT (instance_id) DO UPDATE SET report = EXCLUDED.report, created_at = now()
"""
"""Keeps the reports of ``given``, which has the columns ``id`` (of the server) and ``report``."""
KEEP = INSERT.format(
    given="jsonb_to_recordset(%s::jsonb) AS given (id bigint, report jsonb)",
)


@dataclasses.dataclass(frozen=True, slots=True)
class Removed:
    """Hosts that one thing speaks against; some of them by name."""

    reason: str
    number: int
    hosts: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"reason": self.reason, "number": self.number, "hosts": list(self.hosts)}


class NoValidHost(Fault):
    """No host can take the servers; ``details`` names hosts and what speaks against them."""

    code = "no_valid_host"

    def __init__(self, detail: str, details: str = "", report: Mapping[str, Any] | None = None):
        super().__init__(detail)
        self.details = details
        self.report = report or {"outcome": "no valid host", "reason": detail}

    @classmethod
    def impossible(cls, reason: str) -> NoValidHost:
        """No host could, whatever it has."""
        return cls(f"No host can take the server: {reason}")


def explain(question: Question, search: Search, *, count: int) -> NoValidHost:
    """Why the search came to nothing, host by host. Reads all hosts, once."""
    fault = question.resources.impossible
    if fault is not None:
        return NoValidHost.impossible(f"{fault}.")
    removed = [*_removed_by_database(question), *_removed_by_search(search)]
    total = sum(part.number for part in removed)
    left = count - search.placed
    wanted = "the server" if count == 1 else f"{left} of {count} servers"
    told = ", ".join(f"{part.number} {part.reason}" for part in removed)
    found = f"of {total} hosts: {told}" if removed else "there is no host"
    lines = [f"{host}: {part.reason}" for part in removed for host in part.hosts]
    report = {
        "outcome": "no valid host",
        "hosts": total,
        "servers": count,
        "removed": [part.as_json() for part in removed],
    }
    return NoValidHost(f"No host can take {wanted}; {found}.", "\n".join(sorted(lines)), report)


def report_of(search: Search) -> dict[str, Any]:
    """How hosts were chosen, but for the host itself."""
    return {
        "outcome": "placed",
        "hosts_looked_at": search.looked_at,
        "weights": search.weights,
        "removed": [part.as_json() for part in _removed_by_search(search)],
    }


def keep_reports(reports: Mapping[int, Mapping[str, Any]]) -> None:
    """Keep the reports with their servers (by key), in the place of older ones."""
    given = [{"id": server, "report": report} for server, report in reports.items()]
    send_later(KEEP, [orjson.dumps(given).decode()])


def _removed_by_database(question: Question) -> list[Removed]:
    conditions = conditions_of(question)
    if not conditions:
        return []
    cases = " ".join(
        f"WHEN ({condition.text}) IS NOT TRUE THEN {index}"
        for index, condition in enumerate(conditions)
    )
    statement = COUNT.format(cases=cases, most=MOST_NAMED)
    values = [value for condition in conditions for value in condition.values]
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return _gathered(
            Removed(conditions[index].says, number, tuple(names))
            for index, number, names in cursor.fetchall()
        )


def _removed_by_search(search: Search) -> list[Removed]:
    return _gathered(
        Removed(reason, 1, (f"{host.host} ({host.node})",))
        for host, reason in search.removed.values()
    )


def _gathered(parts: Iterable[Removed]) -> list[Removed]:
    """One for each reason, in the order in which they come."""
    by_reason: dict[str, list[Removed]] = {}
    for part in parts:
        by_reason.setdefault(part.reason, []).append(part)
    return [
        Removed(
            reason,
            sum(part.number for part in same),
            tuple(host for part in same for host in part.hosts)[:MOST_NAMED],
        )
        for reason, same in by_reason.items()
    ]
