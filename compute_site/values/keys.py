"""The keys of an object of a service: what each may hold, and what it means when it is missing.

Requests to the services and entries of a cloud file are written alike, and are read by this.

A reader takes the value as it stands in the file and returns it as it is stored; it raises
``WrongValue`` with a text that says what would be right.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from compute_site.values.strict_json import Unkeepable, check_keepable
from compute_site.values.words import is_canonical

Reader = Callable[[Any], Any]
NO_NICS = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")
"""What looks like the MAC address of a NIC, but is none, or that of all."""
PROJECT_ID = re.compile(r"[0-9a-f]{32}")
LARGEST_INT = 2**31 - 1
"""The largest number of most columns."""
LARGEST_BIG_INT = 2**63 - 1
LARGEST_FLOAT = 3.40282e38
MOST_ITEMS = 128
"""Items of metadata of a thing."""
LONGEST_OBJECT = 4095
"""Characters of an object that is kept as it is, as Neutron has it for a binding's profile."""


class WrongValue(ValueError):
    """A value that its key cannot take; the text says what would be right."""


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """``default`` applies when the key is missing or null. ``other_name`` is an older spelling.

    ``never_null``: the key may be missing, but there is nothing that null could mean.
    """

    read: Reader
    default: Any = None
    required: bool = False
    other_name: str | None = None
    never_null: bool = False


def anything(value: Any) -> Any:
    return value


IGNORED = Key(anything)
"""A key that the API of the service shows and that is not kept."""


def unsupported(*harmless: Any) -> Key:
    """A key of the real service that is not kept here: only values that change nothing are taken,
    of which null is always one.
    """

    def read(value: Any) -> Any:
        if not any(type(value) is type(one) and value == one for one in harmless):
            raise WrongValue(f"is not supported here; leave it out, instead of {shown(value)}")
        return value

    return Key(read)


def shown(value: Any) -> str:
    """A value in the text of an error."""
    return f"{value!r:.60}"


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"give a text, not {shown(value)} (in YAML, put it in quotes)")
    try:
        check_keepable(value)
    except Unkeepable as error:
        raise WrongValue(f"give another text: {error}") from None
    return value


def filled_text(value: Any) -> str:
    if not text(value).strip():
        raise WrongValue("give a text that is not empty")
    return str(value)


def up_to(longest: int, read: Callable[[Any], str] = text) -> Reader:
    """A text of at most so many characters."""

    def read_short(value: Any) -> str:
        found = read(value)
        if len(found) > longest:
            raise WrongValue(f"{len(found)} characters are too many; give at most {longest}")
        return found

    return read_short


line = up_to(255)
filled_line = up_to(255, filled_text)


def between(smallest: int, largest: int, means: str = "") -> Reader:
    """A whole number within limits, the outermost included."""
    means = means or f"give a whole number from {smallest} to {largest}"

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongValue(f"{means}, not {shown(value)}")
        if not smallest <= value <= largest:
            raise WrongValue(f"{means}, not {shown(value)}")
        return value

    return read


whole = between(0, LARGEST_INT)
positive = between(1, LARGEST_INT)
limit = between(-1, LARGEST_INT, f"give a whole number from 0 to {LARGEST_INT}, or -1 for no limit")


def number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise WrongValue(f"give a number, not {shown(value)}")
    if not 0 <= value <= LARGEST_FLOAT or math.isnan(value):
        raise WrongValue(f"give a number from 0 to {LARGEST_FLOAT}, not {shown(value)}")
    return float(value)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValue(f"give true or false, not {shown(value)}")
    return value


def uuid_text(value: Any) -> uuid.UUID:
    if not is_canonical(text(value)):
        raise WrongValue(f"give a UUID with hyphens in small letters, not {shown(value)}")
    return uuid.UUID(value)


def project_id(value: Any) -> str:
    if PROJECT_ID.fullmatch(text(value)):
        return str(value)
    try:
        return str(uuid_text(value))
    except ValueError:
        raise WrongValue(f"give 32 hexadecimal digits or a UUID, not {shown(value)}") from None


def address(value: Any) -> str:
    try:
        found = ipaddress.ip_address(text(value))
    except ValueError:
        found = None
    if found is None or getattr(found, "scope_id", None) is not None:
        raise WrongValue(f"give an IP address, not {shown(value)}")
    return str(found)


def cidr(value: Any) -> str:
    """A range; bits beyond the prefix are cut off, as Neutron does."""
    try:
        return str(ipaddress.ip_network(text(value), strict=False))
    except ValueError as error:
        raise WrongValue(f"give a range of addresses such as 10.0.0.0/24: {error}") from None


def prefix(value: Any) -> str:
    """A range that may be written by any of its addresses, which is kept: ``10.0.0.5/24``."""
    try:
        return ipaddress.ip_interface(text(value)).with_prefixlen
    except ValueError as error:
        raise WrongValue(f"give a range of addresses such as 10.0.0.0/24: {error}") from None


def destination(value: Any) -> str:
    """A range with its prefix and without bits beyond it."""
    try:
        found = ipaddress.ip_network(text(value))
    except ValueError as error:
        raise WrongValue(f"give a range of addresses such as 10.0.0.0/24: {error}") from None
    if "/" not in value:
        raise WrongValue(f"give a prefix, too: {found}")
    return str(found)


def mac(value: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", text(value)):
        raise WrongValue(f"give a MAC address such as fa:16:3e:00:00:01, not {shown(value)}")
    if value in NO_NICS:
        raise WrongValue(f"give the MAC address of a NIC, which {value} is not")
    return str(value)


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise WrongValue(f"give names with values, not {shown(value)}")
    return dict(value)


def kept_mapping(value: Any) -> dict[str, Any]:
    """Names with values of any form, which are kept as they are."""
    found = mapping(value)
    try:
        check_keepable(found)
    except Unkeepable as error:
        raise WrongValue(str(error)) from None
    length = len(json.dumps(found, default=str))
    if length > LONGEST_OBJECT:
        raise WrongValue(f"{length} characters are too many; give at most {LONGEST_OBJECT}")
    return found


def texts_by_name(value: Any) -> dict[str, str]:
    """Names with texts; a number or a truth value becomes its text."""
    found = mapping(value)
    if len(found) > MOST_ITEMS:
        raise WrongValue(f"{len(found)} items are too many; give at most {MOST_ITEMS}")
    texts = {}
    for name, content in found.items():
        try:
            texts[filled_line(name)] = line(as_text(content))
        except WrongValue as error:
            raise WrongValue(f"item {name[:60]}: {error}") from None
    return texts


def as_text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise WrongValue(f"give a text, not {shown(value)}")
    return str(value)


def one_of(*words: Any) -> Reader:
    def read(value: Any) -> Any:
        if value not in words or isinstance(value, bool):
            raise WrongValue(f"give one of {', '.join(map(str, words))}, not {shown(value)}")
        return value

    return read


def list_of(read_item: Reader, most: int = MOST_ITEMS) -> Reader:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise WrongValue(f"give a list, not {shown(value)}")
        if len(value) > most:
            raise WrongValue(f"{len(value)} items are too many; give at most {most}")
        items = []
        for index, item in enumerate(value):
            try:
                items.append(read_item(item))
            except WrongValue as error:
                raise WrongValue(f"item {index}: {error}") from None
        return items

    return read


def record(keys: Mapping[str, Key]) -> Reader:
    """An object with these keys and no others."""

    def read(value: Any) -> dict[str, Any]:
        values, problems = read_keys(mapping(value), keys)
        if problems:
            raise WrongValue("; ".join(problems))
        return values

    return read


def read_keys(
    given: Mapping[str, Any], keys: Mapping[str, Key], rest: str | None = None
) -> tuple[dict[str, Any], Sequence[str]]:
    """The values by key, and all that is wrong. Keys beyond ``keys`` are gathered under ``rest``,
    or refused when there is no such place.
    """
    values: dict[str, Any] = {}
    problems = []
    left = dict(given)
    for name, key in keys.items():
        value = left.pop(name, None)
        older = left.pop(key.other_name, None) if key.other_name is not None else None
        if value is None:
            value = older
        if value is None:
            if key.required:
                problems.append(f"key {name}: is required")
            elif key.never_null and name in given:
                problems.append(f"key {name}: cannot be null")
            values[name] = key.default
            continue
        try:
            values[name] = key.read(value)
        except WrongValue as error:
            problems.append(f"key {name}: {error}")
    if rest is not None:
        values[rest] = left
    else:
        known = ", ".join(keys)
        problems += [f"key {name[:60]}: is not known; known are {known}" for name in left]
    return values, problems


def without(shape: Mapping[str, Key], *names: str) -> dict[str, Key]:
    """The shape, but for these keys."""
    return {name: key for name, key in shape.items() if name not in names}


def optional(shape: Mapping[str, Key], *names: str) -> dict[str, Key]:
    """The shape with these keys (or, when none is named, all) not required, which does not mean
    that they can be null.
    """
    return {
        name: dataclasses.replace(key, required=False, never_null=key.required or key.never_null)
        if name in names or not names
        else key
        for name, key in shape.items()
    }
