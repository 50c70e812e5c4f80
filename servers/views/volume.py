"""``/os-volumes`` and ``/os-snapshots``: old URLs of compute that pass requests on to the volume
service.
"""

from __future__ import annotations

from typing import ClassVar

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.microversions.queries import PageQuery
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.db.paging import cut_list
from servers.policies import volume as rules
from servers.proxies.volumes import (
    create_snapshot,
    create_volume,
    delete_snapshot,
    delete_volume,
    find_snapshot,
    find_volume,
    list_snapshots,
    list_volumes,
)
from servers.serializers.volume import SnapshotAnswer, SnapshotCreate, VolumeAnswer, VolumeCreate

VOLUME = {"volume": {"size": 1, "display_name": "data"}}
SNAPSHOT = {"snapshot": {"volume_id": demo.VOLUME, "display_name": "before"}}


class VolumesDetail(ComputeView):
    """The volumes of the project."""

    until = "2.35"
    rule: ClassVar[str] = rules.DETAIL
    contracts = {
        "GET": Contract(
            summary="List volumes in detail", query=PageQuery, answer={"volumes": [VolumeAnswer]}
        )
    }

    def get(self, request: ComputeRequest) -> Response:
        page = self.read_query(PageQuery)
        request.caller.permit(self.rule)
        volumes = cut_list(list_volumes(request.caller), page)
        return self.answer({"volumes": self.show_all(VolumeAnswer, volumes)})


class Volumes(VolumesDetail):
    """The same, and where volumes are made."""

    rule = rules.LIST
    contracts = {
        "GET": Contract(
            summary="List volumes", query=PageQuery, answer={"volumes": [VolumeAnswer]}
        ),
        "POST": Contract(
            summary="Create a volume",
            body=VolumeCreate,
            example=VOLUME,
            answer={"volume": VolumeAnswer},
            headers={"Location": "The volume that was made."},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        wanted = self.read(VolumeCreate)
        request.caller.permit(rules.CREATE)
        made = create_volume(request.caller, wanted)
        location = f"{request.build_absolute_uri()}/{made.id}"
        return self.answer(
            {"volume": self.show(VolumeAnswer, made)}, headers={"Location": location}
        )


class Volume(ComputeView):
    """One volume."""

    until = "2.35"
    contracts = {
        "GET": Contract(summary="Show a volume", answer={"volume": VolumeAnswer}),
        "DELETE": Contract(summary="Delete a volume", status=202),
    }

    def get(self, request: ComputeRequest, volume_id: str) -> Response:
        request.caller.permit(rules.SHOW)
        found = find_volume(request.caller, volume_id)
        return self.answer({"volume": self.show(VolumeAnswer, found)})

    def delete(self, request: ComputeRequest, volume_id: str) -> Response:
        request.caller.permit(rules.DELETE)
        delete_volume(request.caller, volume_id)
        return self.accepted()


class SnapshotsDetail(ComputeView):
    """The snapshots of the project."""

    until = "2.35"
    rule: ClassVar[str] = rules.DETAIL_SNAPSHOTS
    contracts = {
        "GET": Contract(
            summary="List snapshots in detail",
            query=PageQuery,
            answer={"snapshots": [SnapshotAnswer]},
        )
    }

    def get(self, request: ComputeRequest) -> Response:
        page = self.read_query(PageQuery)
        request.caller.permit(self.rule)
        snapshots = cut_list(list_snapshots(request.caller), page)
        return self.answer({"snapshots": self.show_all(SnapshotAnswer, snapshots)})


class Snapshots(SnapshotsDetail):
    """The same, and where snapshots are made."""

    rule = rules.LIST_SNAPSHOTS
    contracts = {
        "GET": Contract(
            summary="List snapshots", query=PageQuery, answer={"snapshots": [SnapshotAnswer]}
        ),
        "POST": Contract(
            summary="Create a snapshot",
            body=SnapshotCreate,
            example=SNAPSHOT,
            answer={"snapshot": SnapshotAnswer},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        wanted = self.read(SnapshotCreate)
        request.caller.permit(rules.CREATE_SNAPSHOT)
        made = create_snapshot(request.caller, wanted)
        return self.answer({"snapshot": self.show(SnapshotAnswer, made)})


class Snapshot(ComputeView):
    """One snapshot."""

    until = "2.35"
    contracts = {
        "GET": Contract(summary="Show a snapshot", answer={"snapshot": SnapshotAnswer}),
        "DELETE": Contract(summary="Delete a snapshot", status=202),
    }

    def get(self, request: ComputeRequest, snapshot_id: str) -> Response:
        request.caller.permit(rules.SHOW_SNAPSHOT)
        found = find_snapshot(request.caller, snapshot_id)
        return self.answer({"snapshot": self.show(SnapshotAnswer, found)})

    def delete(self, request: ComputeRequest, snapshot_id: str) -> Response:
        request.caller.permit(rules.DELETE_SNAPSHOT)
        delete_snapshot(request.caller, snapshot_id)
        return self.accepted()
