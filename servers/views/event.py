"""``/servers/events``."""

from __future__ import annotations

from django.http import HttpResponse

from compute_site.api.microversions.contract import Contract
from compute_site.api.view import ComputeRequest, ComputeView
from compute_site.waiting.held import TooManyWait, keep_open, wait_here
from servers.read.changes import ChangeStream
from servers.serializers.event import EventQuery

EVENT_STREAM = "text/event-stream"
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The latter tells nginx to pass on each event when it comes."""


class ServerEvents(ComputeView):
    """What changes, as it changes."""

    contracts = {
        "GET": Contract(
            summary="Follow the changes of servers",
            query=EventQuery,
            media_type=EVENT_STREAM,
            faults=(403, TooManyWait.status),
        ),
    }

    def get(self, request: ComputeRequest) -> HttpResponse:
        stream = ChangeStream.open(
            request.caller,
            everywhere=self.read_query(EventQuery),
            last_event_id=request.META.get("HTTP_LAST_EVENT_ID"),
        )
        content = stream.begin()
        if not keep_open(request.META, stream) and b"data: " not in content:
            content += wait_here(stream)  # the client comes again for more
        return HttpResponse(content, content_type=EVENT_STREAM, headers=HEADERS)
