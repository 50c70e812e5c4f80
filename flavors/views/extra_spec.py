"""``/flavors/{flavor_id}/os-extra_specs``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api.microversions.answers import OBJECT
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from flavors import policies
from flavors.changes import remove_extra_spec, set_extra_specs
from flavors.search import find_extra_spec, find_flavor
from flavors.serializers.extra_spec import SpecsCreate, SpecUpdate
from flavors.serializers.flavor import FlavorQuery


class ExtraSpecsView(ComputeView):
    """All extra specs of a flavor."""

    contracts = {
        "GET": Contract(
            summary="List extra specs", query=FlavorQuery, answer={"extra_specs": OBJECT}
        ),
        "POST": Contract(
            summary="Add or replace extra specs",
            body=SpecsCreate,
            answer={"extra_specs": OBJECT},
            example={"extra_specs": {"hw:cpu_policy": "dedicated"}},
        ),
    }

    def get(self, request: ComputeRequest, flavor_id: str) -> Response:
        self.read_query(FlavorQuery)
        request.caller.permit(policies.SPECS_INDEX)
        flavor = find_flavor(request.caller, flavor_id)
        return self.answer({"extra_specs": flavor.extra_specs})

    def post(self, request: ComputeRequest, flavor_id: str) -> Response:
        order = self.read(SpecsCreate)
        request.caller.permit(policies.SPECS_CREATE)
        order.check()
        set_extra_specs(find_flavor(request.caller, flavor_id), order.specs)
        return self.answer({"extra_specs": order.sent})


class ExtraSpecView(ComputeView):
    """One extra spec."""

    contracts = {
        "GET": Contract(summary="Show an extra spec", query=FlavorQuery),
        "PUT": Contract(
            summary="Set an extra spec", body=SpecUpdate, example={"hw:cpu_policy": "dedicated"}
        ),
        "DELETE": Contract(summary="Remove an extra spec"),
    }

    def get(self, request: ComputeRequest, flavor_id: str, name: str) -> Response:
        self.read_query(FlavorQuery)
        request.caller.permit(policies.SPECS_SHOW)
        flavor = find_flavor(request.caller, flavor_id)
        return self.answer({name: find_extra_spec(flavor, name)})

    def put(self, request: ComputeRequest, flavor_id: str, name: str) -> Response:
        order = self.read(SpecUpdate)
        request.caller.permit(policies.SPECS_UPDATE)
        order.check(named=name)
        set_extra_specs(find_flavor(request.caller, flavor_id), order.specs)
        return self.answer(order.sent)

    def delete(self, request: ComputeRequest, flavor_id: str, name: str) -> Response:
        request.caller.permit(policies.SPECS_DELETE)
        remove_extra_spec(find_flavor(request.caller, flavor_id), name)
        return self.answer()
