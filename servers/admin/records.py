"""Admin pages of records that only the site itself writes: to list, filter and look at."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

MOST_ROWS = 5000
"""A list shows so many rows at most; filters and search find the others."""

LENGTH_OF_UUID = 36
"""With its dashes; ids of users and projects have none."""


class BoundedPaginator(Paginator):  # type: ignore[type-arg]
    """Counts no further than ``MOST_ROWS``: a full count reads the whole table."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[:MOST_ROWS].count() if isinstance(rows, QuerySet) else len(rows)


class RecordAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """No adding, no changing, no deleting."""

    paginator = BoundedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 200
    actions: Any = ()
    id_fields: Sequence[str] = ()
    """Where a whole UUID is looked for when one is searched: by index, not in every text."""

    class Media:
        css = {"all": ["compute_site/console.css"]}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        key = read_uuid(search_term.strip())
        if key is None or not self.id_fields:
            return super().get_search_results(request, queryset, search_term)
        found = [Q(**{name: key}) for name in self.id_fields]
        return queryset.filter(Q(*found, _connector=Q.OR)), False


def read_uuid(word: str) -> uuid.UUID | None:
    """The word as an id, if it is one."""
    try:
        return uuid.UUID(word) if len(word) == LENGTH_OF_UUID else None
    except ValueError:
        return None
