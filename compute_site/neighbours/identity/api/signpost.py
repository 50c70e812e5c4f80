"""Below the URL of a service that runs elsewhere, and in place of the document of its API, this
site has nothing but the way there.
"""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from compute_site.neighbours.elsewhere.login import keystone_url

MOUNTS = {
    "identity_service": "identity",
    "image_service": "image",
    "network_service": "network",
    "volume_service": "volume",
}
"""Where the service in this database is served, by option."""
DOCUMENTS = "schema"
"""Where the documents of the APIs are, of each below its name."""


class SignpostMiddleware:
    """404 for the APIs of services that this site does not serve itself, with a text that says who
    does.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.elsewhere = {MOUNTS[name] for name in settings.OPTIONS.joined_services}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        name, _, rest = request.path_info[1:].partition("/")
        if name == DOCUMENTS:
            name = rest.partition("/")[0]
        if name not in self.elsewhere:
            return self.get_response(request)
        where = keystone_url()
        told = (
            f"The {name} API is not served here: get a token at {where}, whose catalogue names the "
            "service."
        )
        body = {"error": {"code": 404, "title": "Not Found", "message": told}}
        return JsonResponse(body, status=404)
