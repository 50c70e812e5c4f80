"""The quotas of a service in the admin: a row for each limit that is set for a project."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from compute_site.console.lists import ListAdmin, word_filter
from compute_site.neighbours.quotas import Quotas

PROJECTS = word_filter("project", "project__name", "project__id")


class QuotaAdmin(ListAdmin):
    """``quotas`` are those of the service."""

    quotas: ClassVar[Quotas]
    list_display = ("project", "resource", "limit", "used")
    list_editable = ("limit",)
    list_select_related = ("project",)
    list_filter: ClassVar[Any] = ("resource", PROJECTS)
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

    def count_for_all(self, rows: Iterable[Any]) -> None:
        """What is used, for the rows of the page alone, in a statement for each kind of things."""
        projects: dict[str, list[str]] = {}
        shown = list(rows)
        for row in shown:
            projects.setdefault(row.resource, []).append(row.project_id)
        kinds = {name: self.quotas.kind_of(name) for name in projects}
        used = {name: kinds[name].used_by_each(keys) for name, keys in projects.items()}
        for row in shown:
            counts = kinds[row.resource].parts
            row.used = used[row.resource].get(row.project_id, 0) if counts else None

    @admin.display
    def used(self, quota: Any) -> str:
        return "–" if quota.used is None else str(quota.used)
