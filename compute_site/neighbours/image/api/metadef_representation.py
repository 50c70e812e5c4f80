"""Definitions of metadata as the image API v2 shows them, and their schemas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.neighbours.image.local.metadefs import only_given
from compute_site.neighbours.image.metadef_shapes import LONGEST_NAME, TYPES
from compute_site.neighbours.image.models import (
    METADEF_VISIBILITIES,
    MetadefNamespace,
    MetadefObject,
    MetadefProperty,
    MetadefTag,
    ResourceType,
    ResourceTypeAssociation,
)
from compute_site.neighbours.service_view import iso

NAMESPACES = "/v2/metadefs/namespaces"
TEXT, FLAG, COUNT = {"type": "string"}, {"type": "boolean"}, {"type": "integer", "minimum": 0}
SHORT = {**TEXT, "maxLength": LONGEST_NAME}
TEXTS = {"type": "array", "items": TEXT}
TIME = {**TEXT, "format": "date-time", "readOnly": True}
TIMES = {"created_at": TIME, "updated_at": TIME}
LINKS = {key: {**TEXT, "readOnly": True} for key in ("self", "schema")}
TYPE = {**TEXT, "enum": list(TYPES)}
DEFINITION: Mapping[str, Any] = {
    "name": SHORT,
    "title": TEXT,
    "description": TEXT,
    "type": TYPE,
    "operators": TEXTS,
    "minimum": {"type": "integer"},
    "maximum": {"type": "integer"},
    "minLength": COUNT,
    "maxLength": COUNT,
    "pattern": TEXT,
    "enum": TEXTS,
    "readonly": FLAG,
    "default": {},
    "items": {"type": "object", "properties": {"type": TYPE, "enum": TEXTS}},
    "minItems": COUNT,
    "maxItems": COUNT,
    "uniqueItems": FLAG,
    "additionalItems": FLAG,
}
DEFINITIONS = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "required": ["title", "type"],
        "properties": DEFINITION,
    },
}


def _schema(name: str, required: Sequence[str], properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": False,
    }


def _list_schema(name: str, item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            name: {"type": "array", "items": item},
            "first": TEXT,
            "next": TEXT,
            "schema": TEXT,
        },
        "links": [
            {"rel": "first", "href": "{first}"},
            {"rel": "next", "href": "{next}"},
            {"rel": "describedby", "href": "{schema}"},
        ],
    }


PROPERTY_SCHEMA = _schema("property", ("name", "title", "type"), DEFINITION)
OBJECT_KEYS = {
    "name": SHORT,
    "description": TEXT,
    "required": {**TEXTS, "uniqueItems": True},
    "properties": DEFINITIONS,
}
OBJECT_SCHEMA = _schema("object", ("name",), {**OBJECT_KEYS, **LINKS, **TIMES})
TAG_SCHEMA = _schema("tag", ("name",), {"name": SHORT, **TIMES})
ASSOCIATION_KEYS = {"name": SHORT, "prefix": SHORT, "properties_target": SHORT}
ASSOCIATION_SCHEMA = _schema("resource_type_association", ("name",), {**ASSOCIATION_KEYS, **TIMES})
NAMESPACE_SCHEMA = _schema(
    "namespace",
    ("namespace",),
    {
        "namespace": SHORT,
        "display_name": SHORT,
        "description": {**TEXT, "maxLength": 500},
        "visibility": {**TEXT, "enum": list(METADEF_VISIBILITIES)},
        "protected": FLAG,
        "owner": {**TEXT, "maxLength": 255},
        **TIMES,
        **LINKS,
        "resource_type_associations": {
            "type": "array",
            "items": {"type": "object", "properties": ASSOCIATION_KEYS},
        },
        "properties": DEFINITIONS,
        "objects": {"type": "array", "items": {"type": "object", "properties": OBJECT_KEYS}},
        "tags": {"type": "array", "items": {"type": "object", "properties": {"name": SHORT}}},
    },
)
SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "namespace": NAMESPACE_SCHEMA,
    "namespaces": _list_schema("namespaces", NAMESPACE_SCHEMA),
    "resource_type": ASSOCIATION_SCHEMA,
    "resource_types": _list_schema("resource_type_associations", ASSOCIATION_SCHEMA),
    "property": PROPERTY_SCHEMA,
    "properties": _list_schema("properties", PROPERTY_SCHEMA),
    "object": OBJECT_SCHEMA,
    "objects": _list_schema("objects", OBJECT_SCHEMA),
    "tag": TAG_SCHEMA,
    "tags": _list_schema("tags", TAG_SCHEMA),
}
"""By the last word of their URLs."""


def show_namespace(namespace: MetadefNamespace) -> dict[str, Any]:
    """The namespace without what is in it."""
    return {
        "namespace": namespace.namespace,
        **only_given(display_name=namespace.display_name, description=namespace.description),
        "visibility": namespace.visibility,
        "protected": namespace.protected,
        "owner": namespace.owner,
        **_times(namespace),
        "self": f"{NAMESPACES}/{namespace.namespace}",
        "schema": "/v2/schemas/metadefs/namespace",
    }


def show_whole(namespace: MetadefNamespace, resource_type: str | None) -> dict[str, Any]:
    """The namespace with what is in it; names of properties have the prefix of the type."""
    associations = list(namespace.resource_types.select_related("resource_type").order_by("pk"))
    prefixes = (one.prefix for one in associations if one.resource_type.name == resource_type)
    prefix = next(prefixes, None) or ""
    contents = {
        "resource_type_associations": [show_association(one) for one in associations],
        "objects": [
            _prefixed(show_object(namespace, one), prefix)
            for one in namespace.grouped.order_by("pk")
        ],
        "properties": {
            prefix + one.name: one.definition for one in namespace.properties.order_by("pk")
        },
        "tags": [{"name": one.name} for one in namespace.tags.order_by("pk")],
    }
    return show_namespace(namespace) | {key: value for key, value in contents.items() if value}


def _prefixed(shown: dict[str, Any], prefix: str) -> dict[str, Any]:
    if prefix and "properties" in shown:
        shown["properties"] = {prefix + key: item for key, item in shown["properties"].items()}
    if prefix and "required" in shown:
        shown["required"] = [prefix + name for name in shown["required"]]
    return shown


def show_property(row: MetadefProperty) -> dict[str, Any]:
    return {**row.definition, "name": row.name}


def show_changed_object(namespace: MetadefNamespace, row: MetadefObject) -> dict[str, Any]:
    """As ``show_object``, without a list of required properties that is empty."""
    shown = show_object(namespace, row)
    return {key: value for key, value in shown.items() if key != "required" or value}


def show_object(namespace: MetadefNamespace, row: MetadefObject) -> dict[str, Any]:
    return {
        "name": row.name,
        **only_given(description=row.description),
        "required": row.required,
        **({"properties": row.properties} if row.properties else {}),
        **_times(row),
        "self": f"{NAMESPACES}/{namespace.namespace}/objects/{row.name}",
        "schema": "/v2/schemas/metadefs/object",
    }


def show_tag(row: MetadefTag) -> dict[str, Any]:
    return {"name": row.name, **_times(row)}


def show_resource_type(row: ResourceType) -> dict[str, Any]:
    return {"name": row.name, **_times(row)}


def show_association(row: ResourceTypeAssociation) -> dict[str, Any]:
    return {
        "name": row.resource_type.name,
        **only_given(prefix=row.prefix, properties_target=row.properties_target),
        **_times(row),
    }


def _times(row: Any) -> dict[str, str]:
    return {"created_at": iso(row.created_at), "updated_at": iso(row.updated_at)}
