"""Filters of query strings that have a language of their own: amounts, traits, aggregates."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

from compute_site.api.microversions.fields import Refused
from compute_site.api.microversions.version import Microversion
from compute_site.values.words import is_uuid

FORBIDDEN_TRAITS = Microversion.parse("1.22")
MANY_MEMBER_OF = Microversion.parse("1.24")
FORBIDDEN_AGGREGATES = Microversion.parse("1.32")
ANY_TRAITS = Microversion.parse("1.39")
AMOUNT = re.compile(r"\s*\+?[0-9]{1,40}\s*", re.ASCII)
Names = frozenset[str]
Uuids = frozenset[uuid.UUID]


def read_amounts(text: str, key: str) -> dict[str, int]:
    """``VCPU:2,MEMORY_MB:1024`` as amounts by resource class."""
    found = {}
    for item in text.split(","):
        name, colon, amount = item.partition(":")
        if not colon or not AMOUNT.fullmatch(amount) or int(amount) < 1:
            raise Refused(
                f"{item[:60]!r} is no resource class with an amount, such as VCPU:2", field=key
            )
        if "\x00" in name:
            raise Refused("a resource class has no NUL in its name", field=key)
        found[name] = int(amount)
    return found


def read_traits(
    texts: Sequence[str], version: Microversion, key: str
) -> tuple[tuple[Names, ...], Names]:
    """``A,!B`` and ``in:C,D``: sets of traits of which one each is required, and forbidden ones.
    Until 1.38 only the last text counts.
    """
    required: list[Names] = []
    forbidden: set[str] = set()
    for text in texts if version >= ANY_TRAITS else texts[-1:]:
        if text.startswith("in:"):
            required.append(_read_any(text, version, key))
            continue
        for name in text.split(","):
            word = name.strip()
            if not word.lstrip("!") or "\x00" in word:
                raise Refused(
                    f"{text[:60]!r} is no list of traits such as HW_CPU_X86_VMX,CUSTOM_GOLD",
                    field=key,
                )
            if not word.startswith("!"):
                required.append(frozenset((word,)))
            elif version >= FORBIDDEN_TRAITS:
                forbidden.add(word.lstrip("!"))
            else:
                raise Refused(
                    f"forbidden traits such as {word[:60]} need microversion {FORBIDDEN_TRAITS}",
                    field=key,
                )
    return tuple(required), frozenset(forbidden)


def _read_any(text: str, version: Microversion, key: str) -> Names:
    if version < ANY_TRAITS:
        raise Refused(f"the prefix in: needs microversion {ANY_TRAITS}", field=key)
    words = frozenset(word.strip() for word in text[3:].split(","))
    if any(not word or word.startswith("!") or "\x00" in word for word in words):
        raise Refused(f"{text[:60]!r} is no list of traits such as in:CUSTOM_A,CUSTOM_B", field=key)
    return words


def read_member_of(
    texts: Sequence[str], version: Microversion, key: str
) -> tuple[tuple[Uuids, ...], Uuids]:
    """``UUID`` or ``in:UUID,UUID``, and either with ``!`` in front: sets of aggregates one of which
    each is required, and forbidden ones.
    """
    if len(texts) > 1 and version < MANY_MEMBER_OF:
        raise Refused(f"several {key} need microversion {MANY_MEMBER_OF}", field=key)
    required: list[Uuids] = []
    forbidden: set[uuid.UUID] = set()
    for text in texts:
        plain = text.removeprefix("!")
        several = plain.startswith("in:")
        found = frozenset(
            _read_uuid(word, key) for word in (plain[3:].split(",") if several else [plain])
        )
        if plain == text:
            required.append(found)
        elif version >= FORBIDDEN_AGGREGATES:
            forbidden |= found
        else:
            raise Refused(
                f"forbidden aggregates need microversion {FORBIDDEN_AGGREGATES}", field=key
            )
    return tuple(required), frozenset(forbidden)


def _read_uuid(text: str, key: str) -> uuid.UUID:
    if "," in text:
        raise Refused("several aggregates need the prefix in:", field=key)
    if not is_uuid(text):
        raise Refused(f"{text[:60]!r} is no UUID of an aggregate", field=key)
    return uuid.UUID(text)
