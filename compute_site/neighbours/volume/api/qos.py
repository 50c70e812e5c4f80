"""QoS specs of volume types: ``/volume/v3/qos-specs``."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.authentication import is_cross_site, token_of
from compute_site.faults import BadRequest
from compute_site.identity.errors import CrossSite
from compute_site.neighbours.serializers import BodySerializer, ItemsSerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.queries import an_id, read_flag, same
from compute_site.neighbours.volume.api.representation import links
from compute_site.neighbours.volume.api.shapes import strict_texts
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local import qos
from compute_site.neighbours.volume.qos_models import CONSUMERS, QosSpecs
from compute_site.values.keys import WrongValue, one_of

SPECS = "qos_specs"
_consumer = one_of(*CONSUMERS)


def read_specs(value: Any) -> dict[str, str]:
    """Names with texts; ``consumer`` is one of three."""
    found = strict_texts(value)
    if qos.CONSUMER in found:
        try:
            _consumer(found[qos.CONSUMER])
        except WrongValue as error:
            raise WrongValue(f"{qos.CONSUMER}: {error}") from None
    return found


class QosCreate(BodySerializer):
    """The keys beside the name are the specs."""

    shape = shapes.NEW_QOS
    rest = "specs"


class QosKeys(ItemsSerializer):
    def read_items(self, data: Any) -> dict[str, str]:
        return read_specs(data)


class QosKeysUnset(BodySerializer):
    shape = shapes.UNSET_QOS


class QosView(VolumeView):
    def find_specs(self, specs_id: str) -> QosSpecs:
        return self.find(QosSpecs.objects.all(), specs_id, "QoS specs")

    def show(self, specs: QosSpecs) -> dict[str, Any]:
        return {
            "id": str(specs.pk),
            "name": specs.name,
            "consumer": specs.consumer,
            "specs": specs.specs,
        }

    def answer_specs(self, specs: QosSpecs) -> Response:
        self_links = links(self.root, self.caller.project_id, "qos-specs", str(specs.pk))
        return Response({SPECS: self.show(specs), "links": self_links})


class QosList(QosView):
    """``GET`` and ``POST /volume/v3/qos-specs``"""

    reads: ClassVar = {"id": an_id(), "name": same("name"), "consumer": same("consumer")}
    sorts: ClassVar = {"id": "pk", "created_at": "created_at"}
    bodies: ClassVar = {"post": (SPECS, QosCreate)}

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_QOS)
        found = self.cut(self.chosen(QosSpecs.objects.all()))
        return self.answer_page(SPECS, found, [self.show(specs) for specs in found])

    def post(self, request: Request) -> Response:
        self.caller.permit(policies.CREATE_QOS)
        values = self.read(SPECS, QosCreate).values
        try:
            specs = read_specs(values["specs"])
        except WrongValue as error:
            raise BadRequest(f"{SPECS}: {error}", field=SPECS) from None
        return self.answer_specs(qos.create({"name": values["name"], "specs": specs}))


class QosDetail(QosView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/qos-specs/{specs_id}``"""

    def get(self, request: Request, specs_id: str) -> Response:
        self.caller.permit(policies.SHOW_QOS)
        return self.answer_specs(self.find_specs(specs_id))

    def put(self, request: Request, specs_id: str) -> Response:
        self.caller.permit(policies.UPDATE_QOS)
        given = self.read(SPECS, QosKeys, where=f"{SPECS}: ").values
        qos.set_keys(self.find_specs(specs_id), dict(given))
        return Response({SPECS: given})

    def delete(self, request: Request, specs_id: str) -> Response:
        self.caller.permit(policies.DELETE_QOS)
        self.check_query("force")
        force = read_flag(request.GET.get("force", "false"), "force")
        qos.delete(self.find_specs(specs_id), force=force)
        return Response(status=202)


class QosKeysDeletion(QosView):
    """``PUT /volume/v3/qos-specs/{specs_id}/delete_keys``"""

    bodies: ClassVar = {"put": ("", QosKeysUnset)}

    def put(self, request: Request, specs_id: str) -> Response:
        self.caller.permit(policies.DELETE_QOS)
        keys = self.read_itself(QosKeysUnset).values["keys"]
        qos.unset_keys(self.find_specs(specs_id), keys)
        return Response(status=202)


class QosTypes(QosView):
    """``GET /volume/v3/qos-specs/{specs_id}/associations``: the types that have them"""

    def get(self, request: Request, specs_id: str) -> Response:
        self.caller.permit(policies.LIST_QOS)
        self.check_query()
        kinds = self.find_specs(specs_id).types.order_by("name", "pk")
        shown = [
            {"association_type": "volume_type", "name": kind.name, "id": str(kind.pk)}
            for kind in kinds
        ]
        return Response({"qos_associations": shown})


class QosChange(QosView):
    """A change by ``GET``, as Cinder has it: what browsers send along of their own accord does not
    count as proof that somebody wants it.
    """

    def find_to_change(self, specs_id: str) -> QosSpecs:
        if not token_of(self.request) and is_cross_site(self.request):
            raise CrossSite("A page of another site may not write in your name.")
        self.caller.permit(policies.UPDATE_QOS)
        return self.find_specs(specs_id)

    def read_type(self) -> str:
        self.check_query("vol_type_id")
        type_id = self.request.GET.get("vol_type_id", "")
        if not type_id:
            raise BadRequest("Give the id of a volume type as vol_type_id.", field="vol_type_id")
        return type_id


class QosAssociation(QosChange):
    """``GET /volume/v3/qos-specs/{specs_id}/associate?vol_type_id=``"""

    def get(self, request: Request, specs_id: str) -> Response:
        specs = self.find_to_change(specs_id)
        qos.associate(specs, self.read_type())
        return Response(status=202)


class QosDisassociation(QosChange):
    """``GET /volume/v3/qos-specs/{specs_id}/disassociate?vol_type_id=``"""

    def get(self, request: Request, specs_id: str) -> Response:
        specs = self.find_to_change(specs_id)
        qos.disassociate(specs, self.read_type())
        return Response(status=202)


class QosDisassociationOfAll(QosChange):
    """``GET /volume/v3/qos-specs/{specs_id}/disassociate_all``"""

    def get(self, request: Request, specs_id: str) -> Response:
        specs = self.find_to_change(specs_id)
        self.check_query()
        qos.disassociate_all(specs)
        return Response(status=202)
