"""Lists of the admin that stay fast however many rows there are: what apps build theirs on."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, IntegerField, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
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
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by().values("pk")[:MOST_ROWS].count()


class ListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """A list whose cost does not grow with its table.

    Filters are booleans, columns with choices, dates, and words that are typed: a filter that
    lists all values of a column would read all of it.
    """

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER  # a count for each choice of each filter
    list_per_page = 50
    list_max_show_all = 200
    id_fields: Sequence[str] = ()
    """Where a whole UUID is looked for when one is searched: by index, not in every text."""

    class Media:
        css = {"all": ["compute_site/console.css"]}

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        key = read_uuid(search_term.strip())
        if key is None or not self.id_fields:
            return super().get_search_results(request, queryset, search_term)
        found = [Q(**{name: key}) for name in self.id_fields]
        return queryset.filter(Q(*found, _connector=Q.OR)), False


class WordFilter(admin.SimpleListFilter):
    """A field to type in; a list of all projects or hosts could be longer than the page."""

    template = "compute_site/word_filter.html"
    lookups_by: tuple[str, ...] = ()
    """Any of these lookups finds the row."""

    def __init__(self, request: HttpRequest, params: Any, model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.others = [
            (key, value)
            for key, values in request.GET.lists()
            if key not in (self.parameter_name, "p")
            for value in values
        ]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("", "")]  # without any, Django would leave the filter out

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"name": self.parameter_name, "value": self.value() or "", "others": self.others}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = (self.value() or "").strip().replace("\0", "")
        if not word:
            return queryset
        found = [Q(**{lookup: word}) for lookup in self.lookups_by if _fits(queryset, lookup, word)]
        return queryset.filter(Q(*found, _connector=Q.OR)) if found else queryset.none()


def _fits(rows: QuerySet[Any], lookup: str, word: str) -> bool:
    """Can the column hold such a word? An id, say, cannot hold every one."""
    try:
        rows.filter(**{lookup: word})
    except (ValidationError, ValueError):
        return False
    return True


def word_filter(title: str, *lookups: str) -> type[WordFilter]:
    """A filter by a typed word; its parameter is named as its title."""
    name = title.replace(" ", "_")
    return type(
        "WordFilter",
        (WordFilter,),
        {"title": title, "parameter_name": name, "lookups_by": lookups},
    )


def count_of(model: type[Model], column: str, **conditions: Any) -> Coalesce:
    """How many rows of the model point to the row by this column.

    It is counted for the rows that are shown, where a join would count for the whole table.
    """
    rows = QuerySet(model).filter(**{column: OuterRef("pk")}, **conditions).order_by()
    counted = rows.values(column).annotate(number=Count("*")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def read_uuid(word: str) -> uuid.UUID | None:
    """The word as an id, if it is one."""
    try:
        return uuid.UUID(word) if len(word) == LENGTH_OF_UUID else None
    except ValueError:
        return None
