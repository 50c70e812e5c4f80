"""Refuses a request body that is larger than the limit, or of which nobody knows how large it is,
before anything else looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from compute_site.faults import BadRequest, BodyTooLarge, Fault

LIMITED_PATHS = ("/compute/", "/identity/")


DIGITS = re.compile("[0-9]+")
MOST_DIGITS = 20
"""More make no difference, but Python refuses to read thousands."""


class BodyLimitMiddleware:
    """413 in the envelope for a body of more than ``max_body_bytes`` (spec/create-response.md
    6).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.limit: int = settings.OPTIONS.max_body_bytes

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        limited = request.path_info.startswith(LIMITED_PATHS)
        fault: Fault | None = None
        if not DIGITS.fullmatch(length):
            fault = BadRequest("Content-Length is no number.")
        elif limited and int(length[:MOST_DIGITS]) > self.limit:
            fault = BodyTooLarge(f"The body is too large; at most {self.limit} bytes are read.")
        if fault is not None:
            return JsonResponse(fault.envelope(), status=fault.status)
        return self.get_response(request)
