"""What users are told of work of theirs that failed: ``/volume/v3/messages``."""

from __future__ import annotations

from typing import Any, ClassVar

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.neighbours.ownership import OwnedQuerySet
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.queries import PAGES, an_id, same
from compute_site.neighbours.volume.api.representation import cinder_time, links
from compute_site.neighbours.volume.api.version import starting
from compute_site.neighbours.volume.api.views import VolumeView
from compute_site.neighbours.volume.local import messages
from compute_site.neighbours.volume.message_models import Message


class MessageView(VolumeView):
    first = "3.3"

    def rows(self) -> OwnedQuerySet[Message]:
        visible = Message.objects.visible_to(self.caller)
        return visible.filter(expires_at__gt=timezone.now())

    def find_message(self, message_id: str) -> Message:
        return self.find(self.rows(), message_id, "message")

    def show(self, message: Message) -> dict[str, Any]:
        message_id = str(message.pk)
        return {
            "id": message_id,
            "event_id": message.event_id,
            "user_message": messages.text_of(message),
            "message_level": message.level,
            "created_at": cinder_time(message.created_at),
            "guaranteed_until": cinder_time(message.expires_at),
            "request_id": message.request_id,
            "links": links(self.root, message.project_id, "messages", message_id),
            "resource_type": message.resource_type,
            "resource_uuid": str(message.resource_uuid),
        }


class Messages(MessageView):
    """``GET /volume/v3/messages``"""

    reads: ClassVar = {
        "id": an_id(),
        "event_id": same("event_id"),
        "message_level": same("level"),
        "request_id": same("request_id"),
        "resource_type": same("resource_type"),
        "resource_uuid": an_id("resource_uuid"),
    }
    controls: ClassVar = frozenset(PAGES)
    since: ClassVar = starting(v3_5=[*reads, *PAGES])
    sorts: ClassVar = {
        "id": "pk",
        "message_level": "level",
        **{key: key for key in ("event_id", "created_at", "expires_at", "request_id")},
        **{key: key for key in ("project_id", "resource_type", "resource_uuid")},
    }

    def get(self, request: Request) -> Response:
        self.caller.permit(policies.LIST_MESSAGES)
        found = self.cut(self.chosen(self.rows()))
        return self.answer_page("messages", found, [self.show(message) for message in found])


class MessageDetail(MessageView):
    """``GET`` and ``DELETE /volume/v3/messages/{message_id}``"""

    def get(self, request: Request, message_id: str) -> Response:
        self.caller.permit(policies.SHOW_MESSAGE)
        return Response({"message": self.show(self.find_message(message_id))})

    def delete(self, request: Request, message_id: str) -> Response:
        messages.delete(self.caller, self.find_message(message_id))
        return Response(status=204)
