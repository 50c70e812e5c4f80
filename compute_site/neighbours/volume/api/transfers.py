"""Volumes on offer: ``/volume/v3/volume-transfers``, and by its old name
``/volume/v3/os-volume-transfer``.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import NotFound
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.queries import an_id, same
from compute_site.neighbours.volume.api.representation import cinder_time, links
from compute_site.neighbours.volume.api.serializers import TransferAccept, TransferCreate
from compute_site.neighbours.volume.api.version import known_at, starting
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local import transfers
from compute_site.neighbours.volume.models import OfVolumeQuerySet, Transfer
from compute_site.values.words import is_canonical

KEYS_SINCE = starting(
    v3_55=["no_snapshots"],
    v3_57=["source_project_id", "destination_project_id", "accepted"],
)


class TransferView(VolumeView):
    def rows(self) -> OfVolumeQuerySet[Transfer]:
        return Transfer.objects.visible_to(self.caller).select_related("volume")

    def show_plain(self, transfer: Transfer) -> dict[str, Any]:
        transfer_id = str(transfer.pk)
        owner = transfer.volume.project_id
        return {
            "id": transfer_id,
            "volume_id": str(transfer.volume_id),
            "name": transfer.name,
            "links": links(self.root, owner, "os-volume-transfer", transfer_id),
        }

    def show_whole_transfer(self, transfer: Transfer) -> dict[str, Any]:
        shown = {
            **self.show_plain(transfer),
            "created_at": cinder_time(transfer.created_at),
            "no_snapshots": transfer.no_snapshots,
            "source_project_id": transfer.volume.project_id,
            "destination_project_id": None,
            "accepted": False,
        }
        return known_at(shown, KEYS_SINCE, self.version)

    def find_transfer(self, transfer_id: str) -> Transfer:
        return self.find(self.rows(), transfer_id, "transfer")


class TransfersDetail(TransferView):
    """``GET /volume/v3/volume-transfers/detail``"""

    reads: ClassVar = {"id": an_id(), "name": same("name"), "volume_id": an_id("volume")}
    sorts: ClassVar = {
        "id": "pk",
        "display_name": "name",
        **{key: key for key in ("created_at", "volume_id", "no_snapshots")},
    }
    since: ClassVar = starting(v3_59=["marker", "sort", "sort_key", "sort_dir"])
    usual: ClassVar = (("created_at", False),)

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_TRANSFERS)
        found = self.cut(self.chosen(self.listed(self.rows())))
        return self.answer_page("transfers", found, [self.show(row) for row in found])

    def show(self, transfer: Transfer) -> dict[str, Any]:
        return self.show_whole_transfer(transfer)


class Transfers(TransfersDetail):
    """``GET /volume/v3/volume-transfers``; ``POST`` offers a volume"""

    bodies: ClassVar = {"post": ("transfer", TransferCreate)}

    def post(self, request: Request) -> Response:
        values = self.read("transfer", TransferCreate).values
        transfer, key = transfers.offer(self.caller, values)
        shown = self.show_whole_transfer(transfer) | {"auth_key": key}
        return Response({"transfer": shown}, status=202)

    def show(self, transfer: Transfer) -> dict[str, Any]:
        return self.show_plain(transfer)


class TransferDetail(TransferView):
    """``GET`` and ``DELETE /volume/v3/volume-transfers/{transfer_id}``"""

    def get(self, request: Request, transfer_id: str) -> Response:
        self.caller.permit(policies.SHOW_TRANSFER)
        return Response({"transfer": self.show_whole_transfer(self.find_transfer(transfer_id))})

    def delete(self, request: Request, transfer_id: str) -> Response:
        transfers.withdraw(self.caller, self.find_transfer(transfer_id))
        return Response(status=202)


class TransferAcceptance(TransferView):
    """``POST /volume/v3/volume-transfers/{transfer_id}/accept``"""

    bodies: ClassVar = {"post": ("accept", TransferAccept)}

    def post(self, request: Request, transfer_id: str) -> Response:
        key = self.read("accept", TransferAccept).values["auth_key"]
        if not is_canonical(transfer_id):
            raise NotFound(transfers.NOT_HERE.format(transfer_id[:60]))
        taken = transfers.accept(self.caller, uuid.UUID(transfer_id), key)
        return Response({"transfer": self.show_plain(taken)}, status=202)
