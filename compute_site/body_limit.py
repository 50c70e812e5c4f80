"""Refuses a request body that is larger than the limit, before anything else looks at it."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from compute_site.faults import BodyTooLarge

LIMITED_PATHS = ("/compute/", "/identity/")


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
        if limited and length.isdigit() and int(length) > self.limit:
            fault = BodyTooLarge(f"The body has {length} bytes; at most {self.limit} are read.")
            return JsonResponse(fault.envelope(), status=fault.status)
        return self.get_response(request)
