"""Writes inventories and traits of resource providers as they are described.

The trees of the providers are locked by the caller: what is held of an inventory does not change
while it is compared with what shall be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import timezone
from os_resource_classes import STANDARDS
from os_traits import get_traits

from servers.hosts.description import ProviderDescription
from servers.hosts.errors import InventoryInUse
from servers.models import (
    Inventory,
    ProviderTrait,
    ResourceClass,
    ResourceProvider,
    Trait,
)

AMOUNTS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
Providers = Mapping[str, ResourceProvider]
"""By name, each with its root."""


def name_custom(parts: Iterable[ProviderDescription]) -> None:
    """Make the custom resource classes and traits that are named."""
    listed = list(parts)
    classes = {name for part in listed for name in part.stocks} - set(STANDARDS)
    traits = {name for part in listed for name in part.traits} - set(get_traits())
    if classes:
        ResourceClass.objects.bulk_create(
            [ResourceClass(name=name) for name in sorted(classes)], ignore_conflicts=True
        )
    if traits:
        Trait.objects.bulk_create(
            [Trait(name=name) for name in sorted(traits)], ignore_conflicts=True
        )


def write_inventories(parts: Sequence[ProviderDescription], providers: Providers) -> set[int]:
    """The keys of the providers that have changed.

    Raises:
        InventoryInUse: servers hold more than would be left.
    """
    keys = {providers[part.name].pk: part for part in parts}
    known = {
        (row.provider_id, row.resource_class): row
        for row in Inventory.objects.filter(provider__in=keys)
    }
    wanted = {
        (key, name): stock.columns(name, known.get((key, name)))
        for key, part in keys.items()
        for name, stock in part.stocks.items()
        if stock.exists_as(name)
    }
    new = [
        Inventory(provider_id=key, resource_class=name, **columns)
        for (key, name), columns in wanted.items()
        if (key, name) not in known
    ]
    other = [row for place, row in known.items() if place in wanted and _differs(row, wanted)]
    gone = [
        row
        for (key, name), row in known.items()
        if (key, name) not in wanted and (keys[key].all_stocks or name in keys[key].stocks)
    ]
    _check_unused(gone, providers)
    _check_enough(other, wanted, providers)
    for row in other:
        _set(row, wanted[row.provider_id, row.resource_class])
    Inventory.objects.filter(pk__in=[row.pk for row in gone]).delete()
    Inventory.objects.bulk_update(other, [*AMOUNTS, "updated_at"], batch_size=1000)
    Inventory.objects.bulk_create(new, batch_size=5000)
    return {row.provider_id for row in (*new, *other, *gone)}


Columns = Mapping[tuple[int, str], Mapping[str, Any]]
"""By provider and resource class."""


def _differs(row: Inventory, wanted: Columns) -> bool:
    columns = wanted[row.provider_id, row.resource_class]
    return any(getattr(row, name) != columns[name] for name in AMOUNTS)


def _set(row: Inventory, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()


def _check_unused(gone: Iterable[Inventory], providers: Providers) -> None:
    for row in gone:
        if row.used:
            raise _in_use(row, "which shall have none any more", providers)


def _check_enough(rows: Iterable[Inventory], wanted: Columns, providers: Providers) -> None:
    """A smaller total and a larger reserve leave what servers hold. A smaller ratio alone takes
    nothing away: the provider gives nothing more until it fits again.
    """
    for row in rows:
        columns = wanted[row.provider_id, row.resource_class]
        amount = columns["total"] - columns["reserved"]
        left = math.floor(amount * columns["allocation_ratio"])
        if amount < row.total - row.reserved and left < row.used:
            raise _in_use(row, f"which shall give {max(0, left)} at most", providers)


def _in_use(row: Inventory, shall: str, providers: Providers) -> InventoryInUse:
    by_key = {provider.pk: provider for provider in providers.values()}
    provider = by_key[row.provider_id]
    return InventoryInUse(
        f"Servers hold {row.used} {row.resource_class} of {provider.name}, {shall}.",
        host=provider.root.name,
        field="inventories",
    )


def write_traits(parts: Sequence[ProviderDescription], providers: Providers) -> set[int]:
    """The keys of the providers that have changed."""
    keys = {providers[part.name].pk: part for part in parts}
    known = {
        (row.provider_id, row.trait): row.pk
        for row in ProviderTrait.objects.filter(provider__in=keys)
    }
    wanted = {(key, trait) for key, part in keys.items() for trait in part.traits}
    gone = {place for place in known if keys[place[0]].all_traits and place not in wanted}
    new = sorted(wanted - known.keys())
    ProviderTrait.objects.filter(pk__in=[known[place] for place in gone]).delete()
    ProviderTrait.objects.bulk_create(
        [ProviderTrait(provider_id=key, trait=trait) for key, trait in new], batch_size=5000
    )
    return {key for key, _ in (*new, *gone)}
