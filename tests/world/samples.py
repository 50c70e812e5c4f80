"""Valid values for any field of a serializer, read off the field itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from compute_site.api.microversions.containers import Either, ListOf, MapOf
from compute_site.api.microversions.fields import Boolean, Boolish, Choice, Integer, Null, Number
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Base64, Ip, Ipv4, Ipv6, Text, Uuid
from compute_site.api.microversions.version import LEGACY, OLDEST, Microversion

A_UUID = "155d900f-4e14-4e4c-a73d-069cbf4541e6"
BY_TYPE: list[tuple[type, Any]] = [
    (Uuid, A_UUID),
    (Base64, "YQ=="),
    (Ipv4, "10.0.0.1"),
    (Ipv6, "fe80::1"),
    (Ip, "10.0.0.1"),
    (Boolean, True),
    (Boolish, True),
    (Null, None),
    (Number, 1),
]
TEXTS = ("/dev/vdb", "ab", "1", "/24", "", "2026-01-01T00:00:00Z")


def sample(field: Any, version: Microversion) -> Any:
    """The simplest value that the field takes at the version."""
    for kind, value in BY_TYPE:
        if isinstance(field, kind):
            return value
    made = _from_parts(field, version)
    return _text(field) if made is None else made


def _from_parts(field: Any, version: Microversion) -> Any:  # noqa: PLR0911 - a table of types
    if isinstance(field, VersionedSerializer):
        compiled = type(field).at(version)
        needed = {name: inner for name, inner in compiled.fields.items() if inner.required}
        return {inner.key or name: sample(inner, version) for name, inner in needed.items()}
    if isinstance(field, Either):
        return sample(field.forms[0], version)
    if isinstance(field, ListOf):
        return [sample(field.item, version)]
    if isinstance(field, MapOf):
        return {"a": sample(field.value, version)}
    if isinstance(field, Choice):
        return field.choices[0]
    if isinstance(field, Integer):
        return field.smallest or 0
    return None


def _text(field: Any) -> str:
    pattern = getattr(field, "pattern", None)
    shortest = getattr(field, "shortest", 0) if isinstance(field, Text) else 1
    for text in TEXTS:
        if len(text) >= shortest and (pattern is None or re.fullmatch(pattern, text)):
            return text
    raise LookupError(f"no sample for {field!r}")


Place = tuple[str, ...]


def histories(
    serializer: type[VersionedSerializer], place: Place = ()
) -> Iterator[tuple[Place, Any]]:
    """Every history below a serializer, with the keys that lead to it (``*``: an item)."""
    for name, field in serializer.declared().items():
        forms = list(field.forms.values()) if isinstance(field, History) else [field]
        known = [form for form in forms if form is not None]
        here = (*place, known[0].key or name)
        if isinstance(field, History):
            yield here, field
        yield from _below(known, here)


def _below(forms: list[Any], here: Place) -> Iterator[tuple[Place, Any]]:
    seen: set[type] = set()
    queue = list(forms)
    while queue:
        form = queue.pop(0)
        item = getattr(form, "item", None)
        for nested, place in ((form, here), (item, (*here, "*"))):
            if isinstance(nested, VersionedSerializer) and type(nested) not in seen:
                seen.add(type(nested))
                yield from histories(type(nested), place)
        queue += getattr(form, "forms", ())


def edges(history: History) -> Iterator[tuple[Microversion, Microversion]]:
    """The last version before each change, and the first one with it."""
    for start in history.forms:
        if start > OLDEST:
            yield Microversion(start.major, start.minor - 1), start
        elif start == OLDEST and LEGACY in history.forms:
            yield LEGACY, OLDEST


def put(body: Any, place: Place, value: Any) -> Any:
    """The body with the value at the place; ``*`` makes a list with one item."""
    if not place:
        return value
    key, *rest = place
    if rest and rest[0] == "*":
        items = body.get(key)
        first = items[0] if isinstance(items, list) and items else {}
        return {**body, key: [put(first, tuple(rest[1:]), value)]}
    return {**body, key: put(body.get(key, {}) if rest else {}, tuple(rest), value)}


def path_of(place: Place) -> str:
    return ".".join("0" if key == "*" else key for key in place)
