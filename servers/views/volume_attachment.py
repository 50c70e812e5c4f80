"""``/servers/{id}/os-volume_attachments``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.microversions.contract import Contract
from compute_site.microversions.queries import PageQuery
from compute_site.views import ComputeRequest, ComputeView
from servers.attachments.volumes import find_volume, list_volumes
from servers.policies import volume_attachment as rules
from servers.read.find import find_server
from servers.serializers.volume_attachment import VolumeAttachmentAnswer


class VolumeAttachments(ComputeView):
    """The volumes of a server."""

    contracts = {
        "GET": Contract(
            summary="List the volumes of a server",
            query=PageQuery,
            answer={"volumeAttachments": [VolumeAttachmentAnswer]},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str) -> Response:
        page = self.read_query(PageQuery)
        instance = find_server(request.caller, server_id, rules.INDEX)
        volumes = list_volumes(instance, **page)
        shown = self.show_all(VolumeAttachmentAnswer, volumes, server_id=server_id)
        return self.answer({"volumeAttachments": shown})


class VolumeAttachment(ComputeView):
    """One volume of a server."""

    contracts = {
        "GET": Contract(
            summary="Show a volume of a server",
            answer={"volumeAttachment": VolumeAttachmentAnswer},
        ),
    }

    def get(self, request: ComputeRequest, server_id: str, volume_id: str) -> Response:
        instance = find_server(request.caller, server_id, rules.SHOW)
        volume = find_volume(instance, volume_id)
        shown = self.show(VolumeAttachmentAnswer, volume, server_id=server_id)
        return self.answer({"volumeAttachment": shown})
