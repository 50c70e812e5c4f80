"""``/faults``: faults on request, and the requests that meet them. Only there with the option
``faults_on_request``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.faults import Fault, Forbidden
from compute_site.neighbours.service_view import ServiceView
from compute_site.waiting.held import DROPPED
from servers.injections.changes import (
    find_injection,
    inject,
    list_injections,
    withdraw,
    withdraw_all,
)
from servers.injections.meeting import Met, find_for_request
from servers.injections.shapes import DROP, TOO_MANY, UNAVAILABLE
from servers.models import Injection
from servers.serializers.injection import read_injection

NEVER = ("/faults", "/admin", "/static", "/healthz", "/readyz")
"""Nobody shall be locked out of the ways to end a fault."""
STATUS = {UNAVAILABLE: 503, TOO_MANY: 429}


class NotForYou(Forbidden):
    """Only admins ask for faults."""

    code = "not_for_you"


class InjectionView(ServiceView):
    """For admins of the cloud."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not self.caller.is_admin:
            raise NotForYou("Only admins of the cloud ask for faults.")

    def show_error(self, fault: Fault) -> dict[str, Any]:
        return fault.envelope()


class Injections(InjectionView):
    """``GET``, ``POST`` and ``DELETE /faults``"""

    def get(self, request: Request) -> Response:
        return Response({"faults": [show(row) for row in list_injections()]})

    def post(self, request: Request) -> Response:
        order = read_injection(self.read_body())
        injection = inject(order, by=self.caller.user_name)
        return Response({"fault": show(injection)}, status=201)

    def delete(self, request: Request) -> Response:
        withdraw_all(by=self.caller.user_name)
        return Response(status=204)


class InjectionDetail(InjectionView):
    """``GET`` and ``DELETE /faults/{id}``"""

    def get(self, request: Request, key: str) -> Response:
        return Response({"fault": show(find_injection(key))})

    def delete(self, request: Request, key: str) -> Response:
        withdraw(find_injection(key), by=self.caller.user_name)
        return Response(status=204)


def show(injection: Injection) -> dict[str, Any]:
    return {
        "id": str(injection.uuid),
        "kind": injection.kind,
        **injection.details,
        "left": injection.left,
        "met": injection.met,
    }


class InjectionMiddleware:
    """Lets requests meet the faults that were asked for them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        met = None
        if not request.path.startswith(NEVER):
            met = find_for_request(str(request.method), request.path)
        return self.get_response(request) if met is None else self._answer(request, met)

    def _answer(self, request: HttpRequest, met: Met) -> HttpResponse:
        if met.outcome in STATUS:
            status = STATUS[met.outcome]
            error = {"code": status, "message": "This answer was asked for."}
            headers = {"Retry-After": str(met.seconds)}
            return JsonResponse({"error": error}, status=status, headers=headers)
        if met.outcome == DROP:
            request.META[DROPPED] = True
            return HttpResponse(status=503)  # under a web server that cannot do it
        time.sleep(met.seconds)
        return self.get_response(request)
