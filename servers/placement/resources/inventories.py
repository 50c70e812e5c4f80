"""The inventories of resource providers."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Collection, Iterable, Mapping

from django.db import transaction

from servers.models import Inventory, ResourceProvider
from servers.models.provider import LARGEST
from servers.placement.resources.errors import (
    ConcurrentUpdate,
    InventoryInUse,
    InventoryMissing,
    NoSuchInventory,
    NoSuchResourceClass,
    OneInventoryInUse,
    UnknownResourceClass,
)
from servers.placement.resources.inventory_rows import put_inventories, remove_inventories
from servers.placement.resources.names import check_classes
from servers.placement.resources.providers import (
    advance,
    check_generation,
    find_provider,
    lock_provider,
)

GENERATION = "resource_provider_generation"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What an inventory is to have; what is left out is Placement's default."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = LARGEST
    step_size: int = 1
    allocation_ratio: float = 1.0


Stocks = Mapping[str, Stock]


@dataclasses.dataclass(frozen=True, slots=True)
class Inventories:
    """A provider with its inventories, in the order in which they were made."""

    provider: ResourceProvider
    rows: tuple[Inventory, ...]


def list_inventories(provider_id: uuid.UUID) -> Inventories:
    """Raises: NoSuchProvider."""
    return _of(find_provider(provider_id))


def _of(provider: ResourceProvider) -> Inventories:
    return Inventories(provider, tuple(provider.inventories.order_by("pk")))


def find_inventory(provider_id: uuid.UUID, name: str) -> Inventories:
    """The provider with this one inventory.

    Raises:
        NoSuchProvider, NoSuchInventory: there is none.
    """
    return _pick(list_inventories(provider_id), name)


def _pick(found: Inventories, name: str) -> Inventories:
    rows = tuple(row for row in found.rows if row.resource_class == name)
    if not rows:
        raise NoSuchInventory(f"{found.provider.name} has no inventory of {name[:255]}.")
    return Inventories(found.provider, rows)


@transaction.atomic
def add_inventory(
    provider_id: uuid.UUID, name: str, stock: Stock, *, generation: int | None
) -> Inventories:
    """Raises:
    NoSuchProvider: there is none.
    UnknownResourceClass: there is no such class.
    ConcurrentUpdate: there is an inventory of it, or the generation is not the one given.
    """
    provider = lock_provider(provider_id)
    check_classes([name], field="resource_class", keep=True)
    if generation is not None:
        check_generation(provider, generation, field=GENERATION)
    if provider.inventories.filter(resource_class=name).exists():
        raise ConcurrentUpdate(f"{provider.name} has an inventory of {name} already.")
    write_inventories(provider, {name: stock})
    advance(provider)
    return _pick(_of(provider), name)


@transaction.atomic
def update_inventory(
    provider_id: uuid.UUID, name: str, stock: Stock, *, generation: int
) -> Inventories:
    """Raises:
    NoSuchProvider, NoSuchResourceClass: there is none.
    InventoryMissing: the provider has no inventory of it.
    ConcurrentUpdate: the generation is not the one given.
    """
    provider = lock_provider(provider_id)
    check_generation(provider, generation, field=GENERATION)
    _check_in_url(name)
    if not provider.inventories.filter(resource_class=name).exists():
        raise InventoryMissing(f"{provider.name} has no inventory of {name}.")
    write_inventories(provider, {name: stock})
    advance(provider)
    return _pick(_of(provider), name)


@transaction.atomic
def replace_inventories(provider_id: uuid.UUID, stocks: Stocks, *, generation: int) -> Inventories:
    """Let the provider have these inventories and no others.

    Raises:
        NoSuchProvider: there is none.
        UnknownResourceClass: there is no such class.
        ConcurrentUpdate: the generation is not the one given.
        InventoryInUse: consumers hold something of one that would go.
    """
    provider = lock_provider(provider_id)
    check_generation(provider, generation, field=GENERATION)
    check_classes(stocks, field="inventories", keep=True)
    write_inventories(provider, stocks)
    drop_inventories(provider, but=stocks)
    advance(provider)
    return _of(provider)


@transaction.atomic
def delete_inventory(provider_id: uuid.UUID, name: str) -> None:
    """Raises:
    NoSuchProvider, NoSuchResourceClass, NoSuchInventory: there is none.
    OneInventoryInUse: consumers hold something of it.
    """
    provider = lock_provider(provider_id)
    _check_in_url(name)
    rows = _pick(_of(provider), name).rows
    remove_inventories(rows, lambda held: OneInventoryInUse(_tell(provider, held)))
    advance(provider)


@transaction.atomic
def delete_inventories(provider_id: uuid.UUID) -> None:
    """Raises:
    NoSuchProvider: there is none.
    InventoryInUse: consumers hold something of one.
    """
    provider = lock_provider(provider_id)
    drop_inventories(provider, but=())
    advance(provider)


def _check_in_url(name: str) -> None:
    try:
        check_classes([name])
    except UnknownResourceClass as error:
        raise NoSuchResourceClass(error.detail) from None


def write_inventories(provider: ResourceProvider, stocks: Stocks) -> None:
    """Make or change inventories of a provider whose tree is locked; what is held stays."""
    put_inventories(
        {(provider.pk, name): dataclasses.asdict(stock) for name, stock in stocks.items()}
    )


def drop_inventories(provider: ResourceProvider, *, but: Collection[str]) -> None:
    """Remove the inventories of a provider whose tree is locked, but those of some classes.

    Raises:
        InventoryInUse: consumers hold something of one.
    """
    gone = list(provider.inventories.exclude(resource_class__in=list(but)))
    remove_inventories(gone, lambda held: InventoryInUse(_tell(provider, held)))


def _tell(provider: ResourceProvider, held: Iterable[Inventory]) -> str:
    names = ", ".join(sorted(row.resource_class for row in held))
    return f"Consumers hold {names} of the provider {provider.name}."
