"""HTML forms for people, made from the same serializers that read JSON bodies."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.api.microversions.fields import Boolean, Boolish, Choice, Integer, StrictField
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from compute_site.values.strict_json import MalformedJson, read_json

RAW_BODY = "_body"
"""The control that takes a whole JSON body; it wins over the others."""
ACTION, VALUE = "_action", "_value"
"""The controls that choose an action and say how, in JSON."""
WORDS = {"true": True, "false": False}
NUMBER = re.compile(r"-?[0-9]{1,1000}")
"""Python refuses to read numbers of several thousand digits."""


@dataclasses.dataclass(frozen=True, slots=True)
class Control:
    """One control of a form. ``name`` is the path of the key, such as ``server.name``.

    ``kind`` is ``text``, ``number``, ``select`` or ``json`` (a value written as JSON).
    """

    name: str
    label: str
    kind: str
    required: bool
    help: str = ""
    choices: Sequence[str] = ()
    offered: Sequence[tuple[str, str]] = ()
    """Values with their names, of which one can be chosen instead of writing one."""
    value: str = ""
    error: str = ""


def make_controls(
    serializer: type[VersionedSerializer],
    version: Microversion,
    given: Mapping[str, str],
    errors: Sequence[Mapping[str, str]] = (),
    offered: Mapping[str, Sequence[tuple[str, str]]] | None = None,
) -> list[Control]:
    """The controls of a body: one for each key of the microversion, the required ones first.

    ``given`` is the refused input of the last submission, ``errors`` its faults; ``offered`` are
    values to choose from, by the paths of keys.
    """
    offered = offered or {}
    controls = [
        dataclasses.replace(
            _control(name, field),
            value=given.get(name, ""),
            offered=_with(offered.get(name, ()), given.get(name, "")),
            error="; ".join(
                error["detail"]
                for error in errors
                if f"{error.get('field', '')}.".startswith(f"{name}.")
            ),
        )
        for name, field in _fields(serializer, version)
    ]
    return sorted(controls, key=lambda control: not control.required)


def _with(offered: Sequence[tuple[str, str]], value: str) -> Sequence[tuple[str, str]]:
    """The values to choose from, and the one that was entered."""
    if not offered or not value or value in dict(offered):
        return offered
    return [*offered, (value, value)]


def action_names(serializer: type[VersionedSerializer], version: Microversion) -> list[str]:
    """The keys of which a body has one."""
    return sorted((name for name, _ in _fields(serializer, version)), key=str.lower)


def _fields(
    serializer: type[VersionedSerializer], version: Microversion, prefix: str = ""
) -> list[tuple[str, Any]]:
    """Fields by path; the fields of a required object are listed instead of the object."""
    found: list[tuple[str, Any]] = []
    for name, field in serializer.at(version).fields.items():
        path = f"{prefix}{field.key or name}"
        if isinstance(field, VersionedSerializer) and field.required:
            found += _fields(type(field), version, f"{path}.")
        else:
            found.append((path, field))
    return found


def _control(name: str, field: Any) -> Control:
    label = name.rpartition(".")[2]
    shown: dict[str, Any] = {"required": field.required, "help": field.help_text or ""}
    if isinstance(field, Choice):
        return Control(name, label, "select", choices=[str(x) for x in field.choices], **shown)
    if isinstance(field, Boolean | Boolish):
        return Control(name, label, "select", choices=list(WORDS), **shown)
    if isinstance(field, Integer):
        return Control(name, label, "number", **shown)
    if isinstance(field, Text) or _is_plain(field):
        return Control(name, label, "text", **shown)
    return Control(name, label, "json", **shown)


def _is_plain(field: Any) -> bool:
    if not isinstance(field, StrictField) or isinstance(field, History):
        return False
    try:
        kind = field.describe().get("type")
    except NotImplementedError:
        return False
    return kind is not None and set([kind] if isinstance(kind, str) else kind) <= {
        "string",
        "integer",
        "number",
    }


def read_form(
    serializer: type[VersionedSerializer], version: Microversion, given: Mapping[str, str]
) -> Any:
    """The JSON body from a submitted form; empty controls are absent keys.

    Raises:
        MalformedJson: the whole body was entered as JSON, and is not valid.
    """
    raw = given.get(RAW_BODY, "").strip()
    if raw:
        return read_json(raw)
    if given.get(ACTION):
        value = given.get(VALUE, "").strip()
        return {given[ACTION]: read_json(value) if value else None}
    body: dict[str, Any] = {}
    for name, field in _fields(serializer, version):
        text = given.get(name, "").strip()
        *parents, key = _split(name, serializer, version)
        place = body
        for parent in parents:
            place = place.setdefault(parent, {})
        if text:
            place[key] = _value(_control(name, field).kind, text)
    return body


def _split(name: str, serializer: type[VersionedSerializer], version: Microversion) -> list[str]:
    """A path as a list of keys; only the innermost key may contain dots."""
    outer = {
        field.key or attribute: field for attribute, field in serializer.at(version).fields.items()
    }
    head, dot, rest = name.partition(".")
    if dot and isinstance(outer.get(head), VersionedSerializer):
        return [head, *_split(rest, type(outer[head]), version)]
    return [name]


def _value(kind: str, text: str) -> Any:
    if kind == "select":
        return WORDS.get(text, text)
    if kind == "number":
        return int(text) if NUMBER.fullmatch(text) else text  # the serializer refuses the rest
    if kind == "json":
        try:
            return read_json(text)
        except MalformedJson:
            return text  # a word such as auto; the serializer refuses others
    return text
