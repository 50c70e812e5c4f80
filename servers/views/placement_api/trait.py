"""``/traits`` and ``/resource_providers/{provider_id}/traits``"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from servers.models import ResourceProvider
from servers.placement.resources.memberships import set_traits, traits_of
from servers.placement.resources.names import (
    ListedTrait,
    delete_trait,
    ensure_trait,
    find_trait,
    is_custom,
    list_traits,
)
from servers.policies import placement_api as rules
from servers.serializers.placement_api.fields import GENERATION
from servers.serializers.placement_api.membership import (
    TRAITS,
    TRAITS_OF_PROVIDER,
    TraitQuery,
    TraitsReplace,
)
from servers.views.placement_api.view import Operation, PlacementView, latest, read_provider_id


class Traits(PlacementView):
    """All traits."""

    since = "1.6"
    operations = {"GET": Operation(summary="List traits", query=TraitQuery, answer=TRAITS)}

    def get(self, request: Request) -> Response:
        self.permit(rules.LIST_TRAITS)
        chosen = self.read_query(TraitQuery)
        found = list_traits(names=chosen.names, prefix=chosen.prefix, associated=chosen.associated)
        return self.answer(
            {"traits": [name for name, _ in found]}, modified=latest(time for _, time in found)
        )


class OneTrait(PlacementView):
    """One trait; its answers have no body."""

    since = "1.6"
    operations = {
        "GET": Operation(summary="See whether a trait exists", status=204),
        "PUT": Operation(summary="Create a trait", status=201),
        "DELETE": Operation(summary="Delete a trait", status=204, faults=(409,)),
    }

    def get(self, request: Request, name: str) -> Response:
        self.permit(rules.SHOW_TRAIT)
        _, made_at = find_trait(name)
        return self.timed(self.answer(status=204), made_at)

    def put(self, request: Request, name: str) -> Response:
        self.permit(rules.UPDATE_TRAIT)
        if not is_custom(name):
            raise BadRequest(
                "A trait of your own begins with CUSTOM_ and has at most 255 of the characters "
                f"A-Z, 0-9 and _, unlike {name[:60]!r}."
            )
        made, made_at = ensure_trait(name)
        response = self.answer(status=201 if made else 204, location=f"/traits/{name}")
        return self.timed(response, made_at)

    def delete(self, request: Request, name: str) -> Response:
        self.permit(rules.DELETE_TRAIT)
        delete_trait(name)
        return self.answer(status=204)

    def timed(self, response: Response, made_at: dt.datetime | None) -> Response:
        self.set_times(response, made_at)
        return response


class ProviderTraits(PlacementView):
    """The traits of a provider."""

    since = "1.6"
    operations = {
        "GET": Operation(summary="List the traits of a provider", answer=TRAITS_OF_PROVIDER),
        "PUT": Operation(
            summary="Replace the traits of a provider",
            body=TraitsReplace,
            answer=TRAITS_OF_PROVIDER,
            faults=(409,),
        ),
        "DELETE": Operation(summary="Take all traits from a provider", status=204, faults=(409,)),
    }

    def get(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.LIST_PROVIDER_TRAITS)
        return self.show(*traits_of(read_provider_id(provider_id)))

    def put(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.UPDATE_PROVIDER_TRAITS)
        order = self.read_json(TraitsReplace)
        key = read_provider_id(provider_id)
        set_traits(key, order.names, generation=order.generation)
        return self.show(*traits_of(key))

    def delete(self, request: Request, provider_id: str) -> Response:
        self.permit(rules.DELETE_PROVIDER_TRAITS)
        set_traits(read_provider_id(provider_id), ())
        return self.answer(status=204)

    def show(self, provider: ResourceProvider, found: Sequence[ListedTrait]) -> Response:
        names = [name for name, _ in found]
        return self.answer(
            {"traits": names, GENERATION: provider.generation},
            modified=latest(time for _, time in found),
        )
