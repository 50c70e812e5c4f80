"""``/resource_providers/{provider_id}/inventories``: bodies and answers."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.api.microversions.answers import INTEGER, NUMBER
from compute_site.api.microversions.containers import MapOf
from compute_site.api.microversions.fields import Integer, Number, Refused
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from servers.models import Inventory
from servers.models.provider import LARGEST
from servers.placement.resources.inventories import Inventories, Stock, Stocks
from servers.placement.resources.inventory_rows import AMOUNTS
from servers.placement.resources.reshape import NewInventories
from servers.serializers.placement_api.fields import (
    CLASS_MEANS,
    CLASS_NAME,
    GENERATION,
    map_of,
    object_of,
)

ALL_RESERVED = Microversion.parse("1.26")
LARGEST_RATIO = 3.40282e38
LARGEST_CAPACITY = 2**63 - 1


@dataclasses.dataclass(frozen=True, slots=True)
class StockOrder:
    """An inventory that shall be; the generation is that of the provider."""

    stock: Stock
    generation: int | None
    resource_class: str = ""


class StockKeys(VersionedSerializer):
    """An inventory."""

    total = Integer(1, LARGEST, required=True)
    reserved = Integer(0, LARGEST, default=0)
    min_unit = Integer(1, LARGEST, default=1)
    max_unit = Integer(1, LARGEST, default=LARGEST)
    step_size = Integer(1, LARGEST, default=1)
    allocation_ratio = Number(largest=LARGEST_RATIO, default=1.0)
    generation = Integer(key=GENERATION, default=None)

    def build(self, values: dict[str, Any], version: Microversion) -> StockOrder:
        stock = Stock(**{name: values[name] for name in AMOUNTS})
        _check_capacity(stock, version)
        return StockOrder(stock, values["generation"], values.get("resource_class", ""))


def _check_capacity(stock: Stock, version: Microversion) -> None:
    ratio = stock.allocation_ratio
    if not ratio > 0:
        raise Refused("give a ratio of more than 0", code="too_small", field="allocation_ratio")
    capacity = (stock.total - stock.reserved) * ratio
    if capacity > LARGEST_CAPACITY:
        raise Refused(
            f"with this ratio more than {LARGEST_CAPACITY} would be given away",
            code="too_large",
            field="allocation_ratio",
        )
    least = 0 if version >= ALL_RESERVED else 1
    if int(capacity) < least:  # Placement: what is left is cut to a whole number
        raise Refused(
            f"{stock.reserved} of {stock.total} leave too little; until microversion 1.25 "
            "something must be left",
            code="too_large",
            field="reserved",
        )


class InventoryCreate(StockKeys):
    """``POST …/inventories``"""

    resource_class = Text(1, 255, pattern=CLASS_NAME, means=CLASS_MEANS, required=True)


class InventoryUpdate(StockKeys):
    """``PUT …/inventories/{resource_class}``"""

    generation = Integer(key=GENERATION, required=True)


class InventoriesReplace(VersionedSerializer):
    """``PUT …/inventories``"""

    generation = Integer(key=GENERATION, required=True)
    inventories = MapOf(StockKeys(), keys=CLASS_NAME, means=CLASS_MEANS, required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> NewInventories:
        orders: dict[str, StockOrder] = values["inventories"]
        stocks: Stocks = {name: order.stock for name, order in orders.items()}
        return NewInventories(values["generation"], stocks)


STOCK = object_of(**dict.fromkeys(AMOUNTS, INTEGER) | {"allocation_ratio": NUMBER})
ONE_INVENTORY = object_of(**STOCK["properties"], **{GENERATION: INTEGER})
INVENTORIES = object_of(inventories=map_of(STOCK), **{GENERATION: INTEGER})


def show_stock(row: Inventory) -> dict[str, Any]:
    return {name: getattr(row, name) for name in AMOUNTS}


def show_one(found: Inventories) -> dict[str, Any]:
    return {**show_stock(found.rows[0]), GENERATION: found.provider.generation}


def show_all(found: Inventories) -> dict[str, Any]:
    return {
        "inventories": {row.resource_class: show_stock(row) for row in found.rows},
        GENERATION: found.provider.generation,
    }
