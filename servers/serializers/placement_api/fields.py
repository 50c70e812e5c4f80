"""The kinds of values that several bodies of the Placement API have."""

from __future__ import annotations

import dataclasses
import functools
import uuid
from typing import Any

from compute_site.api.microversions.containers import ListOf, MapOf
from compute_site.api.microversions.fields import Integer, Reader, Refused, Schema
from compute_site.api.microversions.texts import Text, Uuid
from compute_site.api.microversions.version import Microversion
from compute_site.faults import FieldFault, InvalidBody
from compute_site.values.words import is_uuid

CLASS_NAME = r"[A-Z0-9_]+"
CLASS_MEANS = "is no name of a resource class, which has capital letters, digits and _"
UUID_KEY = r"[0-9a-fA-F-]{36}"
UUID_MEANS = "is no UUID"
GENERATION = "resource_provider_generation"


class UuidValue(Uuid):
    """A UUID in any of its spellings, as a value of Python."""

    def convert(self, value: Any) -> Any:
        text = super().convert(value)
        try:
            return uuid.UUID(text)
        except ValueError:
            raise Refused("the text is not a UUID", code="uuid") from None


class Amounts(MapOf):
    """Amounts by resource class, at least one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(Integer(1), keys=CLASS_NAME, means=CLASS_MEANS, shortest=1, **options)


class ByUuid(MapOf):
    """Values of one kind by UUID; a key that is none of a known thing names nothing."""

    def __init__(self, value: Any, **options: Any) -> None:
        super().__init__(value, keys=UUID_KEY, means=UUID_MEANS, **options)

    def value_reader(self, version: Microversion) -> Reader:
        read = super().value_reader(version)

        def read_uuids(value: Any, path: str, faults: list[FieldFault]) -> Any:
            found = read(value, path, faults)
            return found and {as_uuid(key): item for key, item in found.items()}

        return read_uuids


def as_uuid(text: str) -> uuid.UUID:
    """The UUID of this text; one that nothing has, where it is none."""
    return uuid.UUID(text) if is_uuid(text) else uuid.UUID(int=0)


def read_value(field: Any, value: Any, version: Microversion) -> Any:
    """Check a body that is no object with fixed keys.

    Raises:
        InvalidBody: something is wrong; every fault is listed.
    """
    faults: list[FieldFault] = []
    result = _reader(field, version)(value, "", faults)
    if faults:
        raise InvalidBody(
            [dataclasses.replace(one, field=one.field.removeprefix(".")) for one in faults]
        )
    return result


@functools.lru_cache(maxsize=256)
def _reader(field: Any, version: Microversion) -> Reader:
    reader: Reader = field.reader(version)
    return reader


class Uuids(ListOf):
    """A list of UUIDs, each once."""

    def __init__(self, **options: Any) -> None:
        super().__init__(UuidValue(), distinct=True, **options)


class CustomName(Text):
    """The name of a resource class or trait that an operator makes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            1,
            255,
            pattern=r"CUSTOM_[A-Z0-9_]+",
            means="does not begin with CUSTOM_, or has other characters than A-Z, 0-9 and _",
            **options,
        )


def object_of(**properties: Schema) -> Schema:
    """The JSON schema of an object with these keys, all of which it has."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def map_of(values: Schema) -> Schema:
    """The JSON schema of an object with keys of any name."""
    return {"type": "object", "additionalProperties": values}
