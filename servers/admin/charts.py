"""Charts of the past in the admin, and the usage report: plain SVG over rows of ``Rollup``."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from compute_site.console.csv_lists import as_cell, as_file
from compute_site.console.site import Page, show_pages
from servers.admin.display import Links
from servers.models import RollupKind
from servers.statistics.read import Series, read_series, read_usage

WIDTH, HEIGHT = 600, 160
MOST_SERIES = 8
"""A chart with more lines cannot be read; the largest are drawn."""
PERIODS = (("1", "a day"), ("7", "a week"), ("30", "a month"), ("90", "three months"))
LONGEST = dt.timedelta(days=800)


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One series as SVG draws it; ``last`` is its newest value."""

    name: str
    points: str
    last: str


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """Lines over time from ``start`` to ``end``, whose values go from 0 to ``top``."""

    title: str
    lines: Sequence[Line]
    top: str
    start: dt.datetime
    end: dt.datetime
    more: int
    """So many smaller series are not drawn."""

    @property
    def summary(self) -> str:
        """What somebody is told who cannot see the lines."""
        newest = ", ".join(f"{line.name} {line.last}" for line in self.lines)
        return f"{self.title}, {self.start:%Y-%m-%d %H:%M} to {self.end:%Y-%m-%d %H:%M}: {newest}"


def draw(title: str, series: Sequence[Series], start: dt.datetime, end: dt.datetime) -> Chart:
    """The chart of the largest series."""
    largest = sorted(series, key=lambda one: -max(value for _, value in one.points))
    drawn = sorted(largest[:MOST_SERIES], key=lambda one: one.name)
    top = max((value for one in drawn for _, value in one.points), default=0.0) or 1.0
    seconds = (end - start).total_seconds() or 1.0
    lines = []
    for one in drawn:
        places = [
            f"{(at - start).total_seconds() / seconds * WIDTH:.1f},"
            f"{HEIGHT - value / top * HEIGHT:.1f}"
            for at, value in one.points
        ]
        if len(places) == 1:  # a line of one point would not be seen
            places *= 2
        lines.append(Line(one.name, " ".join(places), f"{one.points[-1][1]:g}"))
    return Chart(title, lines, f"{top:g}", start, end, max(0, len(series) - MOST_SERIES))


class PeriodForm(forms.Form):
    days = forms.ChoiceField(choices=PERIODS, required=False)
    host = forms.CharField(required=False, max_length=255)


CHARTS = (
    ("vCPUs in use, by zone", RollupKind.ZONE, "vcpus_used"),
    ("vCPUs that may be used, by zone", RollupKind.ZONE, "vcpus"),
    ("Memory in use, by zone (GiB)", RollupKind.ZONE, "memory_used"),
    ("Disk in use, by zone (GiB)", RollupKind.ZONE, "disk_used"),
    ("Servers by state", RollupKind.STATE, "servers"),
    ("Builds each hour", RollupKind.BUILD, "servers"),
)


def show_charts(request: HttpRequest) -> HttpResponse:
    """Capacity, states and builds over time; of one host, if it is named."""
    form = PeriodForm(request.GET)
    days = int(form.cleaned_data["days"] or 7) if form.is_valid() else 7
    host = form.cleaned_data.get("host", "") if form.is_valid() else ""
    end = timezone.now()
    start = end - dt.timedelta(days=days)
    if host:
        charts = [
            draw(
                f"{title} of {host}",
                read_series(RollupKind.HOST, number, start, subjects=[host]),
                start,
                end,
            )
            for title, number in (
                ("vCPUs in use", "vcpus_used"),
                ("Memory in use (GiB)", "memory_used"),
                ("Disk in use (GiB)", "disk_used"),
                ("Servers", "servers"),
            )
        ]
    else:
        charts = [
            draw(title, read_series(kind, number, start), start, end)
            for title, kind, number in CHARTS
        ]
    context = {
        **admin.site.each_context(request),
        "title": "Charts",
        "form": form,
        "days": str(days),
        "periods": PERIODS,
        "host": host,
        "charts": charts,
    }
    return TemplateResponse(request, "servers/admin/charts.html", context)


USAGE_HEADER = (
    *("project id", "project", "vCPU hours"),
    *("GiB hours of memory", "GiB hours of disk"),
)
"""Names the fields of ``Used``."""


class UsageForm(forms.Form):
    since = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    project = forms.CharField(required=False, max_length=255)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        today = timezone.now().date()
        until = values["until"] or today
        since = values["since"] or until.replace(day=1)
        if since > until:
            raise forms.ValidationError("The period ends before it begins.")
        if until - since > LONGEST:
            raise forms.ValidationError(f"A period has at most {LONGEST.days} days.")
        return {**values, "since": since, "until": until}


def show_usage(request: HttpRequest) -> HttpResponse:
    """What projects used in a period of whole days, as a page or as CSV."""
    form = UsageForm(request.GET)
    context = {**admin.site.each_context(request), "title": "Usage by project", "form": form}
    if not form.is_valid():
        return TemplateResponse(request, "servers/admin/usage.html", context)
    values = form.cleaned_data
    start = dt.datetime.combine(values["since"], dt.time(), dt.UTC)
    end = dt.datetime.combine(values["until"], dt.time(), dt.UTC) + dt.timedelta(days=1)
    used, days = read_usage(start, end, values["project"].strip())
    if request.GET.get("format") == "csv":
        cells = ([as_cell(value) for value in dataclasses.astuple(row)] for row in used)
        return as_file("usage", USAGE_HEADER, cells)
    links = Links(request.user)
    query = request.GET.copy()
    query["format"] = "csv"
    context |= {
        "since": values["since"],
        "until": values["until"],
        "rows": [
            (links.named("identity.project", row.project_id, row.project), row) for row in used
        ],
        "chart": draw("vCPU hours by day", [one for one in days if one.points], start, end),
        "csv": query.urlencode(),
    }
    return TemplateResponse(request, "servers/admin/usage.html", context)


show_pages(
    Page(
        path="charts/",
        name="charts",
        title="Charts",
        permissions=["servers.view_rollup"],
        view=show_charts,
    ),
    Page(
        path="usage/",
        name="usage",
        title="Usage",
        permissions=["servers.view_rollup"],
        view=show_usage,
    ),
)
