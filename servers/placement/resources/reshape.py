"""Moves inventories from one provider to another together with what is held of them, at once."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence

from django.db import transaction

from servers.models import ResourceProvider
from servers.placement.resources.allocations import AllocationChange, ConsumerOrder
from servers.placement.resources.errors import UnknownReshapedProvider
from servers.placement.resources.inventories import (
    GENERATION,
    Stocks,
    drop_inventories,
    write_inventories,
)
from servers.placement.resources.names import check_classes
from servers.placement.resources.providers import advance, check_generation


@dataclasses.dataclass(frozen=True, slots=True)
class NewInventories:
    """What a provider shall have instead of all that it has."""

    generation: int
    stocks: Stocks


@transaction.atomic
def reshape(
    inventories: Mapping[uuid.UUID, NewInventories], orders: Sequence[ConsumerOrder]
) -> None:
    """Give providers other inventories, and let consumers hold something else, all or nothing.

    Raises:
        UnknownReshapedProvider, UnknownProvider, UnknownResourceClass: there is none.
        ConcurrentUpdate: a provider or a consumer has not the generation that was given.
        CannotAllocate: a provider does not give an amount then.
        InventoryInUse: something of an inventory that goes is still held.
        HeldByCompute: a server would hold something else.
    """
    found = {
        provider.uuid: provider
        for provider in ResourceProvider.objects.select_related("root").filter(uuid__in=inventories)
    }
    missing = inventories.keys() - found.keys()
    if missing:
        raise UnknownReshapedProvider(
            f"There is no resource provider {min(missing)}.", field="inventories"
        )
    change = AllocationChange(orders)
    change.lock(*found.values())
    for provider_id, new in inventories.items():
        check_generation(change.providers[provider_id], new.generation, field=GENERATION)
    names = {name for new in inventories.values() for name in new.stocks}
    check_classes(names, field="inventories", keep=True)
    _write(change, inventories)


def _write(change: AllocationChange, inventories: Mapping[uuid.UUID, NewInventories]) -> None:
    """First what comes, so that it can be held, and last what goes, when it is not held any more.
    Placement counts both as changes, where something comes.
    """
    for provider_id, new in inventories.items():
        write_inventories(change.providers[provider_id], new.stocks)
    change.check()
    change.write()
    change.count()
    for provider_id, new in inventories.items():
        provider = change.providers[provider_id]
        drop_inventories(provider, but=new.stocks)
        advance(provider, by=2 if new.stocks else 1)
