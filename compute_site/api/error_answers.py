"""Answers errors outside of views: an HTML page for browsers, the JSON envelope for programs."""

from __future__ import annotations

import sys

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.views import defaults

from compute_site.api.pages import wants_page
from compute_site.api.view import as_fault
from compute_site.faults import Fault, Forbidden, NotFound, Unavailable

OUTAGE_PAGE = "<!doctype html><title>Try again later</title><h1>Try again later</h1><p>{}</p>"


def show_bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """For example, a ``Host`` that is not in ``ALLOWED_HOSTS``."""
    known = isinstance(exception, DisallowedHost)
    return _answer(request, as_fault(exception), "Bad request", with_links=not known)


def show_forbidden(
    request: HttpRequest,
    exception: Exception,  # noqa: ARG001 - Django passes it by this name
) -> HttpResponse:
    return _answer(request, Forbidden("You may not do this."), "You may not do this")


def show_not_found(
    request: HttpRequest,
    exception: Exception,  # noqa: ARG001 - Django passes it by this name
) -> HttpResponse:
    fault = NotFound(f"There is nothing at {request.path}.")
    return _answer(request, fault, "There is nothing here")


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


def _answer(
    request: HttpRequest, fault: Fault, title: str, *, with_links: bool = True
) -> HttpResponse:
    """A page that leads back, without a look at the database: nobody knows what has happened."""
    if not wants_page(request):
        return _show(fault)
    content = {"title": title, "detail": fault.detail, "with_links": with_links}
    page = render_to_string("compute_site/refusal.html", content)
    return HttpResponse(page, status=fault.status, headers=fault.headers)


def _show(fault: Fault) -> HttpResponse:
    return JsonResponse(fault.envelope(), status=fault.status, headers=fault.headers)
