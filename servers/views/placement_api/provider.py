"""``/resource_providers``"""

from __future__ import annotations

import datetime as dt
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.links import Links
from compute_site.api.microversions.answers import Frame
from compute_site.api.microversions.fields import Schema
from compute_site.api.microversions.version import Microversion
from servers.models import ResourceProvider
from servers.placement.resources.providers import (
    create_provider,
    delete_provider,
    find_provider,
    list_providers,
    update_provider,
)
from servers.policies import placement_api as rules
from servers.serializers.placement_api.fields import object_of
from servers.serializers.placement_api.provider import (
    ProviderAnswer,
    ProviderCreate,
    ProviderQuery,
    ProviderUpdate,
)
from servers.views.placement_api.view import Operation, PlacementView, latest, read_provider_id

SHOWN_WHEN_MADE = Microversion.parse("1.20")


def _list_schema(version: Microversion) -> Schema:
    rows = {"type": "array", "items": ProviderAnswer.schema(version)}
    return object_of(resource_providers=rows)


class ProviderView(PlacementView):
    """What views of providers share."""

    def frame(self) -> Frame:
        return Frame(self.version, self.caller, Links("", ""), {"prefix": self.prefix})

    def show(self, provider: ResourceProvider) -> dict[str, Any]:
        return ProviderAnswer.show(provider, self.frame())


def changed_at(provider: ResourceProvider) -> dt.datetime:
    return provider.updated_at or provider.created_at


class Providers(ProviderView):
    """All providers."""

    operations = {
        "GET": Operation(
            summary="List resource providers",
            query=ProviderQuery,
            answer=_list_schema,
        ),
        "POST": Operation(
            summary="Create a resource provider",
            body=ProviderCreate,
            answer=ProviderAnswer.schema,
            faults=(409,),
        ),
    }

    def get(self, request: Request) -> Response:
        self.permit(rules.LIST_PROVIDERS)
        providers = list_providers(self.read_query(ProviderQuery))
        return self.answer(
            {"resource_providers": ProviderAnswer.show_all(providers, self.frame())},
            modified=latest(map(changed_at, providers)),
        )

    def post(self, request: Request) -> Response:
        self.permit(rules.CREATE_PROVIDER)
        provider = create_provider(self.read_json(ProviderCreate))
        location = f"/resource_providers/{provider.uuid}"
        if self.version < SHOWN_WHEN_MADE:
            return self.answer(status=201, location=location)
        return self.answer(self.show(provider), location=location, modified=changed_at(provider))


class OneProvider(ProviderView):
    """One provider."""

    operations = {
        "GET": Operation(summary="Show a resource provider", answer=ProviderAnswer.schema),
        "PUT": Operation(
            summary="Rename a resource provider, or give it a parent",
            body=ProviderUpdate,
            answer=ProviderAnswer.schema,
            faults=(409,),
        ),
        "DELETE": Operation(summary="Delete a resource provider", status=204, faults=(409,)),
    }

    def get(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.SHOW_PROVIDER)
        provider = find_provider(read_provider_id(provider_id))
        return self.answer(self.show(provider), modified=changed_at(provider))

    def put(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.UPDATE_PROVIDER)
        key = read_provider_id(provider_id)
        find_provider(key)  # Placement: what is not there is told before what is wrong in the body
        provider = update_provider(key, self.read_json(ProviderUpdate))
        return self.answer(self.show(provider), modified=changed_at(provider))

    def delete(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.DELETE_PROVIDER)
        delete_provider(read_provider_id(provider_id))
        return self.answer(status=204)
