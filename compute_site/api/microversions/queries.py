"""Strict fields for query strings: patterns, times, truth values in words."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from compute_site.api.microversions.fields import (
    NonNegative,
    Refused,
    Schema,
    StrictField,
    check_storable,
    wrong_type,
)
from compute_site.api.microversions.serializers import QuerySerializer
from compute_site.api.microversions.texts import Text, shorten
from compute_site.db.patterns import CostlyPattern, check_pattern
from compute_site.values.words import LOOSE_FALSE, LOOSE_TRUE

YEAR_OR_MONTH = re.compile(r"\d{4}(-\d{2})?", re.ASCII)


class Pattern(Text):
    """A regular expression, not empty; a ``searched`` one must be cheap for the database."""

    format = "regex"

    def __init__(self, *, searched: bool = True, **options: Any) -> None:
        super().__init__(1, **options)
        self.searched = searched

    def accept(self, value: str) -> str:
        try:
            re.compile(value)
            if self.searched:
                check_pattern(value)
        except CostlyPattern as error:
            raise Refused(f"{shorten(value)} is not looked for: {error}", code="costly") from None
        except (re.error, RecursionError, OverflowError) as error:
            raise Refused(f"{shorten(value)} is no pattern: {error}", code="regex") from None
        return value


class Time(StrictField):
    """A time as ISO 8601 writes it; without a zone it is UTC. The result is aware."""

    def convert(self, value: Any) -> datetime:
        if type(value) is not str:
            raise wrong_type("a time", value)
        text = value
        if YEAR_OR_MONTH.fullmatch(value):
            text = value + "-01" * (2 if len(value) == 4 else 1)
        try:
            time = datetime.fromisoformat(text)
        except ValueError:
            raise Refused(
                f"{shorten(value)} is not a time such as 2026-01-31T12:00:00Z", code="time"
            ) from None
        try:
            return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        except OverflowError:
            raise Refused(f"{shorten(value)} is beyond the years 1 to 9999", code="time") from None

    def describe(self) -> Schema:
        return {"type": "string", "format": "date-time"}


class Word(StrictField):
    """A boolean as a word, in upper or lower case; ``empty`` is the result for a key without value,
    and ``other`` the result for any other text (``None``: it is refused).
    """

    def __init__(
        self, *, empty: bool | None = None, other: bool | None = None, **options: Any
    ) -> None:
        super().__init__(**options)
        self.empty = empty
        self.other = other

    def convert(self, value: Any) -> bool:
        check_storable(value)
        word = value.strip().lower()
        if word in LOOSE_TRUE:
            return True
        if word in LOOSE_FALSE:
            return False
        if not value and self.empty is not None:
            return self.empty
        if self.other is not None:
            return self.other
        raise Refused(f"{shorten(value)} is no truth value; give true or false", code="choice")

    def describe(self) -> Schema:
        return {"type": "string"}


class NoQuery(QuerySerializer):
    """The query string of a URL that has no query parameters."""

    unknown = {"2.1": "drop", "2.102": "refuse"}


class Offset(NonNegative):
    """The number of items to skip, cut to a number that is larger than any list."""

    MOST = 1 << 31

    def convert(self, value: Any) -> int:
        return min(super().convert(value), self.MOST)


class PageQuery(QuerySerializer):
    """``offset`` and ``limit``; a limit of 0 means no limit."""

    unknown = {"2.1": "drop", "2.75": "refuse"}

    limit = NonNegative(repeat="last", default=0)
    offset = Offset(repeat="last", default=0)
