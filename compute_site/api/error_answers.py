"""Answers errors outside of views: an HTML page for browsers, the JSON envelope for programs."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.html import format_html
from django.views import defaults

from compute_site.api.microversions.negotiation import wants_page
from compute_site.api.view import as_fault
from compute_site.faults import BadRequest, Fault, Forbidden, NotFound, Unavailable

OUTAGE_PAGE = "<!doctype html><title>Try again later</title><h1>Try again later</h1><p>{}</p>"


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For example, a ``Host`` that is not in ``ALLOWED_HOSTS``."""
    if wants_page(request):
        return defaults.bad_request(request, exception)
    return _show(BadRequest("This is no request that the site answers."))


def show_forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return defaults.permission_denied(request, exception)
    return _show(Forbidden("You may not do this."))


def show_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return defaults.page_not_found(request, exception)
    return _show(NotFound(f"There is nothing at {request.path}."))


def show_error(request: HttpRequest) -> HttpResponse:
    """An error that no view has caught; the views of the APIs catch all of theirs."""
    error = sys.exc_info()[1]
    fault = as_fault(error if isinstance(error, Exception) else RuntimeError())
    if not wants_page(request):
        return _show(fault)
    if not isinstance(fault, Unavailable):
        return defaults.server_error(request)
    page = format_html(OUTAGE_PAGE, fault.detail)
    return HttpResponse(page, status=fault.status, headers=fault.headers)


def _show(fault: Fault) -> HttpResponse:
    return JsonResponse(fault.envelope(), status=fault.status, headers=fault.headers)
