"""``/os-assisted-volume-snapshots``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.attachments.assisted_snapshots import AssistedSnapshot, assist
from servers.policies import assisted_snapshot as rules
from servers.serializers.assisted_snapshot import (
    AssistedSnapshotAnswer,
    AssistedSnapshotCreate,
    AssistedSnapshotQuery,
)


class AssistedSnapshots(ComputeView):
    """Where a volume service asks for help with a snapshot."""

    contracts = {
        "POST": Contract(
            summary="Let a host help with the snapshot of a volume",
            body=AssistedSnapshotCreate,
            example={
                "snapshot": {
                    "volume_id": demo.VOLUME,
                    "create_info": {"snapshot_id": "1", "type": "qcow2", "new_file": "after"},
                }
            },
            answer={"snapshot": AssistedSnapshotAnswer},
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        asked: AssistedSnapshot = self.read(AssistedSnapshotCreate)
        request.caller.permit(rules.CREATE)
        assist(asked.volume_id)
        return self.answer({"snapshot": self.show(AssistedSnapshotAnswer, asked)})


class OneAssistedSnapshot(ComputeView):
    """One such snapshot."""

    contracts = {
        "DELETE": Contract(
            summary="Let a host help when the snapshot of a volume is deleted",
            query=AssistedSnapshotQuery,
            status=204,
        )
    }

    def delete(self, request: ComputeRequest, snapshot_id: str) -> Response:
        request.caller.permit(rules.DELETE)
        assist(self.read_query(AssistedSnapshotQuery))
        return self.accepted(204)
