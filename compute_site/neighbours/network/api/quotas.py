"""The quotas of the network API, which clients show together with those of compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.api.objects import NetworkView
from compute_site.neighbours.network.local.limits import QUOTAS
from compute_site.neighbours.ownership import find_project_id, permit_on
from compute_site.neighbours.quotas import UNLIMITED
from compute_site.neighbours.serializers import BodySerializer
from compute_site.values.keys import IGNORED, Key, flag, limit


class QuotaUpdate(BodySerializer):
    shape: ClassVar[Mapping[str, Key]] = {
        **{name: Key(limit) for name in QUOTAS.kinds},
        "check_limit": Key(flag, default=False),
        "force": IGNORED,
        "project_id": IGNORED,
        "tenant_id": IGNORED,
    }


class QuotaView(NetworkView):
    """The quotas of one project: the caller's own, or for an admin any. It may be named by its
    name, too: to Neutron any text is a project, and clients make use of that.
    """

    noun = "quota"

    def find_owner(self, word: str) -> str:
        """The id of the project, of which the caller may see the quotas.

        Raises:
            PolicyRefused: it is not the caller's own, whether it exists or not.
            NotFound: it does not exist.
        """
        owner = find_project_id(self.caller, word)
        if owner != self.caller.project_id:
            permit_on(self.caller, policies.GET_QUOTA, owner or word)
        if owner is None:
            raise NotFound(f"There is no project {word}.")
        return owner

    def answer(self, owner: str) -> Response:
        return Response({"quota": QUOTAS.limits_of(owner)})


class QuotaList(QuotaView):
    """``GET /network/v2.0/quotas``: of the projects that have limits of their own."""

    def get(self, request: Request) -> Response:
        permit_on(self.caller, policies.GET_QUOTA, None)
        shown = [
            {**QUOTAS.limits_of(owner), "project_id": owner, "tenant_id": owner}
            for owner in QUOTAS.projects_with_limits()
        ]
        return Response({"quotas": shown})


class QuotaDetail(QuotaView):
    """``GET``, ``PUT`` and ``DELETE /network/v2.0/quotas/{project}``"""

    def get(self, request: Request, owner: str) -> Response:
        owner = self.find_owner(owner)
        return self.answer(owner)

    def put(self, request: Request, owner: str) -> Response:
        owner = self.find_owner(owner)
        permit_on(self.caller, policies.UPDATE_QUOTA, owner)
        asked = self.read("quota", QuotaUpdate).values
        limits = {name: asked[name] for name in QUOTAS.kinds if asked[name] is not None}
        if asked["check_limit"]:
            self.check_used(owner, limits)
        QUOTAS.set_limits(owner, limits)
        return self.answer(owner)

    def check_used(self, owner: str, limits: dict[str, int]) -> None:
        """Raises ``BadRequest`` where the project uses more than the new limit."""
        for name, most in limits.items():
            used = QUOTAS.kinds[name].used_by(owner)
            if UNLIMITED < most < used:
                raise BadRequest(
                    f"The project has {used} {QUOTAS.kinds[name].plural} already.",
                    field=f"quota.{name}",
                )

    def delete(self, request: Request, owner: str) -> Response:
        owner = self.find_owner(owner)
        permit_on(self.caller, policies.DELETE_QUOTA, owner)
        QUOTAS.forget_limits(owner)
        return Response(status=204)


class QuotaDefaults(QuotaView):
    """``GET /network/v2.0/quotas/{project}/default``"""

    def get(self, request: Request, owner: str) -> Response:
        owner = self.find_owner(owner)
        return Response({"quota": QUOTAS.defaults})


class QuotaUsage(QuotaView):
    """``GET /network/v2.0/quotas/{project}/details``: limits and what is in use."""

    def get(self, request: Request, owner: str) -> Response:
        owner = self.find_owner(owner)
        used = QUOTAS.used_by(owner)
        shown = {
            name: {"limit": most, "used": used.get(name, 0), "reserved": 0}
            for name, most in QUOTAS.limits_of(owner).items()
        }
        return Response({"quota": shown})
