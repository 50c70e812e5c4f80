"""Volume types, their extra specs, and the projects that may use those that are not public."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.serializers import ItemsSerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import serializers
from compute_site.neighbours.volume.api.queries import NOTHING, Read, items, read_items, same
from compute_site.neighbours.volume.api.representation import (
    USER_VISIBLE,
    show_type,
    visible_specs,
)
from compute_site.neighbours.volume.api.shapes import strict_texts
from compute_site.neighbours.volume.api.version import starting
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local import types
from compute_site.neighbours.volume.local.default_types import find_default
from compute_site.neighbours.volume.models import VolumeType
from compute_site.values.keys import shown, without
from compute_site.values.words import PLAIN_FALSE, PLAIN_TRUE

SPECS = "extra_specs"


class TypeView(VolumeView):
    def find_type(self, type_id: str) -> VolumeType:
        """The type, which the caller may see; ``default`` is the one that volumes of the project
        have where nobody names one.
        """
        self.caller.permit(policies.SHOW_TYPE)
        visible = VolumeType.objects.visible_to(self.caller)
        if type_id != "default":
            return self.find(visible, type_id, "volume type")
        own = find_default(self.caller.project_id)
        if own is None:
            raise NotFound("No volume type is the default of this project.")
        return visible.get(pk=own.volume_type_id)

    def answer_type(self, kind: VolumeType) -> Response:
        return Response({"volume_type": self.show(kind)})

    @property
    def sees_all(self) -> bool:
        return self.caller.may(policies.SHOW_SPECS)

    def show(self, kind: VolumeType) -> dict[str, Any]:
        return show_type(kind, whole=self.sees_all)


def read_is_public(word: str) -> Q:
    """``none``: all. Only admins get here."""
    if word.lower() == "none":
        return Q()
    if word.lower() not in PLAIN_TRUE | PLAIN_FALSE:
        raise BadRequest(f"is_public is true, false or none, not {shown(word)}.")
    return Q(is_public=word.lower() in PLAIN_TRUE)


class Types(TypeView):
    """``GET`` and ``POST /volume/v3/types``"""

    reads: ClassVar = {
        "is_public": read_is_public,
        "name": same("name"),
        "description": same("description"),
        "extra_specs": items("extra_specs", "extra_specs"),
    }
    since: ClassVar = starting(v3_52=["extra_specs"])
    sorts: ClassVar = {
        "id": "pk",
        **{key: key for key in ("name", "is_public", "description", "created_at", "qos_specs_id")},
    }

    def read_at_version(self, name: str, read: Read) -> Read:
        """Nobody finds types by what is hidden from him."""
        if name != SPECS or self.sees_all:
            return read

        def read_visible(word: str) -> Q:
            asked = read_items(word, SPECS)
            return read(word) if set(asked) <= set(USER_VISIBLE) else NOTHING

        return read_visible

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_TYPES)
        rows = VolumeType.objects.visible_to(self.caller)
        if self.caller.is_admin and "is_public" not in request.GET:
            rows = rows.filter(is_public=True)
        kinds = self.cut(self.chosen(rows))
        return self.answer_page("volume_types", kinds, [self.show(kind) for kind in kinds])

    def post(self, request: Request) -> Response:
        self.caller.permit(policies.CREATE_TYPE)
        kind = types.create(self.read("volume_type", serializers.TypeCreate).values)
        return Response({"volume_type": without(self.show(kind), "qos_specs_id")})


class TypeDetail(TypeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/types/{type_id}``"""

    def get(self, request: Request, type_id: str) -> Response:
        return self.answer_type(self.find_type(type_id))

    def put(self, request: Request, type_id: str) -> Response:
        self.caller.permit(policies.UPDATE_TYPE)
        kind = self.find_type(type_id)
        values = self.read("volume_type", serializers.TypeUpdate).values
        shown = self.show(types.update(kind, values))
        access = "os-volume-type-access:is_public"
        return Response({"volume_type": without(shown, "qos_specs_id", access)})

    def delete(self, request: Request, type_id: str) -> Response:
        self.caller.permit(policies.DELETE_TYPE)
        types.delete(self.find_type(type_id))
        return Response(status=202)


class Specs(ItemsSerializer):
    def read_items(self, data: Any) -> dict[str, str]:
        return strict_texts(data)


class TypeSpecs(TypeView):
    """``GET`` and ``POST /volume/v3/types/{type_id}/extra_specs``"""

    def get(self, request: Request, type_id: str) -> Response:
        specs = visible_specs(self.find_type(type_id), whole=self.sees_all)
        return Response({SPECS: specs})

    def post(self, request: Request, type_id: str) -> Response:
        self.caller.permit(policies.CREATE_SPECS)
        kind, given = self.find_type(type_id), self.read(SPECS, Specs, where=f"{SPECS}: ").values
        types.set_specs(kind, dict(given))
        return Response({SPECS: given})


class TypeSpec(TypeView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/types/{type_id}/extra_specs/{key}``"""

    def get(self, request: Request, type_id: str, key: str) -> Response:
        specs = visible_specs(self.find_type(type_id), whole=self.sees_all)
        types.check_spec(specs, key)
        return Response({key: specs[key]})

    def put(self, request: Request, type_id: str, key: str) -> Response:
        self.caller.permit(policies.UPDATE_SPECS)
        kind, given = self.find_type(type_id), self.read_itself(Specs).values
        if set(given) != {key}:
            raise BadRequest(f"Send an object with the key {key[:60]} alone.")
        types.set_specs(kind, dict(given))
        return Response(given)

    def delete(self, request: Request, type_id: str, key: str) -> Response:
        self.caller.permit(policies.DELETE_SPECS)
        types.remove_spec(self.find_type(type_id), key)
        return Response(status=202)


class TypeAccess(TypeView):
    """``GET /volume/v3/types/{type_id}/os-volume-type-access``"""

    def get(self, request: Request, type_id: str) -> Response:
        self.caller.permit(policies.LIST_ACCESS)
        kind = self.find_type(type_id)
        types.check_private(kind)
        projects = kind.access.order_by("pk").values_list("project", flat=True)
        shown_ = [{"volume_type_id": str(kind.pk), "project_id": project} for project in projects]
        return Response({"volume_type_access": shown_})


ACTIONS = {
    "addProjectAccess": (types.open_to, policies.ADD_ACCESS),
    "removeProjectAccess": (types.close_to, policies.REMOVE_ACCESS),
}


class TypeAction(TypeView):
    """``POST /volume/v3/types/{type_id}/action``: the only key of the body says what to do."""

    def post(self, request: Request, type_id: str) -> Response:
        body = self.read_body()
        name = next(iter(body), "") if isinstance(body, dict) else ""
        if name not in ACTIONS:
            raise BadRequest(f"Send one of {', '.join(ACTIONS)}.")
        act, rule = ACTIONS[name]
        self.caller.permit(rule)
        act(self.find_type(type_id), self.read(name, serializers.TypeAccess).values["project"])
        return Response(status=202)
