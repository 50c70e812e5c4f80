"""The attachments of volumes: ``/volume/v3/attachments``."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import BadRequest
from compute_site.neighbours.ownership import may_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.queries import an_id
from compute_site.neighbours.volume.api.representation import show_entry, show_whole_entry
from compute_site.neighbours.volume.api.serializers import AttachmentCreate, AttachmentUpdate
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local import attachments
from compute_site.neighbours.volume.models import Attachment, OfVolumeQuerySet

COMPLETE = "os-complete"


def _status(word: str) -> Q:
    """What is being detached is shown as attached."""
    return Q(status__in=("attached", "detaching") if word == "attached" else (word,))


class AttachmentView(VolumeView):
    first = "3.27"

    def rows(self) -> OfVolumeQuerySet[Attachment]:
        self.caller.permit(policies.SHOW)
        return Attachment.objects.visible_to(self.caller).select_related(
            "volume__volume_type__qos_specs"
        )

    def find_attachment(self, attachment_id: str) -> Attachment:
        return self.find(self.rows(), attachment_id, "attachment")

    def show(self, attachment: Attachment) -> dict[str, Any]:
        """With the connection, for those who may make one."""
        owner = attachment.volume.project_id
        sees = may_on(self.caller, policies.UPDATE_ATTACHMENT, owner)
        connection = attachments.connection_info(attachment) if sees else {}
        return show_whole_entry(attachment, connection)


class AttachmentsDetail(AttachmentView):
    """``GET /volume/v3/attachments/detail``"""

    reads: ClassVar = {
        "volume_id": an_id("volume"),
        "instance_id": an_id("server_id"),
        "status": _status,
        "attach_status": _status,
    }
    sorts: ClassVar = {
        "id": "pk",
        **{key: key for key in ("created_at", "volume_id")},
        "attach_status": "status",
        "attach_mode": "mode",
        "attached_host": "host_name",
        "mountpoint": "device",
        "instance_uuid": "server_id",
    }

    def get(self, request: Request) -> Response:
        found = self.cut(self.chosen(self.listed(self.rows())))
        return self.answer_page("attachments", found, [self.show(entry) for entry in found])


class Attachments(AttachmentsDetail):
    """``GET /volume/v3/attachments``; ``POST`` reserves a volume"""

    bodies: ClassVar = {"post": ("attachment", AttachmentCreate)}

    def post(self, request: Request) -> Response:
        values = self.read("attachment", AttachmentCreate).values
        made = attachments.create(self.caller, values)
        return Response({"attachment": super().show(made)})

    def show(self, attachment: Attachment) -> dict[str, Any]:
        return show_entry(attachment)


class AttachmentDetail(AttachmentView):
    """``GET``, ``PUT`` and ``DELETE /volume/v3/attachments/{attachment_id}``"""

    bodies: ClassVar = {"put": ("attachment", AttachmentUpdate)}

    def get(self, request: Request, attachment_id: str) -> Response:
        return Response({"attachment": self.show(self.find_attachment(attachment_id))})

    def put(self, request: Request, attachment_id: str) -> Response:
        attachment = self.find_attachment(attachment_id)
        connector = self.read("attachment", AttachmentUpdate).values["connector"]
        changed = attachments.update(self.caller, attachment, connector)
        return Response({"attachment": self.show(changed)})

    def delete(self, request: Request, attachment_id: str) -> Response:
        left = attachments.delete(self.caller, self.find_attachment(attachment_id))
        return Response({"attachments": [show_entry(entry) for entry in left]})


class AttachmentAction(AttachmentView):
    """``POST /volume/v3/attachments/{attachment_id}/action``: ``os-complete``"""

    first = "3.44"

    def post(self, request: Request, attachment_id: str) -> Response:
        body = self.read_body()
        if not isinstance(body, dict) or list(body) != [COMPLETE]:
            raise BadRequest(f"Send {COMPLETE} alone.")
        attachments.complete(self.caller, self.find_attachment(attachment_id))
        return Response(status=204)
