"""The filters and the order of the lists of the volume API. What is neither is refused."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from compute_site.db.paging import SortKey
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.list_order import (
    DESCENDING,
    SORT_DIR,
    SORT_KEY,
    Pair,
    UnknownOrder,
    as_order,
    read_sort,
)
from compute_site.neighbours.service_view import MOST_DIGITS, ServiceView, UnknownFilter
from compute_site.values.keys import LARGEST_INT, shown
from compute_site.values.words import PLAIN_FALSE, PLAIN_TRUE

Row = TypeVar("Row", bound=Model)
Read = Callable[[str], Q]
CONTROLS = frozenset(("limit", "marker", "offset", "sort", "sort_key", "sort_dir", "all_tenants"))
"""Parameters of every list that are no filters."""
NOTHING = Q(pk__in=())
LONGEST_MAPPING = 4096


class MarkerNotFound(NotFound):
    """The marker of the page is not in the list. Cinder: 404."""

    code = "marker_unknown"


def same(column: str) -> Read:
    return lambda word: Q(**{column: word})


def small(column: str) -> Read:
    """For columns that hold words in small letters."""
    return lambda word: Q(**{column: word.lower()})


def an_id(column: str = "pk") -> Read:
    """A filter by id; a text that is no id matches nothing."""
    return lambda word: Q(**{f"{column}__in": canonical_ids([word])})


def number(column: str) -> Read:
    def read(word: str) -> Q:
        known = word.isascii() and word.isdecimal() and len(word) < MOST_DIGITS
        return Q(**{column: int(word)}) if known and int(word) <= LARGEST_INT else NOTHING

    return read


def yes_or_no(column: str, name: str) -> Read:
    def read(word: str) -> Q:
        if word.lower() not in PLAIN_TRUE | PLAIN_FALSE:
            raise BadRequest(f"{name} is true or false, not {shown(word)}.")
        return Q(**{column: word.lower() in PLAIN_TRUE})

    return read


def items(column: str, name: str) -> Read:
    """Names with texts, written as Python or JSON does: ``{'key': 'value'}``."""

    def read(word: str) -> Q:
        try:
            found = ast.literal_eval(word) if len(word) <= LONGEST_MAPPING else None
        except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
            found = None
        texts = isinstance(found, dict) and all(
            isinstance(part, str) and "\0" not in part for pair in found.items() for part in pair
        )
        if not texts:
            raise BadRequest(f"{name} is written as {{'key': 'value'}}, not {shown(word)}.")
        return Q(**{f"{column}__contains": found})

    return read


class ListView(ServiceView):
    """``reads`` are the filters by name, ``sorts`` the columns by sort key."""

    reads: ClassVar[Mapping[str, Read]] = {}
    sorts: ClassVar[Mapping[str, str]] = {}
    usual: ClassVar[Sequence[SortKey]] = (("created_at", True),)
    marker_unknown = MarkerNotFound

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.reads:
            cls.query_parameters = frozenset((*cls.reads, *CONTROLS))

    def check_query(self, *known: str) -> None:
        """Raises: UnknownFilter: the query string has a parameter that is not known."""
        unknown = sorted(set(self.request.GET) - set(known))
        if unknown:
            raise UnknownFilter(f"There is no parameter {unknown[0][:60]} at this URL.")

    def chosen(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows that match the query string.

        Raises:
            UnknownFilter: the list knows no such parameter.
        """
        given = self.request.GET
        unknown = sorted(set(given) - set(self.reads) - CONTROLS)
        if unknown:
            known = ", ".join(sorted(self.reads))
            raise UnknownFilter(f"There is no filter {unknown[0][:60]}; known are {known}.")
        for name, read in self.reads.items():
            if name in given:
                rows = rows.filter(read(given[name]))
        return rows

    def cut(self, rows: QuerySet[Row]) -> list[Row]:
        """The page that is asked for; sets ``self.more`` if others follow.

        Raises:
            MarkerNotFound: the marker is none of the rows.
            BadRequest: the order or the offset cannot be.
        """
        given = self.request.GET
        order = read_order(given, self.sorts) or self.usual
        return self.page(rows, [*order, ("pk", True)], offset=read_offset(given))


def read_offset(given: QueryDict) -> int:
    text = given.get("offset", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > LARGEST_INT:
        raise BadRequest(f"offset is a whole number from 0 on, not {shown(text)}.")
    return int(text)


def read_order(given: QueryDict, sorts: Mapping[str, str]) -> list[SortKey]:
    """The columns to sort by; none where nothing is said.

    Raises:
        UnknownOrder: the list is not sorted by one of them, or not in this direction.
    """
    pairs = read_sort(given, skips_empty=True)
    return as_order(_read_pairs(given) if pairs is None else pairs, sorts, "This list is")


def _read_pairs(given: QueryDict) -> Sequence[Pair]:
    """Directions that are missing are descending."""
    keys, ways = given.getlist(SORT_KEY), given.getlist(SORT_DIR)
    if ways and not keys:
        keys = ["created_at"]
    if len(ways) > len(keys):
        raise UnknownOrder("Give one sort_dir for each sort_key.")
    return list(itertools.zip_longest(keys, ways, fillvalue=DESCENDING))
