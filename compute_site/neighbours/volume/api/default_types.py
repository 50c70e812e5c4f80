"""The types of volumes for which nobody has said one: ``/volume/v3/default-types``."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.serializers import DefaultTypeSet
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local import default_types
from compute_site.neighbours.volume.models import DefaultType


def show(chosen: DefaultType) -> dict[str, Any]:
    return {"project_id": chosen.project_id, "volume_type_id": str(chosen.volume_type_id)}


class DefaultTypes(VolumeView):
    """``GET /volume/v3/default-types``"""

    first = "3.62"

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_DEFAULT_TYPES)
        self.check_query()
        rows = DefaultType.objects.order_by("project")
        return Response({"default_types": [show(row) for row in rows]})


class DefaultTypeDetail(VolumeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/default-types/{owner}``"""

    first = "3.62"
    bodies: ClassVar = {"put": ("default_type", DefaultTypeSet)}

    def get(self, request: Request, owner: str) -> Response:
        self.caller.permit(policies.SHOW_DEFAULT_TYPE)
        default_types.check_project(owner)
        chosen = default_types.find_default(owner)
        if chosen is None:
            raise NotFound(f"Project {owner} has no default type.")
        return Response({"default_type": show(chosen)})

    def put(self, request: Request, owner: str) -> Response:
        self.caller.permit(policies.SET_DEFAULT_TYPE)
        word = self.read("default_type", DefaultTypeSet).values["volume_type"]
        return Response({"default_type": show(default_types.set_default(owner, word))})

    def delete(self, request: Request, owner: str) -> Response:
        self.caller.permit(policies.UNSET_DEFAULT_TYPE)
        default_types.unset_default(owner)
        return Response(status=204)
