"""The filters and the order of the lists of the volume API. What is neither is refused."""

from __future__ import annotations

import ast
import datetime as dt
import functools
import itertools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

from compute_site.api.microversions.version import Microversion
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
from compute_site.neighbours.volume.api.version import (
    ALWAYS,
    VERSIONS,
    Since,
    first_newer,
    why_newer,
)
from compute_site.values.keys import LARGEST_INT, shown
from compute_site.values.words import PLAIN_FALSE, PLAIN_TRUE

Row = TypeVar("Row", bound=Model)
Read = Callable[[str], Q]
PAGES = ("limit", "marker", "offset", "sort", "sort_key", "sort_dir")
CONTROLS = frozenset((*PAGES, "all_tenants", "with_count"))
"""Parameters of lists that are no filters."""
TIMES = {
    "gt": "gt",
    "gte": "gte",
    "eq": "exact",
    "lt": "lt",
    "lte": "lte",
}
"""How times are compared, by the word for it; ``neq`` is the contrary of ``eq``."""
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
    return lambda word: Q(**{column: read_flag(word, name)})


def like(column: str) -> Read:
    """For ``name~``: it is a part of the text."""
    return lambda word: Q(**{f"{column}__contains": word})


def everything_or_nothing(name: str) -> Read:
    """For what is true of every row."""

    def read(word: str) -> Q:
        return Q() if read_flag(word, name) else NOTHING

    return read


def read_flag(word: str, name: str) -> bool:
    if word.lower() not in PLAIN_TRUE | PLAIN_FALSE:
        raise BadRequest(f"{name} is true or false, not {shown(word)}.")
    return word.lower() in PLAIN_TRUE


def time(column: str) -> Read:
    """``gt:2026-01-01T00:00:00,lt:…``: all of the comparisons hold."""

    def read(word: str) -> Q:
        return functools.reduce(
            operator.and_, (_compared(column, part) for part in word.split(",")), Q()
        )

    return read


def _compared(column: str, part: str) -> Q:
    how, _, text = part.partition(":")
    try:
        asked = dt.datetime.fromisoformat(text)
    except ValueError:
        asked = None
    if asked is None or (how not in TIMES and how != "neq"):
        known = ", ".join((*TIMES, "neq"))
        raise BadRequest(
            f"{column} is compared as gt:2026-01-31T12:00:00 ({known}), not as {shown(part)}."
        )
    if asked.tzinfo is None:
        asked = asked.replace(tzinfo=dt.UTC)
    condition = Q(**{f"{column}__{TIMES.get(how, 'exact')}": asked})
    return ~condition if how == "neq" else condition


def items(column: str, name: str) -> Read:
    """Names with texts, written as Python or JSON does: ``{'key': 'value'}``."""
    return lambda word: Q(**{f"{column}__contains": read_items(word, name)})


def read_items(word: str, name: str) -> dict[str, str]:
    try:
        found: Any = ast.literal_eval(word) if len(word) <= LONGEST_MAPPING else None
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        found = None
    texts = isinstance(found, dict) and all(
        isinstance(part, str) and "\0" not in part for pair in found.items() for part in pair
    )
    if not texts:
        raise BadRequest(f"{name} is written as {{'key': 'value'}}, not {shown(word)}.")
    return dict(found)


class ListView(ServiceView):
    """``reads`` are the filters by name, ``sorts`` the columns by sort key; ``since`` is the
    version that has a filter or another parameter first, ``sorts_since`` the same of sort keys.
    """

    reads: ClassVar[Mapping[str, Read]] = {}
    sorts: ClassVar[Mapping[str, str]] = {}
    since: ClassVar[Since] = ALWAYS
    sorts_since: ClassVar[Since] = ALWAYS
    controls: ClassVar[frozenset[str]] = CONTROLS - {"with_count"}
    usual: ClassVar[Sequence[SortKey]] = (("created_at", True),)
    usual_key: ClassVar[str] = "created_at"
    """What is sorted by where only a direction is given."""
    marker_unknown = MarkerNotFound
    version: Microversion = VERSIONS.oldest

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if cls.reads:
            cls.query_parameters = frozenset((*cls.reads, *cls.controls))

    def check_query(self, *known: str, since: Since = ALWAYS) -> None:
        """Raises: UnknownFilter: the query string has a parameter that is not known."""
        given = set(self.request.GET)
        unknown = sorted(given - set(known))
        if unknown:
            raise UnknownFilter(f"There is no parameter {unknown[0][:60]} at this URL.")
        newer = first_newer(given, since, self.version)
        if newer is not None:
            raise UnknownFilter(why_newer(newer, since, self.version))

    def chosen(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows that match the query string.

        Raises:
            UnknownFilter: the list knows no such parameter.
        """
        given = self.request.GET
        unknown = sorted(set(given) - set(self.reads) - self.controls)
        if unknown:
            known = ", ".join(sorted(self.reads))
            raise UnknownFilter(f"There is no filter {unknown[0][:60]}; known are {known}.")
        newer = first_newer(given, self.since, self.version)
        if newer is not None:
            raise UnknownFilter(why_newer(newer, self.since, self.version))
        for name, read in self.reads.items():
            if name in given:
                rows = rows.filter(self.read_at_version(name, read)(given[name]))
        return rows

    def read_at_version(self, name: str, read: Read) -> Read:
        """How the filter is read; it may have been otherwise in old versions."""
        return read

    def cut(self, rows: QuerySet[Row]) -> list[Row]:
        """The page that is asked for; sets ``self.more`` if others follow, and ``self.count`` to
        the number of all where that is asked for.

        Raises:
            MarkerNotFound: the marker is none of the rows.
            BadRequest: the order or the offset cannot be.
        """
        given = self.request.GET
        order = self.read_order() or self.usual
        _, descending = order[0]
        ends = [(column, descending) for column in ("created_at", "pk")]
        page = self.page(rows, [*order, *ends], offset=read_offset(given))
        counts = "with_count" in given and read_flag(given["with_count"], "with_count")
        self.count = rows.count() if counts else None
        return page

    def read_order(self) -> list[SortKey]:
        """The columns to sort by; none where nothing is said.

        Raises:
            UnknownOrder: the list is not sorted by one of them, or not in this direction.
        """
        given = self.request.GET
        read = read_sort(given, skips_empty=True)
        pairs = _read_pairs(given, self.usual_key) if read is None else read
        newer = first_newer({key for key, _ in pairs}, self.sorts_since, self.version)
        if newer is not None:
            raise UnknownOrder(why_newer(newer, self.sorts_since, self.version))
        return as_order(pairs, self.sorts, "This list is")


def read_offset(given: QueryDict) -> int:
    text = given.get("offset", "0")
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > LARGEST_INT:
        raise BadRequest(f"offset is a whole number from 0 on, not {shown(text)}.")
    return int(text)


def _read_pairs(given: QueryDict, usual_key: str) -> Sequence[Pair]:
    """Directions that are missing are descending."""
    keys, ways = given.getlist(SORT_KEY), given.getlist(SORT_DIR)
    if ways and not keys:
        keys = [usual_key]
    if len(ways) > len(keys):
        raise UnknownOrder("Give one sort_dir for each sort_key.")
    return list(itertools.zip_longest(keys, ways, fillvalue=DESCENDING))
