"""Reads and writes JSON: every value that is accepted can be stored and shown again, and writing
never fails because of the content of a row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from compute_site.faults import BadRequest

DEEPEST = 64
"""Levels of lists and objects in a body. The writer can show 254, and answers put a few around
what they show."""
LARGEST_NUMBER = 2**63 - 1
"""The database gives a larger number back with all its digits, whatever its form was."""
SHOWN_PATH = 200
"""Characters of a path in the text of an error."""
LONG_NUMBER = re.compile(rb"[0-9]{19}")
"""What has none of these has no number that the fast reader rounds."""
COMPACT = orjson.OPT_NON_STR_KEYS


class MalformedJson(BadRequest):
    """The body is not JSON, or too deeply nested to be shown again."""

    code = "malformed_json"


class Unkeepable(ValueError):
    """A value that cannot be stored or shown again; the text says what and where."""


def read_json(text: bytes | str) -> Any:
    """The value of a JSON text in UTF-8. Lone surrogates and numbers that are not finite are
    refused; whole numbers of any length keep all their digits.

    Raises:
        MalformedJson: it is none, or nested too deeply; the text says where.
    """
    raw = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MalformedJson(f"The body is not JSON: {error}") from None
    if LONG_NUMBER.search(raw):
        value = json.loads(raw)
    deep = _may_be_deep(raw) and _is_deep(value)
    wrong = _find_wrong(value, DEEPEST, lambda _: None) if deep else None
    if wrong is not None:
        raise MalformedJson(f"The body is not read: {_show(wrong)}")
    return value


def _may_be_deep(raw: bytes) -> bool:
    """A cheap first check: few bodies have so many brackets at all."""
    return raw.count(b"[") + raw.count(b"{") > DEEPEST


def _is_deep(value: Any) -> bool:
    """Looks at lists and objects only, because hostile bodies can have very many values."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            part
            for outer in level
            for part in (outer.values() if type(outer) is dict else outer)
            if type(part) is dict or type(part) is list
        ]
        if not level:
            return False
    return True


def check_keepable(value: Any) -> None:
    """Check that a JSON value can be stored in the database and shown again.

    Raises:
        Unkeepable: a text has a NUL or a lone surrogate, a number has more than 64 bits, or the
            value is nested too deeply.
    """
    wrong = _find_wrong(value, DEEPEST, _why_unkeepable)
    if wrong is not None:
        raise Unkeepable(_show(wrong))


def _why_unkeepable(part: Any) -> str | None:
    if isinstance(part, str):
        return _why_no_text(part)
    if isinstance(part, int | float) and not abs(part) <= LARGEST_NUMBER:  # nor NaN
        return f"give a number of at most {LARGEST_NUMBER}"
    return None


def _why_no_text(part: str) -> str | None:
    if "\x00" in part:
        return "a NUL character cannot be stored"
    try:
        part.isascii() or part.encode()
    except UnicodeEncodeError:
        return "a half of a character (a lone surrogate) cannot be stored"
    return None


Wrong = tuple[list[str], str]
"""The path of a part, and what is wrong with it."""


def _find_wrong(value: Any, levels: int, judge: Callable[[Any], str | None]) -> Wrong | None:
    """The first part of a value that is nested too deeply or that ``judge`` refuses."""
    if isinstance(value, dict):
        items: Iterable[tuple[Any, Any]] = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    else:
        reason = judge(value)
        return None if reason is None else ([], reason)
    if levels == 0:
        return [], f"at most {DEEPEST} levels of lists and objects are kept"
    for key, item in items:
        reason = judge(key)
        wrong = _find_wrong(item, levels - 1, judge) if reason is None else ([], reason)
        if wrong is not None:
            return [str(key), *wrong[0]], wrong[1]
    return None


def _show(wrong: Wrong) -> str:
    path = ".".join(wrong[0])
    shown = path if len(path) <= SHOWN_PATH else f"{path[:SHOWN_PATH]}…"
    return f"{shown}: {wrong[1]}" if shown else wrong[1]


def write_json(value: Any, *, pretty: bool = False) -> bytes:
    """The JSON text of a value, in UTF-8.

    Values that the fast writer refuses are written by the slow one: a list must not fail because of
    a single item.
    """
    option = COMPACT | orjson.OPT_INDENT_2 if pretty else COMPACT
    try:
        return orjson.dumps(value, option=option)
    except TypeError:
        text = json.dumps(value, default=_plain, indent=2 if pretty else None)
        return text.encode("ascii")


def _plain(value: Any) -> Any:
    """Convert types that only the fast writer supports, such as times and JSON fragments."""
    return json.loads(orjson.dumps(value))
