"""Request ids: a fresh one for each request, sent back, and put into every log line."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

current_request_id: ContextVar[str] = ContextVar("current_request_id", default="-")
GLOBAL_ID = re.compile(r"req-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class RequestIdMiddleware:
    """Names the request ``req-<uuid>``; a well-formed id of the client goes to the log beside
    it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = f"req-{uuid.uuid4()}"
        request.META["compute_site.request_id"] = request_id
        global_id = request.headers.get("X-OpenStack-Request-ID", "")
        shown = f"{request_id} {global_id}" if GLOBAL_ID.fullmatch(global_id) else request_id
        token = current_request_id.set(shown)
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
        response["x-openstack-request-id"] = request_id
        response["x-compute-request-id"] = request_id
        return response


class RequestIdFilter(logging.Filter):
    """Adds ``request_id`` to every record."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = current_request_id.get()
        return True
