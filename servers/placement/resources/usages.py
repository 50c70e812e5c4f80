"""How much is held: of a provider, or by the consumers of a project."""

from __future__ import annotations

import uuid
from collections.abc import Mapping

from django.db.models import Count, QuerySet, Sum

from servers.models import Allocation, ResourceProvider
from servers.placement.resources.providers import find_provider

ALL = "all"


def usages_of_provider(provider_id: uuid.UUID) -> tuple[ResourceProvider, dict[str, int]]:
    """The provider, and what is held of each of its inventories.

    Raises:
        NoSuchProvider: there is none.
    """
    provider = find_provider(provider_id)
    return provider, dict(provider.inventories.order_by("pk").values_list("resource_class", "used"))


def usages_of_project(project_id: str, user_id: str | None) -> dict[str, int]:
    """What the consumers of a project hold, those of one user where that is named."""
    rows = _held(project_id, user_id).values("resource_class").annotate(sum=Sum("amount"))
    return dict(rows.order_by("resource_class").values_list("resource_class", "sum"))


def usages_by_type(
    project_id: str, user_id: str | None, consumer_type: str | None
) -> Mapping[str, dict[str, int]]:
    """The same for each type of consumers, with their number under ``consumer_count``; ``all``
    takes all types as one.
    """
    rows = _held(project_id, user_id)
    if consumer_type == ALL:
        number = rows.aggregate(number=Count("consumer", distinct=True))["number"]
        used = usages_of_project(project_id, user_id)
        return {ALL: {**used, "consumer_count": number}} if used else {}
    if consumer_type is not None:
        rows = rows.filter(consumer__consumer_type=consumer_type)
    found: dict[str, dict[str, int]] = {}
    sums = rows.values_list("consumer__consumer_type", "resource_class").annotate(Sum("amount"))
    for kind, name, amount in sums:
        found.setdefault(kind, {})[name] = amount
    numbers = rows.values_list("consumer__consumer_type").annotate(Count("consumer", distinct=True))
    for kind, number in numbers:
        found[kind]["consumer_count"] = number
    return found


def _held(project_id: str, user_id: str | None) -> QuerySet[Allocation]:
    rows = Allocation.objects.filter(consumer__project_id=project_id)
    return rows if user_id is None else rows.filter(consumer__user_id=user_id)
