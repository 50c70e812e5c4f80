"""The search for a server's host as a funnel on the server's page, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Max
from django.utils.html import format_html

from servers.admin.display import NOTHING, Links, moment
from servers.admin.parts import Part, rows
from servers.models import Instance, Inventory, SchedulingReport
from servers.models.provider import DISK_GB, MEMORY_MB, VCPU
from servers.read.placement import show_report

TITLE = "Search for a host"
NEEDS = {VCPU: "vcpus", MEMORY_MB: "memory_mb", DISK_GB: "root_gb"}
UNITS = {VCPU: "vCPUs", MEMORY_MB: "MiB of memory", DISK_GB: "GiB of disk"}


def placement_part(_links: Links, instance: Instance) -> Part:
    """A line for each thing that removed hosts; the last one says what came of it."""
    report = SchedulingReport.objects.filter(instance=instance).first()
    lines = list(_lines(instance, report)) if report is not None else []
    headers = ("", "hosts left", "removed", "hosts")
    return rows(TITLE, headers, lines, empty="No host has been looked for.")


def _lines(instance: Instance, report: SchedulingReport) -> Iterator[tuple[object, ...]]:
    shown = show_report(report.report, named=True)
    total = shown["hosts"] or 0
    yield (
        format_html("looked at, {}", moment(report.created_at)),
        _bar(total, total),
        NOTHING,
        NOTHING,
    )
    for step in shown["steps"]:
        names = ", ".join(step["hosts"])
        yield step["reason"], _bar(step["left"] or 0, total), step["removed"], names or NOTHING
    if shown["outcome"] == "placed":
        best = ", ".join(f"{host} {weight:g}" for host, weight in shown["weights"].items())
        yield f"placed on {shown['host']}", NOTHING, NOTHING, f"best weights: {best}"
        return
    yield shown.get("reason", "no host is left"), _bar(0, total), NOTHING, NOTHING
    for name, wanted, largest in _shortages(instance):
        text = f"what would help: {wanted} {UNITS[name]} on one host; the most free is {largest}"
        yield text, NOTHING, NOTHING, NOTHING


def _bar(left: int, total: int) -> str:
    return format_html('<meter min="0" max="{}" value="{}"></meter> {}', max(total, 1), left, left)


def _shortages(instance: Instance) -> Iterator[tuple[str, int, int]]:
    """Of what no single host has enough: the resource class, what is wanted, the most that is free
    now.
    """
    free = dict(
        Inventory.objects.filter(resource_class__in=NEEDS)
        .values("resource_class")
        .annotate(most=Max("free"))
        .values_list("resource_class", "most")
    )
    for name, attribute in NEEDS.items():
        wanted, most = getattr(instance, attribute), max(free.get(name, 0), 0)
        if wanted > most:
            yield name, wanted, most
