"""Readers that turn the texts of extra specs and image properties into values.

Every reader raises ``ValueError`` with a text that says what would be right; the callers
(``sources.read_spec``, ``properties.read_image_properties``) add the name of the key.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from compute_site.values.words import LOOSE_TRUE

PageSize = int | Literal["small", "large", "any"]
"""KiB, or what the host may choose: its normal size, a larger one, or either."""

PAGE_SIZE_WORDS: Mapping[str, PageSize] = {"small": "small", "large": "large", "any": "any"}

UNIT_PREFIXES = "KMGTPEZYRQ"

_CPU_ENTRY = re.compile(r"(\^?)\s*(\d{1,5})\s*(?:-\s*(\d{1,5}))?", re.ASCII)
_BYTES = re.compile(rf"([-+]?\d{{0,18}}\.?\d{{1,18}})([{UNIT_PREFIXES}]i?)?(b|bit|B)", re.ASCII)
_VERSION_BOUND = re.compile(
    r"""\s* (<=|>=|<|>|!=|==) \s*
    v? (\d+!)? \d+ (\.\d+)*
    ([-_.]? (alpha|a|beta|b|preview|pre|c|rc) [-_.]?\d*)?
    (-\d+ | [-_.]? (post|rev|r) [-_.]?\d*)?
    ([-_.]? dev [-_.]?\d*)?
    (\+ [a-z0-9]+ ([-_.][a-z0-9]+)*)? \s*""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)


def flag(value: object) -> bool:
    """Read a boolean: every text that is no word for true is false."""
    return str(value).strip().lower() in LOOSE_TRUE


def text(value: object) -> str:
    if isinstance(value, str | int | float):
        return str(value)
    raise ValueError("give a text")


def number(value: Any) -> int:
    """Read a whole number; blanks around it and a sign are allowed."""
    try:
        return int(value)
    except (TypeError, ValueError):
        raise ValueError("give a whole number") from None


def node_count(value: str) -> int:
    """A number as Python writes it: no blanks, no sign but a minus, no leading zeros."""
    count = number(value)
    if str(count) != value:
        raise ValueError("give a whole number without blanks or leading zeros")
    return count


def word(
    allowed: str, *, also: Mapping[str, str] | None = None, any_case: bool = False
) -> Callable[[object], str]:
    """A reader for one of the words in ``allowed``; ``also`` translates other spellings first."""
    words = allowed.split()
    translations = also or {}

    def read(value: object) -> str:
        name = str(value).lower() if any_case else str(value)
        name = translations.get(name, name)
        if name not in words:
            raise ValueError(f"give one of {', '.join(words)}")
        return name

    return read


def version_bounds(value: object) -> str:
    """Comma-separated bounds such as ``>=2.6,<9``; versions are those of PEP 440."""
    bounds = str(value)
    if not all(_VERSION_BOUND.fullmatch(bound) for bound in bounds.split(",")):
        raise ValueError("give versions with <, <=, ==, !=, >= or > in front, as in >=2.6")
    return bounds


def device_list(value: Any) -> tuple[Mapping[str, Any], ...]:
    """A list of objects with plain values."""
    if not isinstance(value, list | tuple) or not all(map(_is_plain_object, value)):
        raise ValueError("give a list of objects whose values are texts, numbers or null")
    return tuple(value)


def device_list_text(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Such a list, or the JSON text of one."""
    try:
        return device_list(json.loads(value) if isinstance(value, str) else value)
    except json.JSONDecodeError as error:
        raise ValueError(f"give a JSON list of objects ({error})") from None


def _is_plain_object(item: object) -> bool:
    return isinstance(item, Mapping) and not any(
        isinstance(member, list | tuple | Mapping) for member in item.values()
    )


def cpu_list(value: object, *, among: frozenset[int] = frozenset()) -> frozenset[int]:
    """CPU numbers: ``3``, ``0-3``, ``^2`` and ``^4-5`` (excluded), separated by commas.

    A list that starts with an exclusion is taken from the CPUs ``among``. A number has five
    digits at most, because the list of an image comes from its owner and a range costs memory.
    """
    entries = str(value)
    chosen = set(among) if entries.lstrip().startswith("^") else set()
    excluded: set[int] = set()
    for entry in filter(None, map(str.strip, entries.split(","))):
        match = _CPU_ENTRY.fullmatch(entry)
        first, last = (int(match[2]), int(match[3] or match[2])) if match else (1, 0)
        if match is None or first > last:
            raise ValueError(f"{entry!r} is no CPU number, range (0-3) or exclusion (^2)")
        (excluded if match[1] else chosen).update(range(first, last + 1))
    return frozenset(chosen - excluded)


def format_cpu_list(cpus: frozenset[int]) -> str:
    """The shortest list that ``cpu_list`` reads as these CPUs."""
    ranges: list[list[int]] = []
    for cpu in sorted(cpus):
        if ranges and cpu == ranges[-1][-1] + 1:
            ranges[-1][1:] = [cpu]
        else:
            ranges.append([cpu])
    return ",".join("-".join(map(str, ends)) for ends in ranges)


def page_size(value: object) -> PageSize:
    """``small``, ``large``, ``any``, KiB as a plain number, or a number with a byte unit.

    Nova: prefixes are powers of 1024 with or without the ``i``, a small ``b`` means bits, and a
    plain ``2M`` is refused. Part of a KiB counts as one.
    """
    size = str(value)
    if size in PAGE_SIZE_WORDS:
        return PAGE_SIZE_WORDS[size]
    if size.isascii() and size.isdigit():
        return int(size)
    match = _BYTES.fullmatch(size)
    if match is None:
        raise ValueError("give small, large, any, a number of KiB, or a size such as 2MB or 1GB")
    amount = float(match[1]) / (1 if match[3] == "B" else 8)
    exponent = UNIT_PREFIXES.index(match[2][0]) + 1 if match[2] else 0
    return math.ceil(amount * 1024.0 ** (exponent - 1))
