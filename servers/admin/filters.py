"""Filters of servers in the admin: by deleted or not, and by task_state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest

from compute_site.console.lists import WordFilter, read_uuid
from compute_site.neighbours.network.models import Network

MOST = 20
"""So many networks may bear the name."""


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


class OnNetwork(WordFilter):
    """Servers with a NIC in a network, by its id or name."""

    title = "network"
    parameter_name = "network"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        word = (self.value() or "").strip().replace("\0", "")
        if not word:
            return queryset
        network_id = read_uuid(word)
        named = Q(pk=network_id) if network_id else Q(name=word)
        networks = Network.objects.filter(named).order_by("pk").values_list("pk", flat=True)
        on_any = [Q(network_info__contains=[{"network_id": str(key)}]) for key in networks[:MOST]]
        return queryset.filter(Q(*on_any, _connector=Q.OR)) if on_any else queryset.none()


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
