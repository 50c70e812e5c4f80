"""JSON as it is read and written: what could not be kept or shown is refused, with its place."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import orjson
import pytest

from compute_site.values.strict_json import (
    DEEPEST,
    LARGEST_NUMBER,
    MalformedJson,
    Unkeepable,
    check_keepable,
    read_json,
    write_json,
)


def nested(levels: int, inner: Any = 1, key: str | None = None) -> Any:
    for _ in range(levels):
        inner = [inner] if key is None else {key: inner}
    return inner


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"NaN",
        b"[Infinity]",
        b'{"a": -Infinity}',
        b"1e999",
        b"9" * 5000,
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'"\\udc00\\ud800"',
        b"\xed\xa0\x80",
        b"\xff\xfe1\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedJson):
        read_json(raw)


@pytest.mark.parametrize("key", [None, "a"])
def test_depth_ends_at_one_level_for_reading_and_for_keeping(key: str | None) -> None:
    allowed, forbidden = nested(DEEPEST, key=key), nested(DEEPEST + 1, key=key)
    assert read_json(json.dumps(allowed)) == allowed
    check_keepable(allowed)
    with pytest.raises(MalformedJson, match=r"\.(0|a): at most 64 levels"):
        read_json(json.dumps(forbidden).encode())
    with pytest.raises(Unkeepable, match=r"\.(0|a): at most 64 levels"):
        check_keepable(forbidden)


def test_brackets_in_texts_and_wide_lists_are_not_deep() -> None:
    for value in ("[" * 1000, ["{"] * 1000, [[]] * 1000, {"a": [{}] * 1000}):
        assert read_json(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("\0", "a NUL"),
        ({"a": {"b": ["c", "\0"]}}, "a.b.1: a NUL"),
        ({"a": {"\0": 1}}, "a.\0: a NUL"),
        ({"a": LARGEST_NUMBER + 1}, "a: give a number of at most"),
        ([0, -(2**64)], "1: give a number of at most"),
        ([1e300], "0: give a number of at most"),
        ([math.nan], "0: give a number of at most"),
        ([math.inf], "0: give a number of at most"),
    ],
)
def test_what_cannot_be_kept_is_refused_with_its_place(value: Any, place: str) -> None:
    with pytest.raises(Unkeepable) as refused:
        check_keepable(value)
    assert str(refused.value).startswith(place)


def test_what_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(Unkeepable):
        check_keepable(endless)


def test_all_other_values_are_kept() -> None:
    check_keepable({"a": [None, True, -1.5, LARGEST_NUMBER, -LARGEST_NUMBER, "\u20ac", ""], "": {}})


@pytest.mark.parametrize(
    "value", [2**64, 10**400, nested(300), "\ud800", {"\ud800": [-(2**63) - 1]}]
)
def test_what_the_fast_writer_refuses_is_shown_nevertheless(value: Any) -> None:
    with pytest.raises(TypeError):
        orjson.dumps(value)
    for pretty in (False, True):
        assert json.loads(write_json({"thing": value}, pretty=pretty)) == {"thing": value}


def test_times_and_ready_pieces_stay_as_they_are_beside_such_a_value() -> None:
    now = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
    shown = json.loads(write_json([2**64, now, orjson.Fragment(b'{"a":1}')]))
    assert shown == [2**64, "2026-01-31T00:00:00+00:00", {"a": 1}]
