"""Changes of definitions of metadata. The rules are Glance's."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

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


def _of_object(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": asked["name"],
        "description": asked.get("description"),
        "required": asked.get("required") or [],
        "properties": asked.get("properties") or {},
    }


def _of_property(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The definition has only what was given."""
    given = {key: value for key, value in asked.items() if key != "name" and value is not None}
    return {"name": asked["name"], "definition": given}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[Part]):
    """A kind of what is in a namespace: its rows, the columns that a request means, and the rules
    to make, change and delete one, and to delete all.
    """

    model: type[Part]
    columns: Callable[[Mapping[str, Any]], dict[str, Any]]
    add: str
    modify: str
    delete: str
    empty: Sequence[str] = (policies.DELETE_NAMESPACE,)

    def of(self, namespace: MetadefNamespace) -> QuerySet[Part]:
        rows: Any = self.model._default_manager  # noqa: SLF001 - documented
        found: QuerySet[Part] = rows.filter(namespace=namespace)
        return found


OBJECTS = Kind(
    model=MetadefObject,
    columns=_of_object,
    add=policies.ADD_METADEF_OBJECT,
    modify=policies.MODIFY_METADEF_OBJECT,
    delete=policies.DELETE_METADEF_OBJECT,
)
PROPERTIES = Kind(
    model=MetadefProperty,
    columns=_of_property,
    add=policies.ADD_METADEF_PROPERTY,
    modify=policies.MODIFY_METADEF_PROPERTY,
    delete=policies.REMOVE_METADEF_PROPERTY,
)
TAGS = Kind(
    model=MetadefTag,
    columns=dict,
    add=policies.ADD_METADEF_TAG,
    modify=policies.MODIFY_METADEF_TAG,
    delete=policies.DELETE_METADEF_TAG,
    empty=(policies.DELETE_NAMESPACE, policies.DELETE_METADEF_TAGS),
)
CONTENT_RULES = {
    "resource_type_associations": policies.ADD_RESOURCE_TYPE,
    "objects": OBJECTS.add,
    "properties": PROPERTIES.add,
    "tags": TAGS.add,
}
RELATED = {
    "resource_type_associations": "resource_types",
    "objects": "grouped",
    "properties": "properties",
    "tags": "tags",
}
"""What is in a namespace → the relation of its rows."""


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
    for key in CONTENT_RULES:
        _fill(namespace, key, values[key])
    return namespace


@transaction.atomic
def refill(namespace: MetadefNamespace, key: str, content: Any) -> None:
    """Let the namespace have this content of the kind, and no other; an equal one stays as it is.

    Raises:
        MetadefTwice: it names something twice.
    """
    if _in_order(content) != _in_order(contents_of(namespace)[key]):
        getattr(namespace, RELATED[key]).all().delete()
        _fill(namespace, key, content)


def _fill(namespace: MetadefNamespace, key: str, content: Any) -> None:
    """Raises: MetadefTwice: there is one of the name."""
    if key == "resource_type_associations":
        for asked in content:
            _associate(namespace, asked)
    elif key == "objects":
        _make(namespace, OBJECTS, [_of_object(asked) for asked in content])
    elif key == "properties":
        found = [{"name": name, "definition": one} for name, one in content.items()]
        _make(namespace, PROPERTIES, found)
    else:
        _make(namespace, TAGS, content)


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
        if _in_order(values[key]) != _in_order(contents[key]):
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
def empty_namespace(caller: Caller, namespace: MetadefNamespace, kind: Kind[Any]) -> None:
    """Delete all of a kind. Raises: MetadefProtected: 403."""
    for rule in kind.empty:
        permit_on(caller, rule, namespace.owner)
    _check_unprotected(namespace)
    kind.of(namespace).delete()


def find_part(parts: QuerySet[Part], name: str) -> Part:
    """Raises: NotFound: there is none of the name."""
    part = parts.filter(name=name).first()
    if part is None:
        noun = parts.model._meta.verbose_name  # noqa: SLF001 - documented
        raise NotFound(f"The namespace has no {noun} {name[:80]}.")
    return part


@transaction.atomic
def create_part(
    caller: Caller, namespace: MetadefNamespace, kind: Kind[Part], values: Mapping[str, Any]
) -> Part:
    """Raises: MetadefTwice: 409."""
    permit_on(caller, kind.add, namespace.owner)
    return _make(namespace, kind, [kind.columns(values)])[0]


@transaction.atomic
def create_tags(
    caller: Caller, namespace: MetadefNamespace, tags: Sequence[Mapping[str, Any]], *, appends: bool
) -> None:
    """Make these tags, beside those that are there or in their place. None changes nothing.

    Raises:
        MetadefTwice: 409.
    """
    permit_on(caller, policies.ADD_METADEF_TAGS, namespace.owner)
    if tags and not appends:
        namespace.tags.all().delete()
    _make(namespace, TAGS, tags)


@transaction.atomic
def change_part(
    caller: Caller,
    namespace: MetadefNamespace,
    kind: Kind[Part],
    name: str,
    values: Mapping[str, Any],
) -> Part:
    """Raises: NotFound, MetadefTwice."""
    permit_on(caller, kind.modify, namespace.owner)
    part = find_part(kind.of(namespace).select_for_update(), name)
    columns = kind.columns(values)
    if columns["name"] != name:
        _check_names(namespace, kind, [columns["name"]])
    for key, value in columns.items():
        setattr(part, key, value)
    part.save()
    return part


@transaction.atomic
def delete_part(caller: Caller, namespace: MetadefNamespace, kind: Kind[Any], name: str) -> None:
    """Raises: NotFound; MetadefProtected: 403."""
    permit_on(caller, kind.delete, namespace.owner)
    part = find_part(kind.of(namespace), name)
    _check_unprotected(namespace)
    part.delete()


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
            | only_given(prefix=one.prefix, properties_target=one.properties_target)
            for one in associations
        ],
        "objects": [
            {"name": one.name}
            | only_given(description=one.description)
            | {key: value for key in ("required", "properties") if (value := getattr(one, key))}
            for one in namespace.grouped.order_by("pk")
        ],
        "properties": {one.name: one.definition for one in namespace.properties.order_by("pk")},
        "tags": [{"name": one.name} for one in namespace.tags.order_by("pk")],
    }


def _in_order(content: Any) -> Any:
    """A content to compare: the order of a list, and what is empty, count for nothing."""
    if isinstance(content, Mapping):
        return content
    kept = [{key: value for key, value in one.items() if value} for one in content]
    return sorted(kept, key=lambda one: str(one["name"]))


def only_given(**values: Any) -> dict[str, Any]:
    """Without what is null: requests and answers leave that out."""
    return {key: value for key, value in values.items() if value is not None}


def _make(
    namespace: MetadefNamespace, kind: Kind[Part], asked: Sequence[Mapping[str, Any]]
) -> list[Part]:
    """New parts of the namespace, with these columns."""
    _check_names(namespace, kind, [one["name"] for one in asked])
    return kind.of(namespace).bulk_create(
        [kind.model(namespace=namespace, **columns) for columns in asked]
    )


def _check_names(namespace: MetadefNamespace, kind: Kind[Any], names: Sequence[str]) -> None:
    """The namespace gets no others of these names before the end of the transaction.

    Raises:
        MetadefTwice: it has one of them, or gets two.
    """
    MetadefNamespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    twice = set(kind.of(namespace).filter(name__in=names).values_list("name", flat=True))
    twice |= {name for name, count in Counter(names).items() if count > 1}
    if twice:
        raise MetadefTwice(
            f"The namespace {namespace.namespace} has {', '.join(sorted(twice))[:255]} already."
        )


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
