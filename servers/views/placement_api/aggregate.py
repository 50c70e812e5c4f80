"""``/resource_providers/{provider_id}/aggregates``"""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.version import Microversion
from servers.models import ResourceProvider
from servers.placement.resources.memberships import aggregates_of, set_aggregates
from servers.placement.resources.providers import find_provider
from servers.policies import placement_api as rules
from servers.serializers.placement_api.fields import GENERATION
from servers.serializers.placement_api.membership import (
    AGGREGATES,
    OLD_AGGREGATES,
    AggregatesOrder,
    AggregatesReplace,
)
from servers.views.placement_api.view import Operation, PlacementView, read_provider_id

GENERATIONS = Microversion.parse("1.19")


class ProviderAggregates(PlacementView):
    """The aggregates that a provider is in."""

    since = "1.1"
    operations = {
        "GET": Operation(summary="List the aggregates of a provider", answer=AGGREGATES),
        "PUT": Operation(
            summary="Replace the aggregates of a provider",
            body=AggregatesReplace,
            old_body=OLD_AGGREGATES,
            old_body_until="1.18",
            answer=AGGREGATES,
            faults=(409,),
        ),
    }

    def get(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.LIST_AGGREGATES)
        return self.show(*aggregates_of(read_provider_id(provider_id)))

    def put(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.UPDATE_AGGREGATES)
        key = read_provider_id(provider_id)
        find_provider(key)
        order = self.read_order()
        provider = set_aggregates(key, order.aggregates, generation=order.generation)
        return self.show(provider, order.aggregates)

    def read_order(self) -> AggregatesOrder:
        if self.version < GENERATIONS:
            return AggregatesOrder(self.read_json(OLD_AGGREGATES), None)
        order: AggregatesOrder = self.read_json(AggregatesReplace)
        return order

    def show(self, provider: ResourceProvider, aggregates: Iterable[uuid.UUID]) -> Response:
        counted = {GENERATION: provider.generation} if self.version >= GENERATIONS else {}
        return self.answer({"aggregates": [str(one) for one in aggregates], **counted})
