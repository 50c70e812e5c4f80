"""The panel of quotas on the first page of the admin: projects near a limit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Case, F, FloatField, IntegerField, OuterRef, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce

from compute_site.admin_site import Panel, show_panels
from quotas.limits import DEFAULT_CLASS
from quotas.meters import NEARLY, meter
from quotas.models import Limit, Usage
from quotas.resources import COUNTED, RESOURCES

MOST_ROWS = 10


def read_near_limit() -> Mapping[str, Any]:
    """The projects that use most of a limit, from the mark on at which bars turn yellow."""
    limits = Limit.objects.filter(resource=OuterRef("resource"), user_id="").values("limit")
    defaults = [When(resource=name, then=Value(RESOURCES[name].default)) for name in COUNTED]
    limit = Coalesce(
        Subquery(limits.filter(project=OuterRef("project"))[:1]),
        Subquery(limits.filter(project=None, quota_class=DEFAULT_CLASS)[:1]),
        Case(*defaults, output_field=IntegerField()),
    )
    near = (
        Usage.objects.filter(in_use__gt=0, resource__in=COUNTED)
        .annotate(limit=limit)
        .filter(limit__gte=0, in_use__gte=F("limit") * NEARLY)
        .annotate(part=Cast("in_use", FloatField()) / Coalesce(_positive("limit"), 0.5))
        .select_related("project")
        .order_by("-part", "project__name", "resource")
    )
    return {"rows": [(row, meter(row.in_use, row.limit)) for row in near[:MOST_ROWS]]}


def _positive(name: str) -> Case:
    """The number, or null where one could not divide by it."""
    return Case(When(**{f"{name}__gt": 0}, then=Cast(name, FloatField())))


show_panels(
    Panel(
        title="Projects near their quota",
        permission="quotas.view_projectquota",
        template="quotas/near_limit.html",
        read=read_near_limit,
    )
)
