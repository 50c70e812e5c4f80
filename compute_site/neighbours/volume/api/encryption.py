"""How volumes of types are to be encrypted: ``/volume/v3/types/{type_id}/encryption``; and what
there is to tell of a volume: ``/volume/v3/volumes/{volume_id}/encryption``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.representation import cinder_time
from compute_site.neighbours.volume.api.types import TypeView
from compute_site.neighbours.volume.api.views import VolumeView, find_volume
from compute_site.neighbours.volume.local import encryption
from compute_site.neighbours.volume.models import TypeEncryption, VolumeType

NOUN = "encryption"


class EncryptionCreate(BodySerializer):
    shape = shapes.NEW_ENCRYPTION


class EncryptionUpdate(BodySerializer):
    shape = shapes.CHANGED_ENCRYPTION


def show(row: TypeEncryption) -> dict[str, Any]:
    return {
        "volume_type_id": str(row.volume_type_id),
        "encryption_id": str(row.pk),
        "provider": row.provider,
        "control_location": row.control_location,
        "cipher": row.cipher,
        "key_size": row.key_size,
        "created_at": cinder_time(row.created_at),
        "updated_at": None if row.updated_at is None else cinder_time(row.updated_at),
        "deleted": False,
        "deleted_at": None,
    }


class OfType(TypeView):
    def find_of(self, type_id: str) -> tuple[VolumeType, dict[str, Any]]:
        """The type, and how its volumes are encrypted; empty: not at all."""
        kind = self.find_type(type_id)
        found = encryption.find(kind)
        return kind, {} if found is None else show(found)


class TypeEncryptions(OfType):
    """``GET`` and ``POST /volume/v3/types/{type_id}/encryption``"""

    bodies: ClassVar = {"post": (NOUN, EncryptionCreate)}

    def get(self, request: Request, type_id: str) -> Response:
        self.caller.permit(policies.SHOW_ENCRYPTION)
        self.check_query()
        _, shown = self.find_of(type_id)
        return Response(shown)

    def post(self, request: Request, type_id: str) -> Response:
        self.caller.permit(policies.CREATE_ENCRYPTION)
        asked = self.read(NOUN, EncryptionCreate)
        made = encryption.create(self.find_type(type_id), asked.values)
        shown = {key: getattr(made, key) for key in asked.values if key in asked.given}
        shown |= {"encryption_id": str(made.pk), "volume_type_id": str(made.volume_type_id)}
        return Response({NOUN: shown})


class TypeEncryptionDetail(OfType):
    """``/volume/v3/types/{type_id}/encryption/{key}``: ``GET`` shows what it names; ``PUT`` and
    ``DELETE`` name the record by its id.
    """

    bodies: ClassVar = {"put": (NOUN, EncryptionUpdate)}

    def get(self, request: Request, type_id: str, key: str) -> Response:
        self.caller.permit(policies.SHOW_ENCRYPTION)
        kind, shown = self.find_of(type_id)
        if key not in shown:
            raise NotFound(f"Nothing is said of {key[:60]} of the type {kind.pk}.")
        return Response({key: shown[key]})

    def put(self, request: Request, type_id: str, key: str) -> Response:
        self.caller.permit(policies.UPDATE_ENCRYPTION)
        kind = self.find_named(type_id, key)
        asked = self.read(NOUN, EncryptionUpdate)
        encryption.update(kind, asked.values, asked.given)
        return Response({NOUN: {name: asked.values[name] for name in sorted(asked.given)}})

    def delete(self, request: Request, type_id: str, key: str) -> Response:
        self.caller.permit(policies.DELETE_ENCRYPTION)
        encryption.delete(self.find_named(type_id, key))
        return Response(status=202)

    def find_named(self, type_id: str, key: str) -> VolumeType:
        """Raises: NotFound: the type has no record of this id."""
        kind, shown = self.find_of(type_id)
        if shown.get("encryption_id") not in (None, key) and key != "provider":
            raise NotFound(f"The type {kind.pk} has no encryption {key[:60]}.")
        return kind


class VolumeEncryption(VolumeView):
    """``GET /volume/v3/volumes/{volume_id}/encryption``: no volume here is encrypted"""

    def get(self, request: Request, volume_id: str) -> Response:
        self.check_query()
        return Response(self.find_encryption(volume_id))

    def find_encryption(self, volume_id: str) -> dict[str, None]:
        volume = find_volume(self, volume_id)
        permit_on(self.caller, policies.SHOW_VOLUME_ENCRYPTION, volume.project_id)
        return {"encryption_key_id": None}


class VolumeEncryptionDetail(VolumeEncryption):
    """``GET /volume/v3/volumes/{volume_id}/encryption/{key}``"""

    def get(self, request: Request, volume_id: str, key: str) -> Response:  # type: ignore[override]
        found = self.find_encryption(volume_id)
        if key not in found:
            raise NotFound(f"Nothing is said of {key[:60]} of volume {volume_id}.")
        return Response(found[key])
