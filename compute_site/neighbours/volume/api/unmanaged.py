"""What the store keeps of volumes that are none any more: ``/volume/v3/manageable_volumes``, and by
its old name ``/volume/v3/os-volume-manage``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.about import BACKENDS
from compute_site.neighbours.volume.api.queries import Read
from compute_site.neighbours.volume.api.serializers import VolumeManage
from compute_site.neighbours.volume.api.views import BEGUN, VolumeView
from compute_site.neighbours.volume.local import data, unmanaged
from compute_site.neighbours.volume.models import UnmanagedVolume

PAGES = frozenset(("limit", "offset", "sort", "sort_key", "sort_dir"))


def at_host(host: str) -> Q:
    """All are in the one store. Raises: NotFound: it is none."""
    if host not in BACKENDS:
        raise NotFound(f"There is no store at {host[:60]}.")
    return Q()


class UnmanagedDetail(VolumeView):
    """``GET /volume/v3/manageable_volumes/detail``"""

    reads: ClassVar[dict[str, Read]] = {"host": at_host}
    sorts: ClassVar = {"reference": "pk", "size": "size"}
    controls: ClassVar = PAGES
    usual: ClassVar = (("pk", True),)
    usual_key = "reference"

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_MANAGEABLE)
        if not request.GET.get("host"):
            raise BadRequest("host: name the store, as volumes name theirs.", field="host")
        rows = self.cut(self.chosen(UnmanagedVolume.objects.all()))
        return Response({"manageable-volumes": [self.show(row) for row in rows]})

    def show(self, row: UnmanagedVolume) -> dict[str, Any]:
        shown = show_plain(row)
        why = None if shown["safe_to_manage"] else "the bytes are gone"
        return {**shown, "reason_not_safe": why, "cinder_id": None, "extra_info": None}


class Unmanaged(UnmanagedDetail):
    """``GET /volume/v3/manageable_volumes``; ``POST`` makes a volume of one"""

    bodies: ClassVar = {"post": ("volume", VolumeManage)}

    def post(self, request: Request) -> Response:
        self.caller.permit(policies.MANAGE)
        self.check_query()
        values = self.read("volume", VolumeManage).values
        if values["host"] not in BACKENDS:
            raise BadRequest(f"There is no store at {values['host']}.", field="volume.host")
        volume = unmanaged.manage(self.caller, values)
        return Response({"volume": self.show_changed(volume) | BEGUN}, status=202)

    def show(self, row: UnmanagedVolume) -> dict[str, Any]:
        return show_plain(row)


def show_plain(row: UnmanagedVolume) -> dict[str, Any]:
    return {
        "reference": {"source-name": str(row)},
        "size": row.size,
        "safe_to_manage": data.has_bytes(str(row.pk)),
    }
