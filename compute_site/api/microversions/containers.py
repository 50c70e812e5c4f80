"""Strict fields for lists and for objects whose keys are data, and for a choice between forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from rest_framework.serializers import Field

from compute_site.api.microversions.fields import (
    Reader,
    Refused,
    Schema,
    StrictField,
    nullable,
    wrong_type,
)
from compute_site.api.microversions.version import Microversion
from compute_site.faults import FieldFault


def _adopt(container: Any, *parts: Any) -> None:
    """Tell fields within a field where they belong, so that they find the context."""
    for part in parts:
        part.bind(field_name="", parent=container)


class ListOf(StrictField):
    """A list of one kind of items; the result is a tuple."""

    def __init__(
        self,
        item: Field[Any, Any, Any, Any] | type[Field[Any, Any, Any, Any]],
        shortest: int = 0,
        longest: int | None = None,
        *,
        distinct: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.item: Any = item() if isinstance(item, type) else item
        _adopt(self, self.item)
        self.shortest = shortest
        self.longest = longest
        self.distinct = distinct

    def children(self) -> Sequence[Any]:
        return (self.item,)

    def member(self, step: str | int) -> Any:
        return self.item if isinstance(step, int) else None

    def value_reader(self, version: Microversion) -> Reader:
        read_item, null = self.item.reader(version), self.allow_null

        def read(value: Any, path: str, faults: list[FieldFault]) -> Any:
            if value is None and null:
                return None
            try:
                self._check(value)
            except Refused as refused:
                faults.append(FieldFault(path, refused.code, refused.detail))
                return None
            return tuple(
                [read_item(item, f"{path}.{index}", faults) for index, item in enumerate(value)]
            )

        return read

    def to_representation(self, value: Any) -> Any:
        return [None if item is None else self.item.to_representation(item) for item in value]

    def _check(self, value: Any) -> None:
        if type(value) is not list:
            raise wrong_type("a list", value)
        if len(value) < self.shortest:
            raise Refused(f"give at least {self.shortest} items", code="too_short")
        if self.longest is not None and len(value) > self.longest:
            raise Refused(
                f"{len(value)} items are too many; give at most {self.longest}", code="too_long"
            )
        if self.distinct and len(set(map(repr, value))) < len(value):
            raise Refused("an item stands twice in the list", code="duplicate")

    def schema(self, version: Microversion) -> Schema:
        schema: Schema = {"type": "array", "items": self.item.schema(version)}
        if self.shortest:
            schema["minItems"] = self.shortest
        if self.longest is not None:
            schema["maxItems"] = self.longest
        if self.distinct:
            schema["uniqueItems"] = True
        return nullable(schema) if self.allow_null else schema


class MapOf(StrictField):
    """An object whose keys are the client's: each matches ``keys``, each value is of one kind.

    Keys that do not match are refused. Nova: on ``/v2`` they pass where no key at all matches.
    """

    def __init__(
        self,
        value: Field[Any, Any, Any, Any],
        *,
        keys: str,
        means: str,
        longest: int | None = None,
        shortest: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.value: Any = value
        _adopt(self, self.value)
        self.keys = re.compile(keys)
        self.means = means
        self.longest = longest
        self.shortest = shortest

    def children(self) -> Sequence[Any]:
        return (self.value,)

    def member(self, _step: str | int) -> Any:
        return self.value

    def value_reader(self, version: Microversion) -> Reader:
        read_value, null, matches = self.value.reader(version), self.allow_null, self.keys.fullmatch

        def read(value: Any, path: str, faults: list[FieldFault]) -> Any:
            if value is None and null:
                return None
            try:
                self._check(value)
            except Refused as refused:
                faults.append(FieldFault(path, refused.code, refused.detail))
                return None
            strict = not version.is_legacy or any(map(matches, value))
            result = {}
            for key, item in value.items():
                if (strict and matches(key) is None) or "\x00" in key:
                    faults.append(FieldFault(path, "pattern", f"the key {key[:60]!r} {self.means}"))
                result[key] = read_value(item, f"{path}.{key}", faults)
            return result

        return read

    def _check(self, value: Any) -> None:
        if type(value) is not dict:
            raise wrong_type("an object", value)
        if len(value) < self.shortest:
            raise Refused(f"give at least {self.shortest} keys", code="too_short")
        if self.longest is not None and len(value) > self.longest:
            raise Refused(
                f"{len(value)} keys are too many; give at most {self.longest}", code="too_long"
            )

    def schema(self, version: Microversion) -> Schema:
        pattern = f"^{self.keys.pattern}$"
        schema: Schema = {
            "type": "object",
            "patternProperties": {pattern: self.value.schema(version)},
            "additionalProperties": False,
        }
        if self.shortest:
            schema["minProperties"] = self.shortest
        if self.longest is not None:
            schema["maxProperties"] = self.longest
        return nullable(schema) if self.allow_null else schema


class Either(StrictField):
    """A value of one of several forms, chosen by its JSON type.

    The first form whose type fits reads the value, so that a fault names the rule of that form.
    """

    PYTHON_TYPES = {
        "string": (str,),
        "array": (list,),
        "object": (dict,),
        "boolean": (bool,),
        "integer": (int, float),
        "number": (int, float),
        "null": (type(None),),
    }

    def __init__(self, *forms: Field[Any, Any, Any, Any], **options: Any) -> None:
        super().__init__(**options)
        self.forms: Sequence[Any] = forms
        _adopt(self, *self.forms)

    def children(self) -> Sequence[Any]:
        return self.forms

    def member(self, step: str | int) -> Any:
        members = [form.member(step) for form in self.forms]
        return next((member for member in members if member is not None), None)

    def value_reader(self, version: Microversion) -> Reader:
        by_type: dict[type, Reader] = {}
        for form in self.forms:
            read_form = form.reader(version)
            for kind in _types(form.schema(version)):
                for python_type in self.PYTHON_TYPES[kind]:
                    by_type.setdefault(python_type, read_form)
        last, null = self.forms[-1].reader(version), self.allow_null

        def read(value: Any, path: str, faults: list[FieldFault]) -> Any:
            if value is None and null:
                return None
            return by_type.get(type(value), last)(value, path, faults)

        return read

    def schema(self, version: Microversion) -> Schema:
        schema: Schema = {"anyOf": [form.schema(version) for form in self.forms]}
        return nullable(schema) if self.allow_null else schema


def _types(schema: Schema) -> list[str]:
    if "$ref" in schema:
        return ["object"]
    kind = schema.get("type")
    if kind is None:
        return [kind for form in schema.get("anyOf", ()) for kind in _types(form)]
    return kind if isinstance(kind, list) else [kind]
