"""``/flavors``."""

from __future__ import annotations

from typing import ClassVar

from rest_framework.response import Response

from compute_site.api.microversions.answers import LINKS, AnswerSerializer
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from flavors import policies
from flavors.changes import create_flavor, delete_flavor, describe_flavor
from flavors.search import find_flavor, list_flavors
from flavors.serializers.flavor import (
    FlavorAnswer,
    FlavorCreate,
    FlavorListQuery,
    FlavorQuery,
    FlavorSummary,
    FlavorUpdate,
)


class FlavorListView(ComputeView):
    """Flavors in short."""

    collection: ClassVar[str] = "flavors"
    shown: ClassVar[type[AnswerSerializer]] = FlavorSummary
    contracts = {
        "GET": Contract(
            summary="List flavors",
            query=FlavorListQuery,
            answer={"flavors": [FlavorSummary], "flavors_links": LINKS},
        ),
    }

    def get(self, request: ComputeRequest) -> Response:
        search = self.read_query(FlavorListQuery)
        flavors = list_flavors(request.caller, search)
        answer = {"flavors": self.show_all(self.shown, flavors)}
        if flavors and len(flavors) == search.paging.limit:
            known = FlavorListQuery.at(request.version).entries
            answer["flavors_links"] = self.links.next_page(
                request, self.collection, flavors[-1].flavorid, known
            )
        return self.answer(answer)


class FlavorDetailListView(FlavorListView):
    """Flavors in full."""

    collection = "flavors/detail"
    shown = FlavorAnswer
    contracts = {
        "GET": Contract(
            summary="List flavors in detail",
            query=FlavorListQuery,
            answer={"flavors": [FlavorAnswer], "flavors_links": LINKS},
        ),
    }


class FlavorsView(FlavorListView):
    """The collection: list, create."""

    contracts = {
        **FlavorListView.contracts,
        "POST": Contract(
            summary="Create a flavor",
            body=FlavorCreate,
            answer={"flavor": FlavorAnswer},
            faults=(403, 409),
            example={"flavor": {"name": "my-flavor", "ram": 2048, "vcpus": 1, "disk": 20}},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        order = self.read(FlavorCreate)
        request.caller.permit(policies.CREATE)
        return self.answer({"flavor": self.show(FlavorAnswer, create_flavor(order))})


class FlavorView(ComputeView):
    """One flavor."""

    contracts = {
        "GET": Contract(
            summary="Show a flavor", query=FlavorQuery, answer={"flavor": FlavorAnswer}
        ),
        "PUT": Contract(
            summary="Change a flavor's description",
            since="2.55",
            body=FlavorUpdate,
            answer={"flavor": FlavorAnswer},
            example={"flavor": {"description": "For small tests"}},
        ),
        "DELETE": Contract(summary="Delete a flavor", status=202),
    }

    def get(self, request: ComputeRequest, flavor_id: str) -> Response:
        self.read_query(FlavorQuery)
        flavor = find_flavor(request.caller, flavor_id)
        return self.answer({"flavor": self.show(FlavorAnswer, flavor)})

    def delete(self, request: ComputeRequest, flavor_id: str) -> Response:
        request.caller.permit(policies.DELETE)
        delete_flavor(flavor_id)
        return self.answer(status=202)

    def put(self, request: ComputeRequest, flavor_id: str) -> Response:
        description = self.read(FlavorUpdate)
        request.caller.permit(policies.UPDATE)
        flavor = find_flavor(request.caller, flavor_id)
        describe_flavor(flavor, description)
        return self.answer({"flavor": self.show(FlavorAnswer, flavor)})
