"""``/os-server-external-events``."""

from __future__ import annotations

from rest_framework.response import Response

from compute_site.api import demo
from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from servers.attachments.external_events import ACCEPTED, ExternalEvent, take_events
from servers.policies import external_event as rules
from servers.serializers.external_event import EventAnswer, EventsTold


class ExternalEvents(ComputeView):
    """What other services tell."""

    contracts = {
        "POST": Contract(
            summary="Tell of what other services did with what servers have",
            body=EventsTold,
            example={"events": [{"name": "network-changed", "server_uuid": demo.SERVER}]},
            answer={"events": [EventAnswer]},
            partial_status=207,
        ),
    }

    def post(self, request: ComputeRequest) -> Response:
        events: list[ExternalEvent] = self.read(EventsTold)
        request.caller.permit(rules.CREATE)
        codes = take_events(request.caller, events)
        shown = self.show_all(EventAnswer, zip(events, codes, strict=True))
        whole = all(code == ACCEPTED for code in codes)
        return self.answer({"events": shown}, status=200 if whole else 207)
