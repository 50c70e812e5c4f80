"""``/flavors/{flavor_id}/os-flavor-access`` and the actions that change it."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.actions import check_names_action
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from flavors import policies
from flavors.search import find_flavor, list_access, list_private_access
from flavors.serializers.access import AccessAnswer, FlavorAction
from flavors.serializers.flavor import FlavorQuery


class FlavorAccessView(ComputeView):
    """The access list of a private flavor."""

    contracts = {
        "GET": Contract(
            summary="List access", query=FlavorQuery, answer={"flavor_access": [AccessAnswer]}
        ),
    }

    def get(self, request: ComputeRequest, flavor_id: str) -> Response:
        self.read_query(FlavorQuery)
        request.caller.permit(policies.ACCESS)
        access = list_private_access(find_flavor(request.caller, flavor_id))
        return self.answer({"flavor_access": self.show_all(AccessAnswer, access)})


class FlavorActionView(ComputeView):
    """Gives or takes a project's access to a flavor."""

    contracts = {
        "POST": Contract(
            summary="Open or close a flavor to a project",
            body=FlavorAction,
            answer={"flavor_access": [AccessAnswer]},
            faults=(403, 409),
            example={"addTenantAccess": {"tenant": demo.PROJECT}},
        ),
    }

    def post(self, request: ComputeRequest, flavor_id: str) -> Response:
        check_names_action(self.body)
        change = self.read(FlavorAction)
        request.caller.permit(change.rule)
        flavor = find_flavor(request.caller, flavor_id)
        change.apply(flavor)
        return self.answer({"flavor_access": self.show_all(AccessAnswer, list_access(flavor))})
