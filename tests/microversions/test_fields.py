"""Strict fields: what each takes, what it makes of it, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.api.microversions.containers import Either, ListOf, MapOf
from compute_site.api.microversions.fields import (
    Boolean,
    Boolish,
    Choice,
    Count,
    Integer,
    NonNegative,
    Null,
    Number,
    Size,
    StrictField,
    Truth,
)
from compute_site.api.microversions.texts import (
    Base64,
    Fqdn,
    Ip,
    Ipv4,
    Ipv6,
    Label,
    LooseName,
    Name,
    Printable,
    Tag,
    Text,
    Uuid,
)
from compute_site.api.microversions.version import LEGACY, NEWEST, Microversion

UUID = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
EMOJI = "\U0001f600"
NO_BREAK_SPACE = "\u00a0"


def read(field: StrictField, value: Any, version: Microversion = NEWEST) -> tuple[Any, list[str]]:
    """What the value means, and the codes of what is wrong with it."""
    faults: list[Any] = []
    result = field.reader(version)(value, "key", faults)
    return result, [fault.code for fault in faults]


@pytest.mark.parametrize(
    ("field", "value", "meaning"),
    [
        (Boolean(), True, True),
        (Boolish(), False, False),
        (Boolish(), "on", True),
        (Boolish(), "Off", False),
        (Integer(), 5, 5),
        (Integer(), 5.0, 5),
        (Integer(text=True), "-5", -5),
        (Count(), "007", 7),
        (Count(), 10**20, 10**20),
        (NonNegative(), 0, 0),
        (Size(), "2147483647", 2147483647),
        (Number(text=True), "1.5", 1.5),
        (Number(), 2, 2.0),
        (Choice("a", "b"), "b", "b"),
        (Null(), None, None),
        (Truth(), {"a": 1}, True),
        (Truth(), "", False),
        (Text(), "", ""),
        (Text(null=True), None, None),
        (Printable(), " a ", " a "),
        (Name(), "a b", "a b"),
        (Name(), f"a{NO_BREAK_SPACE}b", f"a{NO_BREAK_SPACE}b"),
        (Name(), "n" * 255, "n" * 255),
        (Name(), "名", "名"),
        (LooseName(), "  a ", "  a "),
        (Uuid(), UUID, UUID),
        (Uuid(), UUID.upper(), UUID.upper()),
        (Uuid(), UUID.replace("-", ""), UUID.replace("-", "")),
        (Uuid(), f"{{{UUID}}}", f"{{{UUID}}}"),
        (Uuid(), f"urn:uuid:{UUID}", f"urn:uuid:{UUID}"),
        (Uuid(empty=True), "", ""),
        (Ipv4(), "10.0.0.1", "10.0.0.1"),
        (Ipv6(), "fe80::1", "fe80::1"),
        (Ip(), "::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        (Ip(), "1.2.3.4", "1.2.3.4"),
        (Tag(), "a b", "a b"),
        (Tag(), "t" * 60, "t" * 60),
        (Label(), "a-1", "a-1"),
        (Label(), "l" * 63, "l" * 63),
        (Fqdn(), "a", "a"),
        (Fqdn(), "-a_b.c.", "-a_b.c."),
        (Base64(), "aGVsbG8=", "aGVsbG8="),
        (Base64(), "!!!", "!!!"),
        (ListOf(Tag()), ["a", "a"], ("a", "a")),
        (ListOf(Tag(), null=True), None, None),
        (MapOf(Text(), keys="[a-z]+", means="is odd"), {"a": "1"}, {"a": "1"}),
        (Either(Choice("auto"), ListOf(Tag())), "auto", "auto"),
        (Either(Choice("auto"), ListOf(Tag())), ["a"], ("a",)),
    ],
    ids=repr,
)
def test_a_good_value_is_taken(field: StrictField, value: Any, meaning: Any) -> None:
    result, codes = read(field, value)
    assert codes == []
    assert result == meaning
    assert type(result) is type(meaning)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (Boolean(), "true", "wrong_type"),
        (Boolean(), 1, "wrong_type"),
        (Boolish(), 1, "wrong_type"),
        (Boolish(), "tRUE", "choice"),
        (Boolish(), "y", "choice"),
        (Boolish(), None, "wrong_type"),
        (Integer(), True, "wrong_type"),
        (Integer(), 1.5, "wrong_type"),
        (Integer(), "1", "wrong_type"),
        (Integer(text=True), "", "pattern"),
        (Integer(text=True), "+1", "pattern"),
        (Integer(text=True), "١", "pattern"),
        (Integer(1, 3), 4, "too_large"),
        (Count(), 0, "too_small"),
        (Count(), "0", "too_small"),
        (Count(), "-1", "pattern"),
        (Count(), " 1", "pattern"),
        (Count(), "1\n", "pattern"),
        (Count(), "9" * 5000, "pattern"),
        (Size(), 2147483648, "too_large"),
        (Number(), "1", "wrong_type"),
        (Number(0.0), -1, "too_small"),
        (Choice("a"), "A", "choice"),
        (Choice("1"), 1, "choice"),
        (Choice("a"), ["a"], "choice"),
        (Null(), {}, "wrong_type"),
        (Text(), 5, "wrong_type"),
        (Text(), None, "wrong_type"),
        (Text(1), "", "too_short"),
        (Text(0, 2), "abc", "too_long"),
        (Text(), "a\x00", "pattern"),
        (Text(pattern="[a-z]*", means="is odd"), "a\n", "pattern"),
        (Printable(), "a\nb", "name"),
        (Name(), "", "too_short"),
        (Name(), "n" * 256, "too_long"),
        (Name(), " a", "name"),
        (Name(), "a ", "name"),
        (Name(), f"a{NO_BREAK_SPACE}", "name"),
        (Name(), "a\n", "name"),
        (Name(), "a\u200bb", "name"),
        (Name(), "a\u2028b", "name"),
        (Name(), EMOJI, "name"),
        (LooseName(), "  ", "name"),
        (Uuid(), "155d900f", "uuid"),
        (Uuid(), f"{UUID}\n", "uuid"),
        (Uuid(), "", "uuid"),
        (Uuid(), 5, "wrong_type"),
        (Ipv4(), "01.2.3.4", "ip"),
        (Ipv4(), "1.2.3.4\n", "ip"),
        (Ipv4(), "", "ip"),
        (Ipv6(), "fe80::1%eth0", "ip"),
        (Ipv6(), "1.2.3.4", "ip"),
        (Ip(), "a", "ip"),
        (Tag(), "a,b", "pattern"),
        (Tag(), "a/b", "pattern"),
        (Tag(), "", "too_short"),
        (Tag(), "t" * 61, "too_long"),
        (Label(), "a", "too_short"),
        (Label(), "-a", "pattern"),
        (Label(), "a.b", "pattern"),
        (Label(), "ab\n", "pattern"),
        (Fqdn(), "a b", "pattern"),
        (Fqdn(), "", "too_short"),
        (Base64(), "aGVsbG8", "base64"),
        (Base64(), "é", "base64"),
        (ListOf(Tag()), {}, "wrong_type"),
        (ListOf(Tag(), 1), [], "too_short"),
        (ListOf(Tag(), 0, 1), ["a", "b"], "too_long"),
        (ListOf(Tag(), distinct=True), ["a", "a"], "duplicate"),
        (MapOf(Text(), keys="[a-z]+", means="is odd"), {"A": "1"}, "pattern"),
        (MapOf(Text(), keys="[a-z]+", means="is odd"), {"a": 1}, "wrong_type"),
        (MapOf(Text(), keys="[a-z]+", means="is odd"), [], "wrong_type"),
        (Either(Choice("auto"), ListOf(Tag())), "none", "choice"),
        (Either(Choice("auto"), ListOf(Tag())), 5, "wrong_type"),
        (Either(Choice("auto"), ListOf(Tag())), None, "wrong_type"),
    ],
    ids=repr,
)
def test_a_bad_value_is_refused(field: StrictField, value: Any, code: str) -> None:
    assert read(field, value)[1] == [code]


def test_each_bad_item_of_a_list_is_named() -> None:
    faults: list[Any] = []
    ListOf(Tag()).reader(NEWEST)(["a", "b,c", 5], "tags", faults)
    assert [fault.field for fault in faults] == ["tags.1", "tags.2"]


def test_v2_takes_odd_keys_where_no_key_is_right() -> None:
    metadata = MapOf(Text(), keys="[a-z]+", means="is odd")
    assert read(metadata, {"A": "1"}, LEGACY) == ({"A": "1"}, [])
    assert read(metadata, {"A": "1", "a": "1"}, LEGACY)[1] == ["pattern"]
