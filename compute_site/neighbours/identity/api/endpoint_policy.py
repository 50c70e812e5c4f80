"""Which endpoints and services a stored policy is for (``OS-ENDPOINT-POLICY``)."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.identity.errors import NoSuchThing
from compute_site.identity.models import StoredPolicy
from compute_site.identity.policy_places import (
    PolicyPlace,
    associate,
    dissociate,
    endpoints_of,
    find_policy,
)
from compute_site.neighbours.identity import policies
from compute_site.neighbours.identity.api.catalogue import ENDPOINT, REGION, SERVICE
from compute_site.neighbours.identity.api.envelope import IdentityView
from compute_site.neighbours.identity.api.filters import check_known
from compute_site.neighbours.identity.api.representation import (
    show_endpoint,
    show_list,
    show_policy,
)
from compute_site.neighbours.identity.api.stored import POLICY


class EndpointsOfPolicy(IdentityView):
    """``GET /identity/v3/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints``"""

    def get(self, request: Request, policy_id: str) -> Response:
        self.permit(policies.ASSOCIATED["list_endpoints_for_policy"])
        check_known(request.GET, ())
        rows = endpoints_of(POLICY.find(policy_id))
        items = [show_endpoint(row, root=self.root) for row in rows]
        return Response(show_list("endpoints", items, url=request.build_absolute_uri()))


class PolicyOfEndpoint(IdentityView):
    """``GET /identity/v3/endpoints/{endpoint_id}/OS-ENDPOINT-POLICY/policy``"""

    def get(self, request: Request, endpoint_id: str) -> Response:
        self.permit(policies.ASSOCIATED["get_policy_for_endpoint"])
        check_known(request.GET, ())
        found = find_policy(ENDPOINT.find(endpoint_id))
        if found is None:
            raise NoSuchThing(f"The endpoint {endpoint_id} has no policy.")
        return Response({"policy": show_policy(found, root=self.root)})


class AtPlace(IdentityView):
    """A policy and a place that it is for. ``at``: the place, as rules name it."""

    at: ClassVar[str]

    def get(self, request: Request, policy_id: str, **named: str) -> Response:
        self.permit(policies.ASSOCIATED[f"check_policy_association_for_{self.at}"])
        policy, place = self.find(policy_id, **named)
        if not place.rows.filter(policy=policy).exists():
            raise NoSuchThing(f"The policy {policy_id} is not that of {place}.")
        return Response(status=204)

    def put(self, request: Request, policy_id: str, **named: str) -> Response:
        caller = self.permit(policies.ASSOCIATED[f"create_policy_association_for_{self.at}"])
        associate(*self.find(policy_id, **named), by=caller.user_id)
        return Response(status=204)

    def delete(self, request: Request, policy_id: str, **named: str) -> Response:
        caller = self.permit(policies.ASSOCIATED[f"delete_policy_association_for_{self.at}"])
        dissociate(*self.find(policy_id, **named), by=caller.user_id)
        return Response(status=204)

    def find(self, policy_id: str, **named: str) -> tuple[StoredPolicy, PolicyPlace]:
        kinds = {"endpoint_id": ENDPOINT, "service_id": SERVICE, "region_id": REGION}
        place: dict[str, Any] = {
            kind.noun: kind.find(named[key]) for key, kind in kinds.items() if key in named
        }
        return POLICY.find(policy_id), PolicyPlace(**place)


class PolicyAtEndpoint(AtPlace):
    """``/identity/v3/policies/{policy_id}/OS-ENDPOINT-POLICY/endpoints/{endpoint_id}``"""

    at = "endpoint"


class PolicyAtService(AtPlace):
    """``/identity/v3/policies/{policy_id}/OS-ENDPOINT-POLICY/services/{service_id}``"""

    at = "service"


class PolicyAtServiceInRegion(AtPlace):
    """``/identity/v3/policies/…/OS-ENDPOINT-POLICY/services/{service_id}/regions/{region_id}``"""

    at = "region_and_service"
