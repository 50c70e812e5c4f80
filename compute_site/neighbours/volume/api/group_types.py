"""Kinds of groups of volumes: ``/volume/v3/group_types``."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.neighbours.serializers import BodySerializer, ItemsSerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.queries import an_id, same
from compute_site.neighbours.volume.api.shapes import strict_texts
from compute_site.neighbours.volume.api.types import read_is_public
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.group_models import GroupType
from compute_site.neighbours.volume.local import group_types
from compute_site.values.keys import WrongValue

SPECS = "group_specs"
KEY = re.compile(r"[a-zA-Z0-9\-_:.]{1,255}")


def read_group_specs(value: Any) -> dict[str, str]:
    found = strict_texts(value)
    for key in found:
        if not KEY.fullmatch(key):
            raise WrongValue(f"{key[:60]} is no name of a spec: letters, digits and -_:. only")
    return found


class GroupTypeCreate(BodySerializer):
    shape = shapes.NEW_GROUP_TYPE


class GroupTypeUpdate(BodySerializer):
    shape = shapes.CHANGED_GROUP_TYPE


class GroupSpecs(ItemsSerializer):
    def read_items(self, data: Any) -> dict[str, str]:
        return read_group_specs(data)


class GroupTypeView(VolumeView):
    first = "3.11"

    def find_kind(self, type_id: str) -> GroupType:
        """The type, which the caller may see; ``default`` is none."""
        return self.find(GroupType.objects.visible_to(self.caller), type_id, "group type")

    def show(self, kind: GroupType) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": str(kind.pk),
            "name": kind.name,
            "description": kind.description or None,
            "is_public": kind.is_public,
        }
        sees = self.caller.may(policies.SHOW_GROUP_SPECS)
        return shown | ({SPECS: kind.group_specs} if sees else {})


class GroupTypes(GroupTypeView):
    """``GET`` and ``POST /volume/v3/group_types``"""

    reads: ClassVar = {
        "id": an_id(),
        "name": same("name"),
        "description": same("description"),
        "is_public": read_is_public,
    }
    sorts: ClassVar = {
        "id": "pk",
        **{key: key for key in ("name", "is_public", "description", "created_at")},
    }
    bodies: ClassVar = {"post": ("group_type", GroupTypeCreate)}

    def get(self, request: Request) -> Response:
        rows = GroupType.objects.visible_to(self.caller)
        if self.caller.is_admin and "is_public" not in request.GET:
            rows = rows.filter(is_public=True)
        kinds = self.cut(self.chosen(rows))
        return self.answer_page("group_types", kinds, [self.show(kind) for kind in kinds])

    def post(self, request: Request) -> Response:
        self.caller.permit(policies.CREATE_GROUP_TYPE)
        kind = group_types.create(self.read("group_type", GroupTypeCreate).values)
        return Response({"group_type": self.show(kind)}, status=202)


class GroupTypeDetail(GroupTypeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/group_types/{group_type_id}``"""

    bodies: ClassVar = {"put": ("group_type", GroupTypeUpdate)}

    def get(self, request: Request, group_type_id: str) -> Response:
        return Response({"group_type": self.show(self.find_kind(group_type_id))})

    def put(self, request: Request, group_type_id: str) -> Response:
        self.caller.permit(policies.UPDATE_GROUP_TYPE)
        kind = self.find_kind(group_type_id)
        asked = self.read("group_type", GroupTypeUpdate)
        changed = group_types.update(kind, asked.values, asked.given)
        return Response({"group_type": self.show(changed)})

    def delete(self, request: Request, group_type_id: str) -> Response:
        self.caller.permit(policies.DELETE_GROUP_TYPE)
        group_types.delete(self.find_kind(group_type_id))
        return Response(status=202)


class GroupTypeSpecs(GroupTypeView):
    """``GET`` and ``POST /volume/v3/group_types/{group_type_id}/group_specs``"""

    def get(self, request: Request, group_type_id: str) -> Response:
        self.caller.permit(policies.LIST_GROUP_SPECS)
        return Response({SPECS: self.find_kind(group_type_id).group_specs})

    def post(self, request: Request, group_type_id: str) -> Response:
        self.caller.permit(policies.CREATE_GROUP_SPECS)
        kind, given = self.find_kind(group_type_id), self.read(SPECS, GroupSpecs).values
        group_types.set_specs(kind, dict(given))
        return Response({SPECS: given}, status=202)


class GroupTypeSpec(GroupTypeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/group_types/{group_type_id}/group_specs/{key}``"""

    def get(self, request: Request, group_type_id: str, key: str) -> Response:
        self.caller.permit(policies.SHOW_ONE_GROUP_SPEC)
        kind = self.find_kind(group_type_id)
        group_types.check_spec(kind, key)
        return Response({key: kind.group_specs[key]})

    def put(self, request: Request, group_type_id: str, key: str) -> Response:
        self.caller.permit(policies.UPDATE_GROUP_SPECS)
        kind, given = self.find_kind(group_type_id), self.read_itself(GroupSpecs).values
        if set(given) != {key}:
            raise BadRequest(f"Send an object with the key {key[:60]} alone.")
        group_types.set_specs(kind, dict(given))
        return Response(given)

    def delete(self, request: Request, group_type_id: str, key: str) -> Response:
        self.caller.permit(policies.DELETE_GROUP_SPECS)
        group_types.remove_spec(self.find_kind(group_type_id), key)
        return Response(status=202)
