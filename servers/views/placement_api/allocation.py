"""``/allocations`` and ``/resource_providers/{provider_id}/allocations``"""

from __future__ import annotations

import dataclasses
import uuid

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.values.words import parse_uuid
from servers.placement.resources.allocations import (
    delete_allocations,
    list_of_consumer,
    list_of_provider,
    replace_allocations,
)
from servers.placement.resources.errors import NoAllocations
from servers.policies import placement_api as rules
from servers.serializers.placement_api.allocation import (
    OF_CONSUMER,
    OF_PROVIDER,
    POSTED,
    AllocationsReplace,
    show_of_consumer,
    show_of_provider,
)
from servers.serializers.placement_api.reshaper import name_consumers
from servers.views.placement_api.view import Operation, PlacementView, latest, read_provider_id


class Allocations(PlacementView):
    """What several consumers hold."""

    since = "1.13"
    operations = {
        "POST": Operation(
            summary="Replace what several consumers hold, all or none",
            body=POSTED,
            status=204,
            faults=(409,),
        )
    }

    def post(self, request: Request) -> Response:
        self.permit(rules.MANAGE_ALLOCATIONS)
        replace_allocations(name_consumers(self.read_json(POSTED)))
        return self.answer(status=204)


class ConsumerAllocations(PlacementView):
    """What a consumer holds; one that does not exist holds nothing."""

    operations = {
        "GET": Operation(summary="Show what a consumer holds", answer=OF_CONSUMER),
        "PUT": Operation(
            summary="Replace what a consumer holds",
            body=AllocationsReplace,
            status=204,
            faults=(409,),
        ),
        "DELETE": Operation(summary="Give back what a consumer holds", status=204, faults=(409,)),
    }

    def get(self, request: Request, consumer_id: str) -> Response:
        self.permit(rules.LIST_ALLOCATIONS)
        key = parse_uuid(consumer_id)
        rows = [] if key is None else list_of_consumer(key)
        return self.answer(
            show_of_consumer(rows, self.version),
            modified=latest(row.created_at for row in rows),
        )

    def put(self, request: Request, consumer_id: str) -> Response:
        self.permit(rules.UPDATE_ALLOCATIONS)
        key = _read_consumer(consumer_id)
        order = self.read_json(AllocationsReplace)
        replace_allocations([dataclasses.replace(order, consumer=key)])
        return self.answer(status=204)

    def delete(self, request: Request, consumer_id: str) -> Response:
        self.permit(rules.DELETE_ALLOCATIONS)
        key = parse_uuid(consumer_id)
        if key is None:
            raise NoAllocations(f"The consumer {consumer_id[:60]} holds nothing.")
        delete_allocations(key)
        return self.answer(status=204)


def _read_consumer(text: str) -> uuid.UUID:
    key = parse_uuid(text)
    if key is None:
        raise BadRequest(f"{text[:60]!r} is no UUID of a consumer.")
    return key


class ProviderAllocations(PlacementView):
    """What is held of a provider."""

    operations = {"GET": Operation(summary="Show what is held of a provider", answer=OF_PROVIDER)}

    def get(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.PROVIDER_ALLOCATIONS)
        provider, rows = list_of_provider(read_provider_id(provider_id))
        return self.answer(
            show_of_provider(provider, rows, self.version),
            modified=latest(row.created_at for row in rows),
        )
