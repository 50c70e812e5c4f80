"""The keys of an object of a service: what each may hold, and what it means when it is missing.

Requests to the services and entries of a cloud file are written alike, and are read by this.

A reader takes the value as it stands in the file and returns it as it is stored; it raises
``WrongValue`` with a text that says what would be right.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Reader = Callable[[Any], Any]
NO_CARDS = ("00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff")
"""What looks like the MAC address of a card, but is none, or that of all."""
PROJECT_ID = re.compile(r"[0-9a-f]{32}")


class WrongValue(ValueError):
    """A value that its key cannot take; the text says what would be right."""


@dataclasses.dataclass(frozen=True, slots=True)
class Key:
    """``default`` applies when the key is missing or null. ``other_name`` is an older spelling."""

    read: Reader
    default: Any = None
    required: bool = False
    other_name: str | None = None


def anything(value: Any) -> Any:
    return value


IGNORED = Key(anything)
"""A key that the API of the service shows and that is not kept."""


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise WrongValue(f"give a text, not {value!r} (in YAML, put it in quotes)")
    if "\x00" in value:
        raise WrongValue("give a text without the character NUL")
    return value


def filled_text(value: Any) -> str:
    if not text(value).strip():
        raise WrongValue("give a text that is not empty")
    return str(value)


def whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise WrongValue(f"give a whole number from 0 on, not {value!r}")
    return value


def positive(value: Any) -> int:
    if whole(value) == 0:
        raise WrongValue("give a whole number from 1 on")
    return int(value)


def limit(value: Any) -> int:
    """A limit: −1 is none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < -1:
        raise WrongValue(f"give a whole number from 0 on, or -1 for no limit, not {value!r}")
    return value


def number(value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
        raise WrongValue(f"give a number, not {value!r}")
    return float(value)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongValue(f"give true or false, not {value!r}")
    return value


def uuid_text(value: Any) -> uuid.UUID:
    try:
        found = uuid.UUID(text(value))
    except ValueError:
        found = None
    if found is None or str(found) != value:
        raise WrongValue(f"give a UUID with hyphens in small letters, not {value!r}")
    return found


def project_id(value: Any) -> str:
    if PROJECT_ID.fullmatch(text(value)):
        return str(value)
    try:
        return str(uuid_text(value))
    except ValueError:
        raise WrongValue(f"give 32 hexadecimal digits or a UUID, not {value!r}") from None


def address(value: Any) -> str:
    try:
        return str(ipaddress.ip_address(text(value)))
    except ValueError:
        raise WrongValue(f"give an IP address, not {value!r}") from None


def cidr(value: Any) -> str:
    try:
        return str(ipaddress.ip_network(text(value)))
    except ValueError as error:
        raise WrongValue(f"give a range of addresses such as 10.0.0.0/24: {error}") from None


def mac(value: Any) -> str:
    if not re.fullmatch(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}", text(value)):
        raise WrongValue(f"give a MAC address such as fa:16:3e:00:00:01, not {value!r}")
    if value in NO_CARDS:
        raise WrongValue(f"give the MAC address of a card, which {value} is not")
    return str(value)


def mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise WrongValue(f"give names with values, not {value!r}")
    return dict(value)


def texts_by_name(value: Any) -> dict[str, str]:
    """Names with texts; a number or a truth value becomes its text."""
    return {name: as_text(content) for name, content in mapping(value).items()}


def as_text(value: Any) -> str:
    if not isinstance(value, str | int | float):
        raise WrongValue(f"give a text, not {value!r}")
    return str(value)


def one_of(*words: Any) -> Reader:
    def read(value: Any) -> Any:
        if value not in words or isinstance(value, bool):
            raise WrongValue(f"give one of {', '.join(map(str, words))}, not {value!r}")
        return value

    return read


def list_of(read_item: Reader) -> Reader:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise WrongValue(f"give a list, not {value!r}")
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
            values[name] = key.default
            continue
        try:
            values[name] = key.read(value)
        except WrongValue as error:
            problems.append(f"key {name}: {error}")
    if rest is not None:
        values[rest] = left
    else:
        problems += [f"key {name}: is not known; known are {', '.join(keys)}" for name in left]
    return values, problems


def without(shape: Mapping[str, Key], *names: str) -> dict[str, Key]:
    """The shape, but for these keys."""
    return {name: key for name, key in shape.items() if name not in names}


def optional(shape: Mapping[str, Key], *names: str) -> dict[str, Key]:
    """The shape with these keys (or, when none is named, all) not required."""
    return {
        name: dataclasses.replace(key, required=False) if name in names or not names else key
        for name, key in shape.items()
    }
