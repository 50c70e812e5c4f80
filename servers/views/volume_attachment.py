"""``/servers/{id}/os-volume_attachments``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import PageQuery
from compute_site.api.view import ComputeRequest, ComputeView
from servers.attachments.volume_changes import VolumeRequest, attach_volume, detach_volume
from servers.attachments.volume_swap import AttachmentUpdate, update_attachment
from servers.attachments.volumes import find_volume, list_volumes
from servers.policies import volume_attachment as rules
from servers.read.find import find_server
from servers.serializers.volume_attachment import (
    VolumeAttached,
    VolumeAttachmentAnswer,
    VolumeAttachmentCreate,
    VolumeAttachmentUpdate,
    knows_shelved,
    shows_claims,
)


class VolumeAttachments(ComputeView):
    """The volumes of a server."""

    contracts = {
        "GET": Contract(
            summary="List the volumes of a server",
            query=PageQuery,
            answer={"volumeAttachments": [VolumeAttachmentAnswer]},
        ),
        "POST": Contract(
            summary="Attach a volume to a server",
            body=VolumeAttachmentCreate,
            example={"volumeAttachment": {"volumeId": demo.VOLUME}},
            answer={"volumeAttachment": VolumeAttached},
            silent_since="2.101",
            faults=(403, 409),
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        page = self.read_query(PageQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        volumes = list_volumes(instance, claimed=shows_claims(request.version), **page)
        shown = self.show_all(VolumeAttachmentAnswer, volumes, server_id=server_id)
        return self.answer({"volumeAttachments": shown})

    def post(self, request: ComputeRequest, server_id: str) -> Response:
        wanted: VolumeRequest = self.read(VolumeAttachmentCreate)
        instance = find_server(request.caller, server_id, rules.CREATE)
        disk = attach_volume(request.caller, instance, wanted)
        if not wanted.told:
            return self.accepted()
        shown = self.show(VolumeAttached, disk, server_id=server_id)
        return self.answer({"volumeAttachment": shown})


class VolumeAttachment(ComputeView):
    """One volume of a server."""

    contracts = {
        "GET": Contract(
            summary="Show a volume of a server",
            answer={"volumeAttachment": VolumeAttachmentAnswer},
        ),
        "PUT": Contract(
            summary="Change how a volume is attached, or swap it for another",
            body=VolumeAttachmentUpdate,
            example={"volumeAttachment": {"volumeId": demo.OTHER_VOLUME}},
            later_examples={
                "2.85": {
                    "volumeAttachment": {
                        "volumeId": demo.VOLUME,
                        "delete_on_termination": True,
                    }
                }
            },
            status=202,
            faults=(403, 409),
        ),
        "DELETE": Contract(summary="Detach a volume from a server", status=202, faults=(403, 409)),
    }

    def get(self, request: ComputeRequest, server_id: str, volume_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.SHOW)
        claimed = shows_claims(request.version)
        volume = find_volume(instance, volume_id, claimed=claimed)
        shown = self.show(VolumeAttachmentAnswer, volume, server_id=server_id)
        return self.answer({"volumeAttachment": shown})

    def put(self, request: ComputeRequest, server_id: str, volume_id: str) -> Response:
        update: AttachmentUpdate = self.read(VolumeAttachmentUpdate)
        rule = rules.SWAP if update.swaps(volume_id) else rules.UPDATE
        instance = find_server(request.caller, server_id, rule)
        update_attachment(request.caller, instance, volume_id, update)
        return self.accepted()

    def delete(self, request: ComputeRequest, server_id: str, volume_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.DELETE)
        shelved = knows_shelved(request.version)
        detach_volume(request.caller, instance, volume_id, shelved=shelved)
        return self.accepted()
