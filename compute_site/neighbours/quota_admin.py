"""The quotas of a service in the admin: a row for each limit that is set for a project."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Case, IntegerField, QuerySet, Value, When
from django.http import HttpRequest

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.neighbours.quotas import Quotas


class QuotaAdmin(ListAdmin):
    """``quotas`` are those of the service."""

    quotas: ClassVar[Quotas]
    list_display = ("project", "resource", "limit", "used")
    list_editable = ("limit",)
    list_select_related = ("project",)
    list_filter = ("resource", word_filter("project", "project__name", "project__id"))
    search_fields = ("project__name",)
    search_help_text = "Part of the project's name"
    autocomplete_fields = ("project",)
    ordering = ("project__name", "resource")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is limited, and for whom, stays; only the limit changes."""
        return ("project", "resource") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        self.quotas.set_limits(obj.project_id, {obj.resource: obj.limit})
        obj.pk = self.quotas.own.values_list("pk", flat=True).get(
            project=obj.project_id, resource=obj.resource
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows with the project's usage, counted only for the rows of the page."""
        counted = [
            When(resource=name, then=sum((part.expression() for part in kind.parts), Value(0)))
            for name, kind in self.quotas.kinds.items()
            if kind.parts
        ]
        used = Case(*counted, default=Value(None), output_field=IntegerField())
        rows: QuerySet[Any] = super().get_queryset(request).annotate(used=used)
        return rows

    @admin.display
    def used(self, quota: Any) -> str:
        return "–" if quota.used is None else str(quota.used)
