"""The shapes of requests about definitions of metadata (``metadefs``)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.image.models import METADEF_VISIBILITIES
from compute_site.values.keys import (
    LARGEST_BIG_INT,
    LARGEST_INT,
    Key,
    Reader,
    WrongValue,
    between,
    filled_text,
    flag,
    list_of,
    mapping,
    one_of,
    read_keys,
    shown,
    text,
    up_to,
    whole,
)

READ_ONLY = ("self", "schema", "created_at", "updated_at")
"""What the service shows, and nobody sends."""
LONGEST_NAME = 80
TYPES = ("array", "boolean", "integer", "number", "object", "string")
short = up_to(LONGEST_NAME)
any_whole = between(-LARGEST_BIG_INT, LARGEST_BIG_INT)
texts = list_of(text, most=LARGEST_INT)


def name(value: Any) -> str:
    """A name that a URL can have."""
    found: str = up_to(LONGEST_NAME, filled_text)(value)
    if "/" in found:
        raise WrongValue(f"give a name without /, which no URL could have, not {shown(value)}")
    return found


def unique_texts(value: Any) -> list[str]:
    found: list[str] = texts(value)
    if len(set(found)) < len(found):
        raise WrongValue("give each text once")
    return found


def default_text(value: Any) -> str:
    """A number or a truth value becomes its text, as in Glance."""
    if not isinstance(value, str | int | float):
        raise WrongValue(f"give a text, a number, true or false, not {shown(value)}")
    return text(str(value))


def _without_nulls(shape: Mapping[str, Key], *ignored: str) -> Reader:
    """An object of which only the keys are kept that were given."""

    def read(value: Any) -> dict[str, Any]:
        given = {key: item for key, item in mapping(value).items() if key not in ignored}
        values, problems = read_keys(given, shape)
        if problems:
            raise WrongValue("; ".join(problems))
        return {key: item for key, item in values.items() if key in given}

    return read


def may(read: Reader) -> Key:
    """A key that can be missing, and that null means nothing for."""
    return Key(read, never_null=True)


ITEMS: Mapping[str, Key] = {"type": Key(one_of(*TYPES), required=True), "enum": may(texts)}
DEFINITION: Mapping[str, Key] = {
    "title": Key(text, required=True),
    "type": Key(one_of(*TYPES), required=True),
    "description": may(text),
    "operators": may(texts),
    "default": may(default_text),
    "readonly": may(flag),
    "minimum": may(any_whole),
    "maximum": may(any_whole),
    "enum": may(texts),
    "pattern": may(text),
    "minLength": may(whole),
    "maxLength": may(whole),
    "items": may(_without_nulls(ITEMS)),
    "uniqueItems": may(flag),
    "minItems": may(whole),
    "maxItems": may(whole),
    "additionalItems": may(flag),
}
PROPERTY: Mapping[str, Key] = {"name": Key(name, required=True), **DEFINITION}
read_definition = _without_nulls({"name": may(short), **DEFINITION})


def definitions(value: Any) -> dict[str, Any]:
    """Definitions by the names of their properties."""
    found = {}
    for key, item in mapping(value).items():
        try:
            found[name(key)] = read_definition(item)
        except WrongValue as error:
            raise WrongValue(f"property {key[:LONGEST_NAME]}: {error}") from None
    return found


OBJECT: Mapping[str, Key] = {
    "name": Key(name, required=True),
    "description": may(text),
    "required": Key(unique_texts, default=[], never_null=True),
    "properties": Key(definitions, default={}, never_null=True),
}
TAG: Mapping[str, Key] = {"name": Key(name, required=True)}
ASSOCIATION: Mapping[str, Key] = {
    "name": Key(name, required=True),
    "prefix": may(short),
    "properties_target": may(short),
}
TAGS: Mapping[str, Key] = {
    "tags": Key(list_of(_without_nulls(TAG), most=LARGEST_INT), required=True)
}
NAMESPACE: Mapping[str, Key] = {
    "namespace": Key(name, required=True),
    "display_name": may(short),
    "description": may(up_to(500)),
    "visibility": Key(one_of(*METADEF_VISIBILITIES), default="private", never_null=True),
    "protected": Key(flag, default=False, never_null=True),
    "owner": may(up_to(255, filled_text)),
}
CONTENTS: Mapping[str, Key] = {
    "resource_type_associations": Key(
        list_of(_without_nulls(ASSOCIATION, *READ_ONLY), most=LARGEST_INT),
        default=[],
        never_null=True,
    ),
    "objects": Key(
        list_of(_without_nulls(OBJECT, *READ_ONLY), most=LARGEST_INT), default=[], never_null=True
    ),
    "properties": Key(definitions, default={}, never_null=True),
    "tags": Key(
        list_of(_without_nulls(TAG, *READ_ONLY), most=LARGEST_INT), default=[], never_null=True
    ),
}
NEW_NAMESPACE: Mapping[str, Key] = {**NAMESPACE, **CONTENTS}
