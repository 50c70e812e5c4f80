"""The quotas of the volume API, which clients show together with those of compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.neighbours.ownership import permit_on, project_exists
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local.limits import QUOTAS
from compute_site.values.keys import IGNORED, Key, limit
from compute_site.values.words import PLAIN_TRUE


class QuotaUpdate(BodySerializer):
    shape: ClassVar[Mapping[str, Key]] = {
        **{name: Key(limit) for name in QUOTAS.kinds},
        "tenant_id": IGNORED,
        "force": IGNORED,
        "skip_validation": IGNORED,
    }


class QuotaSetDefaults(VolumeView):
    """``GET /volume/v3/os-quota-sets/{project}/defaults``"""

    def get(self, request: Request, owner: str) -> Response:
        permit_on(self.caller, policies.SHOW_QUOTA, owner)
        return Response({"quota_set": {"id": owner, **self.limits(owner)}})

    def limits(self, owner: str) -> dict[str, Any]:
        return QUOTAS.defaults


class QuotaSet(QuotaSetDefaults):
    """``/volume/v3/os-quota-sets/{project}``; ``GET`` with ``usage`` shows the usage as well."""

    def put(self, request: Request, owner: str) -> Response:
        permit_on(self.caller, policies.UPDATE_QUOTA, owner)
        asked = self.read("quota_set", QuotaUpdate).values
        if not project_exists(owner):
            raise NotFound(f"There is no project {owner}.")
        limits = {name: asked[name] for name in QUOTAS.kinds if asked[name] is not None}
        QUOTAS.set_limits(owner, limits)
        return Response({"quota_set": self.limits(owner)})

    def delete(self, request: Request, owner: str) -> Response:
        permit_on(self.caller, policies.DELETE_QUOTA, owner)
        QUOTAS.forget_limits(owner)
        return Response(status=200)

    def limits(self, owner: str) -> dict[str, Any]:
        limits = QUOTAS.limits_of(owner)
        if self.request.GET.get("usage", "").lower() not in PLAIN_TRUE:
            return limits
        used = QUOTAS.used_by(owner)
        return {
            name: {"limit": most, "in_use": used.get(name, 0), "reserved": 0}
            for name, most in limits.items()
        }


class QuotaClass(VolumeView):
    """``GET /volume/v3/os-quota-class-sets/{quota_class}``: the limits of the options, whatever the
    class
    """

    def get(self, request: Request, quota_class: str) -> Response:
        self.caller.permit(policies.SHOW_QUOTA_CLASS)
        return Response({"quota_class_set": {"id": quota_class, **QUOTAS.defaults}})
