"""Changes of definitions of metadata. The rules are Glance's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.faults import BadRequest, Conflict, Forbidden, NotFound
from compute_site.neighbours.image import metadef_shapes as shapes
from compute_site.neighbours.image import policies
from compute_site.neighbours.image.models import (
    MetadefNamespace,
    MetadefObject,
    MetadefPart,
    MetadefProperty,
    MetadefTag,
    ResourceType,
    ResourceTypeAssociation,
)
from compute_site.neighbours.ownership import permit_on

Part = TypeVar("Part", bound=MetadefPart)
PARTS = {"objects": "grouped", "properties": "properties", "tags": "tags"}
"""What is in a namespace, by its URL, and the name of the rows."""
CONTENT_RULES = {
    "resource_type_associations": policies.ADD_RESOURCE_TYPE,
    "objects": policies.ADD_METADEF_OBJECT,
    "properties": policies.ADD_METADEF_PROPERTY,
    "tags": policies.ADD_METADEF_TAG,
}


class MetadefTwice(Conflict):
    """There is one of this name already."""

    code = "metadef_twice"


class MetadefProtected(Forbidden):
    """The namespace is protected against its deletion, with all that is in it."""

    code = "metadef_protected"


@transaction.atomic
def create_namespace(caller: Caller, values: Mapping[str, Any]) -> MetadefNamespace:
    """Make a namespace, with what is in it.

    Raises:
        MetadefTwice: there is one of the name, or two of its parts have the same one.
    """
    owner = values["owner"] or caller.project_id
    permit_on(caller, policies.ADD_NAMESPACE, owner)
    for key, rule in CONTENT_RULES.items():
        if values[key]:
            permit_on(caller, rule, owner)
    _check_free(values["namespace"])
    own = {key: values[key] for key in shapes.NAMESPACE} | {"owner": owner}
    namespace = MetadefNamespace.objects.create(**own)
    for asked in values["resource_type_associations"]:
        _associate(namespace, asked)
    _make(namespace, MetadefObject, [_of_object(asked) for asked in values["objects"]])
    _make(
        *(namespace, MetadefProperty),
        [{"name": name, "definition": found} for name, found in values["properties"].items()],
    )
    _make(namespace, MetadefTag, values["tags"])
    return namespace


@transaction.atomic
def change_namespace(
    caller: Caller, namespace: MetadefNamespace, values: Mapping[str, Any], given: frozenset[str]
) -> MetadefNamespace:
    """Give the namespace these values; what is missing gets that of a new one.

    Raises:
        MetadefTwice: another one has the name.
        BadRequest: it asks for another content; that has URLs of its own.
    """
    owner = values["owner"] or caller.project_id
    for project_id in {namespace.owner, owner}:
        permit_on(caller, policies.MODIFY_NAMESPACE, project_id)
    contents = contents_of(namespace)
    for key in sorted(given & contents.keys()):
        if in_order(values[key]) != in_order(contents[key]):
            raise BadRequest(
                f"What a namespace has of {key} is changed below its URL; leave the key out.",
                field=key,
            )
    if values["namespace"] != namespace.namespace:
        _check_free(values["namespace"])
    for key in shapes.NAMESPACE:
        setattr(namespace, key, values[key])
    namespace.owner = owner
    namespace.save()
    return namespace


@transaction.atomic
def delete_namespace(caller: Caller, namespace: MetadefNamespace) -> None:
    """Raises: MetadefProtected: 403."""
    permit_on(caller, policies.DELETE_NAMESPACE, namespace.owner)
    _check_unprotected(namespace)
    namespace.delete()


@transaction.atomic
def empty_namespace(caller: Caller, namespace: MetadefNamespace, kind: str) -> None:
    """Delete all parts of a kind of ``PARTS``.

    Raises:
        MetadefProtected: 403.
    """
    permit_on(caller, policies.DELETE_NAMESPACE, namespace.owner)
    if kind == "tags":
        permit_on(caller, policies.DELETE_METADEF_TAGS, namespace.owner)
    _check_unprotected(namespace)
    getattr(namespace, PARTS[kind]).all().delete()


def find_part(parts: QuerySet[Part], name: str) -> Part:
    """Raises: NotFound: there is none of the name."""
    part = parts.filter(name=name).first()
    if part is None:
        noun = parts.model._meta.verbose_name  # noqa: SLF001 - documented
        raise NotFound(f"The namespace has no {noun} {name[:80]}.")
    return part


@transaction.atomic
def create_property(
    caller: Caller, namespace: MetadefNamespace, values: Mapping[str, Any]
) -> MetadefProperty:
    """``values`` have only what was given. Raises: MetadefTwice: 409."""
    permit_on(caller, policies.ADD_METADEF_PROPERTY, namespace.owner)
    return _make(namespace, MetadefProperty, [_of_property(values)])[0]


@transaction.atomic
def change_property(
    caller: Caller, namespace: MetadefNamespace, name: str, values: Mapping[str, Any]
) -> MetadefProperty:
    """Raises: NotFound, MetadefTwice."""
    permit_on(caller, policies.MODIFY_METADEF_PROPERTY, namespace.owner)
    found: MetadefProperty = find_part(namespace.properties.select_for_update(), name)
    return _change(found, _of_property(values))


@transaction.atomic
def create_object(
    caller: Caller, namespace: MetadefNamespace, values: Mapping[str, Any]
) -> MetadefObject:
    """Raises: MetadefTwice: 409."""
    permit_on(caller, policies.ADD_METADEF_OBJECT, namespace.owner)
    return _make(namespace, MetadefObject, [_of_object(values)])[0]


@transaction.atomic
def change_object(
    caller: Caller, namespace: MetadefNamespace, name: str, values: Mapping[str, Any]
) -> MetadefObject:
    """Raises: NotFound, MetadefTwice."""
    permit_on(caller, policies.MODIFY_METADEF_OBJECT, namespace.owner)
    found: MetadefObject = find_part(namespace.grouped.select_for_update(), name)
    return _change(found, _of_object(values))


@transaction.atomic
def create_tag(caller: Caller, namespace: MetadefNamespace, name: str) -> MetadefTag:
    """Raises: MetadefTwice: 409."""
    permit_on(caller, policies.ADD_METADEF_TAG, namespace.owner)
    return _make(namespace, MetadefTag, [{"name": name}])[0]


@transaction.atomic
def create_tags(
    caller: Caller, namespace: MetadefNamespace, names: Sequence[str], *, appends: bool
) -> None:
    """Make these tags, beside those that are there or in their place. None changes nothing.

    Raises:
        MetadefTwice: 409.
    """
    permit_on(caller, policies.ADD_METADEF_TAGS, namespace.owner)
    if names and not appends:
        namespace.tags.all().delete()
    _make(namespace, MetadefTag, [{"name": name} for name in names])


@transaction.atomic
def change_tag(
    caller: Caller, namespace: MetadefNamespace, name: str, values: Mapping[str, Any]
) -> MetadefTag:
    """Raises: NotFound, MetadefTwice."""
    permit_on(caller, policies.MODIFY_METADEF_TAG, namespace.owner)
    found: MetadefTag = find_part(namespace.tags.select_for_update(), name)
    return _change(found, values)


DELETE_RULES = {
    "objects": policies.DELETE_METADEF_OBJECT,
    "properties": policies.REMOVE_METADEF_PROPERTY,
    "tags": policies.DELETE_METADEF_TAG,
}


@transaction.atomic
def delete_part(caller: Caller, namespace: MetadefNamespace, kind: str, name: str) -> None:
    """Raises: NotFound; MetadefProtected: 403."""
    permit_on(caller, DELETE_RULES[kind], namespace.owner)
    found: MetadefPart = find_part(getattr(namespace, PARTS[kind]), name)
    _check_unprotected(namespace)
    found.delete()


@transaction.atomic
def associate(
    caller: Caller, namespace: MetadefNamespace, values: Mapping[str, Any]
) -> ResourceTypeAssociation:
    """Say that the namespace is for a type of things. Raises: MetadefTwice: 409."""
    permit_on(caller, policies.ADD_RESOURCE_TYPE, namespace.owner)
    return _associate(namespace, values)


@transaction.atomic
def dissociate(caller: Caller, namespace: MetadefNamespace, name: str) -> None:
    """Raises: NotFound; MetadefProtected: 403."""
    permit_on(caller, policies.REMOVE_RESOURCE_TYPE, namespace.owner)
    found = find_association(namespace, name)
    _check_unprotected(namespace)
    found.delete()


def find_association(namespace: MetadefNamespace, name: str) -> ResourceTypeAssociation:
    """Raises: NotFound: the namespace is not for this type of things."""
    rows = namespace.resource_types.select_related("resource_type")
    found = rows.filter(resource_type__name=name).first()
    if found is None:
        raise NotFound(f"The namespace is not for the resource type {name[:80]}.")
    return found


def contents_of(namespace: MetadefNamespace) -> dict[str, Any]:
    """What is in the namespace, as a request for a new one would have it."""
    associations = namespace.resource_types.select_related("resource_type").order_by("pk")
    return {
        "resource_type_associations": [
            {"name": one.resource_type.name}
            | _given(prefix=one.prefix, properties_target=one.properties_target)
            for one in associations
        ],
        "objects": [
            {"name": one.name}
            | _given(description=one.description)
            | {key: value for key in ("required", "properties") if (value := getattr(one, key))}
            for one in namespace.grouped.order_by("pk")
        ],
        "properties": {one.name: one.definition for one in namespace.properties.order_by("pk")},
        "tags": [{"name": one.name} for one in namespace.tags.order_by("pk")],
    }


def in_order(content: Any) -> Any:
    """A content to compare: the order of a list, and what is empty, count for nothing."""
    if isinstance(content, Mapping):
        return content
    kept = [{key: value for key, value in one.items() if value} for one in content]
    return sorted(kept, key=lambda one: str(one["name"]))


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _of_object(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": asked["name"],
        "description": asked.get("description"),
        "required": asked.get("required") or [],
        "properties": asked.get("properties") or {},
    }


def _of_property(asked: Mapping[str, Any]) -> dict[str, Any]:
    definition = {key: value for key, value in asked.items() if key != "name"}
    return {"name": asked["name"], "definition": definition}


def _make(
    namespace: MetadefNamespace, kind: type[Part], asked: Sequence[Mapping[str, Any]]
) -> list[Part]:
    """New parts of the namespace."""
    MetadefNamespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    rows: Any = kind._default_manager.filter(namespace=namespace)  # noqa: SLF001 - documented
    names = [one["name"] for one in asked]
    twice = set(rows.filter(name__in=names).values_list("name", flat=True))
    twice |= {name for name, count in Counter(names).items() if count > 1}
    if twice:
        raise MetadefTwice(
            f"The namespace {namespace.namespace} has {', '.join(sorted(twice))[:255]} already."
        )
    made: list[Part] = rows.bulk_create([kind(namespace=namespace, **one) for one in asked])
    return made


def _change(part: Part, values: Mapping[str, Any]) -> Part:
    rows: Any = type(part)._default_manager  # noqa: SLF001 - documented
    others = rows.filter(namespace__in=rows.filter(pk=part.pk).values("namespace"))
    others = others.filter(name=values["name"])
    if others.exclude(pk=part.pk).exists():
        raise MetadefTwice(f"The namespace has {values['name']} already.")
    for key, value in values.items():
        setattr(part, key, value)
    part.save()
    return part


def _associate(namespace: MetadefNamespace, asked: Mapping[str, Any]) -> ResourceTypeAssociation:
    kind, _ = ResourceType.objects.get_or_create(name=asked["name"])
    made, is_new = ResourceTypeAssociation.objects.get_or_create(
        namespace=namespace,
        resource_type=kind,
        defaults={key: asked.get(key) for key in ("prefix", "properties_target")},
    )
    if not is_new:
        raise MetadefTwice(f"The namespace is for the resource type {asked['name']} already.")
    return made


def _check_free(name: str) -> None:
    if MetadefNamespace.objects.filter(namespace=name).exists():
        raise MetadefTwice(f"There is a namespace {name} already.", field="namespace")


def _check_unprotected(namespace: MetadefNamespace) -> None:
    if namespace.protected:
        raise MetadefProtected(f"The namespace {namespace.namespace} is protected.")
