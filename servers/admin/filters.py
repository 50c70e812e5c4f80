"""Filters of lists in the admin: by a word that is typed, and by what is alive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest


class WordFilter(admin.SimpleListFilter):
    """A field to type in; a list of all projects or hosts could be longer than the page."""

    template = "servers/admin/word_filter.html"
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
        found = [Q(**{lookup: word}) for lookup in self.lookups_by]
        return queryset.filter(Q(*found, _connector=Q.OR))


def word_filter(title: str, *lookups: str) -> type[WordFilter]:
    """A filter by a typed word; its parameter is named as its title."""
    return type(
        "WordFilter",
        (WordFilter,),
        {"title": title, "parameter_name": title, "lookups_by": lookups},
    )


class Existence(admin.SimpleListFilter):
    """Servers that exist, unless deleted ones are asked for."""

    title = "existence"
    parameter_name = "deleted"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Deleted"), ("all", "All")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        first, *others = super().choices(changelist)
        yield {**first, "display": "Not deleted"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "all":
            return queryset
        return queryset.filter(deleted_at__isnull=self.value() != "yes")


class Business(admin.SimpleListFilter):
    """Servers with which something is being done."""

    title = "task"
    parameter_name = "task"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("none", "Idle"), ("any", "Busy"), ("deleting", "Being deleted")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "deleting":
            return queryset.filter(task_state="deleting")
        if self.value() in ("none", "any"):
            return queryset.filter(task_state__isnull=self.value() == "none")
        return queryset
