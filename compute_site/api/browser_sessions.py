"""Django's middlewares for people who are logged in with a browser. Programs that call an API with
a token have no session, so that nothing is set up for them.
"""

from __future__ import annotations

import re
from typing import cast

from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin

API = re.compile(r"/(?:compute|identity|image|network|volume)/")


class ForBrowsers(MiddlewareMixin):
    """Passes requests of programs on as they are."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.META.get("HTTP_X_AUTH_TOKEN") and API.match(request.path_info):
            return cast("HttpResponse", self.get_response(request))
        return cast("HttpResponse", super().__call__(request))


class SessionMiddleware(ForBrowsers, sessions.SessionMiddleware):
    """``request.session``."""


class AuthenticationMiddleware(ForBrowsers, auth.AuthenticationMiddleware):
    """``request.user``."""


class MessageMiddleware(ForBrowsers, messages.MessageMiddleware):
    """What the next page tells, once."""
