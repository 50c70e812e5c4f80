"""What the lists of the volume API are filtered by: ``/volume/v3/resource_filters``."""

from __future__ import annotations

from collections.abc import Mapping

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.volume.api.attachments import AttachmentsDetail
from compute_site.neighbours.volume.api.backups import BackupsDetail
from compute_site.neighbours.volume.api.group_types import GroupTypes
from compute_site.neighbours.volume.api.groups import GroupsDetail, GroupSnapshotsDetail
from compute_site.neighbours.volume.api.messages import Messages
from compute_site.neighbours.volume.api.queries import ListView
from compute_site.neighbours.volume.api.types import Types
from compute_site.neighbours.volume.api.version import known_at
from compute_site.neighbours.volume.api.views import SnapshotsDetail, VolumesDetail, VolumeView

LISTS: Mapping[str, type[ListView]] = {
    "volume": VolumesDetail,
    "snapshot": SnapshotsDetail,
    "attachment": AttachmentsDetail,
    "volume_type": Types,
    "message": Messages,
    "backup": BackupsDetail,
    "group": GroupsDetail,
    "group_snapshot": GroupSnapshotsDetail,
    "group_type": GroupTypes,
}


class ResourceFilters(VolumeView):
    """``GET /volume/v3/resource_filters``"""

    first = "3.33"

    def get(self, request: Request) -> Response:
        self.check_query("resource")
        asked = request.GET.get("resource")
        shown = [
            {"resource": name, "filters": list(known_at(view.reads, view.since, self.version))}
            for name, view in LISTS.items()
            if asked in (None, "", name)
        ]
        return Response({"resource_filters": shown})
