"""``POST /reshaper``: the body."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import Any

from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.version import Microversion
from servers.placement.resources.allocations import ConsumerOrder
from servers.placement.resources.reshape import NewInventories
from servers.serializers.placement_api.allocation import RESHAPED
from servers.serializers.placement_api.fields import ByUuid
from servers.serializers.placement_api.inventory import InventoriesReplace


@dataclasses.dataclass(frozen=True, slots=True)
class ReshapeOrder:
    inventories: Mapping[uuid.UUID, NewInventories]
    consumers: tuple[ConsumerOrder, ...]


class Reshape(VersionedSerializer):
    """What providers shall have, and what consumers shall hold then."""

    inventories = ByUuid(InventoriesReplace(), shortest=1, required=True)
    allocations = RESHAPED

    def build(self, values: dict[str, Any], version: Microversion) -> ReshapeOrder:
        return ReshapeOrder(values["inventories"], name_consumers(values["allocations"]))


def name_consumers(orders: Mapping[uuid.UUID, ConsumerOrder]) -> tuple[ConsumerOrder, ...]:
    """The orders, each with the consumer whose it is."""
    return tuple(
        dataclasses.replace(order, consumer=consumer) for consumer, order in orders.items()
    )
