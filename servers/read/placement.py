"""How the search for a server's host went, as clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.faults import NotFound
from servers.models import Instance, SchedulingReport


class NotPlacedYet(NotFound):
    """No host has been looked for."""

    code = "not_placed_yet"


def read_placement(instance: Instance) -> SchedulingReport:
    """The report of the last search.

    Raises:
        NotPlacedYet: nobody has looked for a host yet.
    """
    report = SchedulingReport.objects.filter(instance=instance).first()
    if report is None:
        raise NotPlacedYet(f"No host has been looked for yet for the server {instance.uuid}.")
    return report


def show_report(report: Mapping[str, Any], *, named: bool) -> dict[str, Any]:
    """A report in the form of the API. ``named``: with the names of hosts and their weights, which
    are for operators.

    ``steps`` tells, in the order of the search, what removed how many hosts and how many were left.
    """
    removed = report.get("removed", [])
    total = report.get("hosts", report.get("hosts_looked_at"))
    left, steps = total, []
    for part in removed:
        left = None if left is None else left - part["number"]
        step = {"reason": part["reason"], "removed": part["number"], "left": left}
        steps.append({**step, "hosts": part["hosts"]} if named else step)
    shown = {"outcome": report["outcome"], "hosts": total, "steps": steps}
    if "reason" in report:
        shown["reason"] = report["reason"]
    if named and report["outcome"] == "placed":
        shown |= {"host": report["host"], "weights": report["weights"]}
    return shown
