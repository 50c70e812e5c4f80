"""The names of resource classes and traits: those that every cloud has, and those of this one."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable

import os_traits
from django.db import connection, transaction
from os_resource_classes import STANDARDS

from servers.models import (
    Allocation,
    Inventory,
    ProviderTrait,
    ResourceClass,
    ResourceProvider,
    Trait,
)
from servers.placement.resources.errors import (
    NameInUse,
    NoSuchResourceClass,
    NoSuchTrait,
    ResourceClassExists,
    StandardName,
    UnknownResourceClass,
    UnknownTrait,
)

STANDARD_CLASSES = frozenset(STANDARDS)
STANDARD_TRAITS = frozenset(os_traits.get_traits())
CUSTOM = re.compile(r"CUSTOM_[A-Z0-9_]+", re.ASCII)
LONGEST = 255


def is_custom(name: str) -> bool:
    """Can an operator make a resource class or a trait of this name?"""
    return len(name) <= LONGEST and CUSTOM.fullmatch(name) is not None


def check_classes(names: Collection[str], *, field: str | None = None, keep: bool = False) -> None:
    """Check that these resource classes exist; with ``keep`` they do until the transaction ends.

    Raises:
        UnknownResourceClass: one does not.
    """
    custom = sorted(set(names) - STANDARD_CLASSES)
    if not custom:
        return
    rows = ResourceClass.objects.filter(name__in=custom).order_by("name")
    if keep:
        rows = rows.select_for_update(no_key=True)
    missing = set(custom) - set(rows.values_list("name", flat=True))
    if missing:
        raise UnknownResourceClass(
            f"Unknown resource class: {min(missing)[:LONGEST]}.", field=field
        )


def check_traits(names: Collection[str], *, field: str | None = None, keep: bool = False) -> None:
    """Check that these traits exist; with ``keep`` they do until the transaction ends.

    Raises:
        UnknownTrait: one does not.
    """
    custom = sorted(set(names) - STANDARD_TRAITS)
    if not custom:
        return
    rows = Trait.objects.filter(name__in=custom).order_by("name")
    if keep:
        rows = rows.select_for_update(no_key=True)
    missing = set(custom) - set(rows.values_list("name", flat=True))
    if missing:
        raise UnknownTrait(f"No such trait: {min(missing)[:LONGEST]}.", field=field)


# Resource classes


def list_classes() -> list[tuple[str, dt.datetime | None]]:
    """Name and time of the last change of all resource classes, those of every cloud first."""
    own = ResourceClass.objects.order_by("pk")
    return [(name, None) for name in STANDARDS] + [
        (row.name, row.updated_at or row.created_at) for row in own
    ]


def find_class(name: str) -> tuple[str, dt.datetime | None]:
    """Raises: NoSuchResourceClass."""
    if name in STANDARD_CLASSES:
        return name, None
    row = ResourceClass.objects.filter(name=name).first() if is_custom(name) else None
    if row is None:
        raise NoSuchResourceClass(f"No such resource class: {name[:LONGEST]}.")
    return row.name, row.updated_at or row.created_at


def create_class(name: str) -> None:
    """Raises: ResourceClassExists."""
    if not ensure_class(name):
        raise ResourceClassExists(f"There is a resource class {name} already.", field="name")


def ensure_class(name: str) -> bool:
    """Make a custom resource class unless it exists; was it made?"""
    _, made = ResourceClass.objects.get_or_create(name=name)
    return made


@transaction.atomic
def rename_class(old: str, new: str) -> None:
    """Give a custom resource class another name, wherever it is used.

    Raises:
        NoSuchResourceClass: there is none.
        StandardName: every cloud has it.
        ResourceClassExists: another has the new name.
    """
    find_class(old)
    if old in STANDARD_CLASSES:
        raise StandardName(f"Every cloud has the resource class {old}; it cannot be changed.")
    if new != old and ResourceClass.objects.filter(name=new).exists():
        raise ResourceClassExists(f"There is a resource class {new} already.", field="name")
    users = Inventory.objects.filter(resource_class=old)
    ResourceProvider.objects.lock_trees(users.values_list("provider", flat=True))
    ResourceClass.objects.filter(name=old).update(name=new)
    users.update(resource_class=new)
    Allocation.objects.filter(resource_class=old).update(resource_class=new)


@transaction.atomic
def delete_class(name: str) -> None:
    """Remove a custom resource class.

    Raises:
        NoSuchResourceClass: there is none.
        StandardName: every cloud has it.
        NameInUse: a provider has an inventory of it.
    """
    find_class(name)
    if name in STANDARD_CLASSES:
        raise StandardName(f"Every cloud has the resource class {name}; it cannot be deleted.")
    row = ResourceClass.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NoSuchResourceClass(f"No such resource class: {name}.")
    if Inventory.objects.filter(resource_class=name).exists():
        raise NameInUse(f"There are inventories of the resource class {name}; delete them first.")
    row.delete()


# Traits

ListedTrait = tuple[str, dt.datetime | None]
"""The name, and when it was made; ``None`` where every cloud has it."""


def list_traits(
    *,
    names: Collection[str] | None = None,
    prefix: str | None = None,
    associated: bool | None = None,
) -> list[ListedTrait]:
    """Traits of these names, with this prefix, or that some provider has (or none has)."""
    own = {row.name: row.created_at for row in Trait.objects.order_by("pk")}
    known = [*sorted(STANDARD_TRAITS), *own]
    if names is not None:
        known = [name for name in known if name in names]
    if prefix is not None:
        known = [name for name in known if name.startswith(prefix)]
    if associated is not None:
        used = _used_among(known)
        known = [name for name in known if (name in used) == associated]
    return [(name, own.get(name)) for name in known]


# Asks for each name alone, because a provider table of a large cloud has many rows for few names.
USED_TRAITS = """
    SELECT name FROM unnest(%s::text[]) AS name
    WHERE EXISTS (SELECT FROM servers_providertrait AS held WHERE held.trait = name)
"""


def _used_among(names: Iterable[str]) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(USED_TRAITS, [list(names)])
        return {name for (name,) in cursor.fetchall()}


def find_trait(name: str) -> ListedTrait:
    """Raises: NoSuchTrait."""
    if name in STANDARD_TRAITS:
        return name, None
    row = Trait.objects.filter(name=name).first() if is_custom(name) else None
    if row is None:
        raise NoSuchTrait(f"No such trait: {name[:LONGEST]}.")
    return row.name, row.created_at


def ensure_trait(name: str) -> tuple[bool, dt.datetime]:
    """Make a custom trait unless it exists; was it made, and when?"""
    row, made = Trait.objects.get_or_create(name=name)
    return made, row.created_at


@transaction.atomic
def delete_trait(name: str) -> None:
    """Remove a custom trait.

    Raises:
        NoSuchTrait: there is none.
        StandardName: every cloud has it.
        NameInUse: a provider has it.
    """
    find_trait(name)
    if name in STANDARD_TRAITS:
        raise StandardName(f"Every cloud has the trait {name}; it cannot be deleted.")
    row = Trait.objects.select_for_update().filter(name=name).first()
    if row is None:
        raise NoSuchTrait(f"There is no trait {name}.")
    if ProviderTrait.objects.filter(trait=name).exists():
        raise NameInUse(f"There are providers with the trait {name}; take it from them first.")
    row.delete()
