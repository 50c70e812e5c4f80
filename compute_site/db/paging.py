"""Pages of lists: ``limit`` and ``marker``, cut by key and not by offset."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.conf import settings
from django.db.models import F, Model, Q, QuerySet

M = TypeVar("M", bound=Model)
T = TypeVar("T")
SortKey = tuple[str, bool]
"""A field, and whether it descends."""


@dataclasses.dataclass(frozen=True, slots=True)
class Paging:
    """The asked page: at most ``limit`` rows after the row with the id ``marker``."""

    limit: int
    marker: str | None = None

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Paging:
        """From checked ``limit`` (absent: as many as allowed) and ``marker``."""
        most: int = settings.OPTIONS.max_page_size
        asked = query.get("limit")
        return cls(most if asked is None else min(asked, most), query.get("marker") or None)


def cut_list(rows: Sequence[T], asked: Mapping[str, Any]) -> Sequence[T]:
    """The page of old lists, which are paged by ``limit`` (0: as many as allowed) and ``offset``;
    of a query set the database cuts it.
    """
    most: int = settings.OPTIONS.max_page_size
    limit = min(asked["limit"] or most, most)
    return rows[asked["offset"] : asked["offset"] + limit]


WHOLE = Paging(2**31 - 1)
"""All at once, as old microversions have it whose lists have no pages."""


def cut_page(
    rows: QuerySet[M],
    order: Sequence[SortKey],
    paging: Paging,
    after: M | None = None,
    *,
    offset: int = 0,
) -> list[M]:
    """One page in a total order (the last key must be unique), one statement.

    ``after`` is the marker's row; ``offset`` rows behind it are left out. Null counts as larger
    than every value, as PostgreSQL sorts it.
    If a field is named several times, the first counts, because clients choose the sort keys.
    """
    if paging.limit == 0:
        return []
    ways: dict[str, bool] = {}
    for field, descending in order:
        ways.setdefault(field, descending)
    order = list(ways.items())
    if after is not None:
        rows = rows.filter(_beyond(order, after))
    ordering = [
        F(field).desc(nulls_first=True) if descending else F(field).asc(nulls_last=True)
        for field, descending in order
    ]
    return list(rows.order_by(*ordering)[offset : offset + paging.limit])


def _beyond(order: Sequence[SortKey], after: Model) -> Q:
    """True for rows that come later: larger in one key and equal in all keys before it."""
    later, equal = Q(pk__in=[]), Q()
    for field, descending in order:
        value = _value(after, field)
        later |= equal & _past(field, value, descending=descending)
        equal &= Q(**{f"{field}__isnull": True}) if value is None else Q(**{field: value})
    first, descending = order[0]
    value = _value(after, first)
    if value is None:
        return later
    # implied by the rest, but PostgreSQL uses an index of the first key only with this condition
    bound = Q(**{f"{first}__{'lte' if descending else 'gte'}": value})
    return (bound if descending else bound | Q(**{f"{first}__isnull": True})) & later


def _past(field: str, value: Any, *, descending: bool) -> Q:
    if value is None:
        return Q(**{f"{field}__isnull": False}) if descending else Q(pk__in=[])
    if descending:
        return Q(**{f"{field}__lt": value})
    return Q(**{f"{field}__gt": value}) | Q(**{f"{field}__isnull": True})


def _value(row: Model, field: str) -> Any:
    value: Any = row
    for part in field.split("__"):
        value = getattr(value, part)
    return value
