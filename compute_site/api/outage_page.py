"""What people see, and what the log says, when the database cannot do what a page needs."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.views.defaults import server_error

from compute_site.db.outages import as_outage, reason_of
from compute_site.faults import Unavailable

logger = logging.getLogger(__name__)

PAGE = "<!doctype html><title>Try again later</title><h1>Try again later</h1><p>{}</p>"


def show_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of errors that no view has caught: the APIs catch all of theirs."""
    error = sys.exc_info()[1]
    outage = as_outage(error) if error is not None else None
    if outage is None:
        return server_error(request)
    logger.warning("%s (%s)", outage.detail, reason_of(error or outage))
    page = format_html(PAGE, outage.detail)
    return HttpResponse(page, status=outage.status, headers=outage.headers)


class OutageFilter(logging.Filter):
    """Takes Django's own line, with or without its traceback, from answers that something is not
    available: what was missing has been said already.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != Unavailable.status
