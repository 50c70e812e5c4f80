"""Makes inventories and traits of resource providers what is described.

The trees of the providers are locked by the caller: what is held of an inventory does not change
while it is compared with what shall be there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

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
from servers.placement.resources.inventory_rows import (
    AMOUNTS,
    Columns,
    find_inventories,
    put_inventories,
    remove_inventories,
)

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
    known = find_inventories(keys)
    wanted = {
        (key, name): stock.columns(name, known.get((key, name)))
        for key, part in keys.items()
        for name, stock in part.stocks.items()
        if stock.exists_as(name)
    }
    changed = {
        place: columns
        for place, columns in wanted.items()
        if place not in known or _differs(known[place], columns)
    }
    gone = {
        place: row
        for place, row in known.items()
        if place not in wanted and _describes(keys[place[0]], place[1])
    }
    by_key = {provider.pk: provider for provider in providers.values()}
    remove_inventories(
        gone.values(), lambda held: _in_use(held[0], "which shall have none any more", by_key)
    )
    for place, columns in changed.items():
        if place in known:
            _check_enough(known[place], columns, by_key)
    put_inventories(changed)
    return {key for key, _ in (*changed, *gone)}


def _describes(part: ProviderDescription, resource_class: str) -> bool:
    """Does the description say whether there is such an inventory?"""
    return part.all_stocks or resource_class in part.stocks


def _differs(row: Inventory, columns: Columns) -> bool:
    return any(getattr(row, name) != columns[name] for name in AMOUNTS)


def _check_enough(
    row: Inventory, columns: Columns, providers: Mapping[int, ResourceProvider]
) -> None:
    """A smaller total and a larger reserve leave what servers hold. A smaller ratio alone takes
    nothing away: the provider gives nothing more until it fits again.
    """
    amount = columns["total"] - columns["reserved"]
    left = math.floor(amount * columns["allocation_ratio"])
    if amount < row.total - row.reserved and left < row.used:
        raise _in_use(row, f"which shall give {max(0, left)} at most", providers)


def _in_use(
    row: Inventory, shall: str, providers: Mapping[int, ResourceProvider]
) -> InventoryInUse:
    provider = providers[row.provider_id]
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
