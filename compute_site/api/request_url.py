"""Reads the URL of a request as Nova and its neighbours do."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from django.conf import settings
from django.core.exceptions import BadRequest as RefusedForm
from django.http import HttpRequest, HttpResponse
from django.http.request import validate_host

from compute_site.faults import BadRequest

SLASHES = re.compile("//+")
UTF_8 = "utf-8"
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")


class QueryNotUtf8(BadRequest):
    """A name or a value in the query string is not valid UTF-8."""

    code = "query_not_utf8"


class RequestUrlMiddleware:
    """Replaces several slashes in a row by one, and adds a missing ``Host``: HTTP/1.0 does not have
    it, and load balancers send none in their health checks. URLs and forms are always UTF-8,
    whatever encoding the request names: some of Python's read what no database can store.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "//" in request.path_info:
            request.path_info = SLASHES.sub("/", request.path_info)
            request.path = SLASHES.sub("/", request.path)
        if not request.META.get("HTTP_HOST"):
            request.META["SERVER_NAME"] = own_name(request.META["SERVER_NAME"])
        if request.encoding is not None and request.encoding.lower() != UTF_8:
            if request.content_type in FORM_TYPES:
                raise RefusedForm("Send forms in UTF-8.")
            request.encoding = UTF_8
        return self.get_response(request)


def own_name(address: str) -> str:
    """The address at which the request arrived, if ``ALLOWED_HOSTS`` has it, or else the first name
    of the site.
    """
    names = settings.ALLOWED_HOSTS
    if validate_host(address, names):
        return address
    return next((name for name in names if not name.startswith((".", "*"))), address)


def check_query(request: HttpRequest) -> None:
    """Raises: QueryNotUtf8: the query string has bytes that are no UTF-8."""
    query = request.META.get("QUERY_STRING", "")
    if "%" in query or not query.isascii():
        try:
            unquote_to_bytes(query.encode("latin-1")).decode()
        except ValueError:
            raise QueryNotUtf8("The query string is not UTF-8.") from None
