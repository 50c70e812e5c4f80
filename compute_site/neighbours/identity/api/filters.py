"""Filters and cuts lists of the identity API by the query string.

A parameter that nothing is filtered by is refused. Keystone drops those that it does not know.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from compute_site.db.paging import Paging, SortKey, cut_page
from compute_site.faults import BadRequest
from compute_site.identity.errors import NoSuchThing
from compute_site.neighbours.service_view import UnknownFilter
from compute_site.values.words import PLAIN_FALSE, PLAIN_TRUE

Row = TypeVar("Row", bound=Model)
TRUE = PLAIN_TRUE | {""}
"""A parameter without a value is true, too."""
COMPARED = re.compile(
    r"(?P<key>name|description|type)__(?P<how>i?(?:contains|startswith|endswith))"
)
PAGES = frozenset(("limit", "marker"))
MOST_DIGITS = 9
Choose = Callable[[QuerySet[Any], str], QuerySet[Any]]


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """What a list is filtered by: parameter → column, or what chooses the rows. ``flags`` are the
    parameters that are true or false; ``compared`` those of which parts are looked for.
    """

    columns: Mapping[str, str | Choose]
    flags: frozenset[str] = frozenset()
    compared: frozenset[str] = frozenset(("name",))

    @property
    def parameters(self) -> frozenset[str]:
        """All that the list knows."""
        return frozenset(self.columns) | PAGES


def chosen(rows: QuerySet[Row], asked: Mapping[str, str], listed: Listed) -> QuerySet[Row]:
    """The rows that match the query string.

    Raises:
        UnknownFilter: lists are not filtered by one of the parameters.
        BadRequest: one has a value that it cannot have.
    """
    matches = {key: match for key in asked if (match := COMPARED.fullmatch(key))}
    compared = {key: one for key, one in matches.items() if one["key"] in listed.compared}
    check_known(asked, {*listed.parameters, *compared})
    if any("\0" in text for text in asked.values()):
        return rows.none()
    for key, match in compared.items():
        rows = rows.filter(**{f"{listed.columns[match['key']]}__{match['how']}": asked[key]})
    for key, column in listed.columns.items():
        if key not in asked:
            continue
        if not isinstance(column, str):
            rows = column(rows, asked[key])
        elif key in listed.flags:
            rows = rows.filter(**{column: is_true(asked, key)})
        else:
            rows = rows.filter(**{column: asked[key]})
    return rows


def cut(rows: QuerySet[Row], asked: Mapping[str, str], by: str) -> tuple[list[Row], bool]:
    """The rows behind ``marker``, sorted by the column ``by``, at most ``limit``; and whether more
    follow.

    Raises:
        NoSuchThing: the marker is none of the rows.
        BadRequest: the limit is no number.
    """
    order: list[SortKey] = [(by, False), ("pk", False)]
    if "limit" not in asked and "marker" not in asked:
        return list(rows.order_by(by, "pk")), False
    text = asked.get("limit", "")
    if text and not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise BadRequest(f"limit: give a whole number, not {text[:60]!r}.", field="limit")
    most = int(text) if text else 10**MOST_DIGITS
    after = None
    if "marker" in asked:
        marker = asked["marker"]
        after = rows.filter(pk=marker).first() if "\0" not in marker else None
        if after is None:
            raise NoSuchThing(f"There is no {marker[:60]} in this list.")
    found = cut_page(rows, order, Paging(most + 1), after)
    return found[:most], len(found) > most


def check_known(asked: Collection[str], known: Collection[str]) -> None:
    """Raises ``UnknownFilter`` where a parameter of the query is not known."""
    unknown = sorted(set(asked) - set(known) - said_twice(asked))
    if unknown:
        raise UnknownFilter(
            f"This list is not filtered by {', '.join(unknown)[:200]}; it is by "
            f"{', '.join(sorted(known))}."
        )


TWICE = "-"
PAIR = re.compile(r"'([^']*)':'([^']*)'")


def said_twice(asked: Collection[str]) -> set[str]:
    """gophercloud repeats its filters under ``-``, which means nothing more."""
    if not isinstance(asked, Mapping) or TWICE not in asked:
        return set()
    pairs = PAIR.findall(asked[TWICE])
    repeats = "{" + ",".join(f"'{key}':'{value}'" for key, value in pairs) + "}"
    alike = all(asked.get(key) == value for key, value in pairs)
    return {TWICE} if repeats == asked[TWICE] and alike else set()


def is_true(asked: Mapping[str, str], key: str) -> bool:
    """Is the parameter given, and true?

    Raises:
        BadRequest: it is neither true nor false.
    """
    word = asked.get(key, "false").lower()
    if word not in TRUE | PLAIN_FALSE:
        raise BadRequest(f"{key}: give true or false, not {word[:60]!r}.", field=key)
    return word in TRUE
