"""Reads what was added up: series over time, and the usage of projects in a period."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Q

from servers.models import Rollup, RollupKind

USAGE_NUMBERS = ("vcpu_hours", "memory_hours", "disk_hours")
MOST_ROWS = 50_000


@dataclasses.dataclass(frozen=True, slots=True)
class Series:
    """The values of one thing over time, in the order of time."""

    name: str
    points: Sequence[tuple[dt.datetime, float]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a project used in a period; memory and disk in hours of a GiB."""

    project_id: str
    project: str
    vcpu_hours: float
    memory_hours: float
    disk_hours: float


def read_series(
    kind: RollupKind, number: str, since: dt.datetime, *, subjects: Iterable[str] | None = None
) -> list[Series]:
    """A series for each subject, by name."""
    rows = Rollup.objects.filter(kind=kind, at__gte=since)
    if subjects is not None:
        rows = rows.filter(subject__in=list(subjects))
    points: dict[str, list[tuple[dt.datetime, float]]] = {}
    found = rows.order_by("at").values_list("subject", "at", "numbers")[:MOST_ROWS]
    for subject, at, numbers in found:
        points.setdefault(subject, []).append((at, float(numbers.get(number) or 0)))
    return [Series(name, points[name]) for name in sorted(points)]


def read_usage(
    since: dt.datetime, until: dt.datetime, project: str = ""
) -> tuple[list[Used], list[Series]]:
    """What each project used in the days of the period, the most vCPU hours first, and the vCPU
    hours of all by day. ``project``: only the one with this id or name.
    """
    rows = Rollup.objects.filter(kind=RollupKind.USAGE, at__gte=since, at__lt=until)
    if project:
        rows = rows.filter(Q(subject=project) | Q(numbers__project=project))
    names: dict[str, str] = {}
    sums: dict[str, dict[str, float]] = {}
    days: dict[dt.datetime, float] = {}
    found = rows.order_by("at").values_list("subject", "at", "numbers")[:MOST_ROWS]
    for subject, at, numbers in found:
        names[subject] = str(numbers.get("project") or subject)
        _add(sums.setdefault(subject, dict.fromkeys(USAGE_NUMBERS, 0.0)), numbers)
        days[at] = days.get(at, 0.0) + float(numbers["vcpu_hours"])
    used = [
        Used(
            project_id=key,
            project=names[key],
            vcpu_hours=round(own["vcpu_hours"], 2),
            memory_hours=round(own["memory_hours"], 2),
            disk_hours=round(own["disk_hours"], 2),
        )
        for key, own in sums.items()
    ]
    used.sort(key=lambda row: (-row.vcpu_hours, row.project))
    return used, [Series("vCPU hours", sorted(days.items()))]


def _add(own: dict[str, float], numbers: Mapping[str, float]) -> None:
    for name in USAGE_NUMBERS:
        own[name] += float(numbers[name])
