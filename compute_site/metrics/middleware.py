"""Counts the requests by route and status."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from compute_site.metrics.meters import REQUESTS, count
from compute_site.waiting.held import HELD

UNKNOWN = "unknown"
METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
"""Whatever else a client sends counts as one, so that there is no end of counters."""
NAMED_GROUP = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)")
CONVERTED = re.compile(r"<(?:\w+:)?(\w+)>")
END = re.compile(r"\(\?:/\|\$\)")


class CountRequests:
    """A request that waits without a thread is counted once, when it is answered."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        held = request.META.get(HELD)
        if held is None or held.stays:
            match = request.resolver_match
            route = readable(match.route) if match is not None else UNKNOWN
            method = request.method if request.method in METHODS else "other"
            count(REQUESTS, method or "other", route, str(response.status_code))
        return response


@functools.lru_cache(maxsize=2048)
def readable(route: str) -> str:
    """A route of Django's as people write it: ``/compute/{api}/servers/{server_id}``."""
    text = END.sub("/", NAMED_GROUP.sub(r"{\1}", route))
    text = CONVERTED.sub(r"{\1}", text)
    text = text.replace("^", "").replace("$", "").replace("\\", "").replace("/?", "")
    return f"/{text}".replace("//", "/")
