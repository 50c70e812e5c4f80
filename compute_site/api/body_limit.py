"""Refuses a request body that is too large, or whose length is malformed, before anything else
reads it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from compute_site.api.bodies import is_chunked, take_chunks
from compute_site.faults import BadRequest, BodyTooLarge, Fault

STREAMED = re.compile(
    "/image/v2/images/[^/]+/(file|stage)|/host/v1/snapshots/[^/]+|/host/v1/moves/[^/]+/[^/]+"
)
"""What takes bodies of any size, and reads them piece by piece."""
DIGITS = re.compile("[0-9]+")
MOST_DIGITS = 20
"""More make no difference, but Python refuses to read thousands."""
LARGEST = 10 ** (MOST_DIGITS - 1) - 1


class BodyLimitMiddleware:
    """413 in the envelope for a body of more than ``max_body_bytes``
    (docs/contract/create-response.md 6).
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.limit: int = settings.OPTIONS.max_body_bytes

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            self.check(request)
        except Fault as fault:
            return JsonResponse(fault.envelope(), status=fault.status)
        return self.get_response(request)

    def check(self, request: HttpRequest) -> None:
        """Check the length of the body, and read a chunked one.

        Raises:
            BadRequest: the length is no number, or the body is not complete.
            BodyTooLarge: it is larger than the limit.
        """
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not DIGITS.fullmatch(length):
            raise BadRequest("Content-Length is no number.")
        streamed = STREAMED.fullmatch(request.path_info)
        limit = LARGEST if streamed else self.limit
        if int(length[:MOST_DIGITS]) > limit:
            raise BodyTooLarge(f"The body is too large; at most {limit} bytes are read.")
        if is_chunked(request) and not streamed:
            take_chunks(request, limit)
