"""Which requests come from browsers, and the keys of query strings that their pages use."""

from __future__ import annotations

from django.http import HttpRequest
from rest_framework.request import Request

VERSION_OF_PAGE = "microversion"
"""The key of a query string with which a page chooses its version; programs use the headers."""
METHOD_OF_PAGE = "_method"
"""The key with which a form, which can only send GET and POST, asks for another method."""
FORMAT_OF_PAGE = "format"
"""The key with which a browser asks for JSON."""
KEYS_OF_PAGES = (VERSION_OF_PAGE, METHOD_OF_PAGE, FORMAT_OF_PAGE)


def wants_page(request: HttpRequest | Request) -> bool:
    """Is this a browser that wants an HTML page? Browsers are logged in by a session or not at all;
    programs, which send a token or a password, get JSON even if they accept everything.
    """
    return "text/html" in request.META.get("HTTP_ACCEPT", "") and not (
        request.META.get("HTTP_X_AUTH_TOKEN") or request.META.get("HTTP_AUTHORIZATION")
    )
