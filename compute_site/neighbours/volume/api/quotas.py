"""The quotas of the volume API, which clients show together with those of compute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.caller import Caller
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.ownership import find_project_id, permit_on
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local.limits import LONGEST_CLASS, QUOTAS, names_for
from compute_site.neighbours.volume.models import VolumeType
from compute_site.values.keys import IGNORED, Key, WrongValue, limit
from compute_site.values.words import PLAIN_TRUE

OF_TYPES = "of_types"
LIMITS: Mapping[str, Key] = {name: Key(limit, never_null=True) for name in QUOTAS.kinds}


class LimitsOfTypes(BodySerializer):
    """The keys that are none of the shape are limits of types: ``volumes_fast``."""

    rest = OF_TYPES


class QuotaUpdate(LimitsOfTypes):
    shape: ClassVar[Mapping[str, Key]] = {
        **LIMITS,
        "tenant_id": IGNORED,
        "force": IGNORED,
        "skip_validation": IGNORED,
    }


class ClassUpdate(LimitsOfTypes):
    shape: ClassVar[Mapping[str, Key]] = LIMITS


def names_of_types(caller: Caller) -> list[str]:
    """What is limited for each type that the caller sees."""
    return names_for(VolumeType.objects.visible_to(caller))


def read_limits(caller: Caller, values: Mapping[str, Any], noun: str) -> dict[str, int]:
    """The limits that a body sets. Raises: BadRequest: one is no number, or of no type."""
    limits = {name: values[name] for name in QUOTAS.kinds if values[name] is not None}
    given = values[OF_TYPES]
    known = set(names_of_types(caller)) if given else set()
    for name, value in given.items():
        if name not in known:
            raise BadRequest(f"key {name[:60]}: is not known", field=f"{noun}.{name[:60]}")
        try:
            limits[name] = limit(value)
        except WrongValue as error:
            raise BadRequest(f"key {name}: {error}", field=f"{noun}.{name}") from None
    return limits


class QuotaSetDefaults(VolumeView):
    """``GET /volume/v3/os-quota-sets/{project}/defaults``"""

    def get(self, request: Request, owner: str) -> Response:
        found = self.find_owner(owner)
        permit_on(self.caller, policies.SHOW_QUOTA, found)
        return Response({"quota_set": {"id": owner, **self.limits(found)}})

    def find_owner(self, word: str) -> str:
        """The project may be named by its name, too: to Cinder any text is a project, and clients
        make use of that.
        """
        return find_project_id(self.caller, word) or word

    def limits(self, owner: str) -> dict[str, Any]:
        return self.with_types(QUOTAS.defaults)

    def with_types(self, limits: Mapping[str, int]) -> dict[str, int]:
        """Those of the types that the caller sees, and of no others."""
        of_types = {name: limits.get(name, -1) for name in names_of_types(self.caller)}
        return {name: limits[name] for name in QUOTAS.kinds} | of_types


class QuotaSet(QuotaSetDefaults):
    """``/volume/v3/os-quota-sets/{project}``; ``GET`` with ``usage`` shows the usage as well."""

    bodies: ClassVar = {"put": ("quota_set", QuotaUpdate)}

    def put(self, request: Request, owner: str) -> Response:
        found = find_project_id(self.caller, owner)
        permit_on(self.caller, policies.UPDATE_QUOTA, found or owner)
        asked = self.read("quota_set", QuotaUpdate)
        values = asked.values
        if not asked.given and not values[OF_TYPES]:
            raise BadRequest("Give at least one limit.", field="quota_set")
        if found is None:
            raise NotFound(f"There is no project {owner}.")
        limits = read_limits(self.caller, values, "quota_set")
        QUOTAS.check_lowered(found, limits)
        QUOTAS.set_limits(found, limits)
        return Response({"quota_set": self.limits(found)})

    def delete(self, request: Request, owner: str) -> Response:
        found = self.find_owner(owner)
        permit_on(self.caller, policies.DELETE_QUOTA, found)
        QUOTAS.forget_limits(found)
        return Response(status=200)

    def limits(self, owner: str) -> dict[str, Any]:
        limits = self.with_types(QUOTAS.limits_of(owner))
        if self.request.GET.get("usage", "").lower() not in PLAIN_TRUE:
            return limits
        used = QUOTAS.used_by(owner) | QUOTAS.used_by_types(owner)
        return {
            name: {"limit": most, "in_use": used.get(name, 0), "reserved": 0}
            for name, most in limits.items()
        }


class QuotaClass(QuotaSetDefaults):
    """``GET`` and ``PUT /volume/v3/os-quota-class-sets/{quota_class}``: the limits of projects that
    have none of their own are those of the class ``default``
    """

    bodies: ClassVar = {"put": ("quota_class_set", ClassUpdate)}

    def get(self, request: Request, quota_class: str) -> Response:
        self.caller.permit(policies.SHOW_QUOTA_CLASS)
        self.check_query()
        return Response({"quota_class_set": {"id": quota_class, **self.of_class(quota_class)}})

    def put(self, request: Request, quota_class: str) -> Response:
        self.caller.permit(policies.UPDATE_QUOTA_CLASS)
        self.check_query()
        if len(quota_class) > LONGEST_CLASS:
            raise BadRequest(f"The name of a class has at most {LONGEST_CLASS} characters.")
        values = self.read("quota_class_set", ClassUpdate).values
        QUOTAS.set_class(quota_class, read_limits(self.caller, values, "quota_class_set"))
        return Response({"quota_class_set": self.of_class(quota_class)})

    def of_class(self, name: str) -> dict[str, int]:
        return self.with_types(QUOTAS.of_class(name))
