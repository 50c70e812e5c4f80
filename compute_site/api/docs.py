"""Serves the OpenAPI documents, as files and as Swagger UI."""

from __future__ import annotations

import gzip
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.utils.cache import patch_vary_headers
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.openapi import openapi_document
from compute_site.faults import BadRequest, Unavailable
from compute_site.waiting.short_queue import ShortQueue

OTHER_APIS = ("identity", "image", "network", "volume", "placement")
"""Those with a document of their own, beside that of compute."""
SERVICE = "_service"
"""The names of the options that say who answers for a service end so."""
_writing = ShortQueue(1, Unavailable, "Another document is being written. Try again later.")
_written: dict[tuple[Microversion, bool], bytes] = {}
"""Compressed, by version and by whether it is JSON: all of them together take a few MiB."""


class SchemaView(SpectacularAPIView):
    """``/schema/?microversion=2.67``; without it, the newest."""

    authentication_classes = []
    versioning_class = None
    content_negotiation_class = DefaultContentNegotiation

    def _get_schema_response(self, request: Request) -> Any:
        version, renderer = asked_version(request), request.accepted_renderer
        response = HttpResponse(find_document(version, renderer), renderer.media_type)
        response["Content-Disposition"] = f'inline; filename="compute-{version}"'
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            response["Content-Encoding"] = "gzip"
        else:
            response.content = gzip.decompress(response.content)
        patch_vary_headers(response, ["Accept", "Accept-Encoding"])
        return response


def find_document(version: Microversion, renderer: BaseRenderer) -> bytes:
    """The document, compressed. Cached, because it takes half a second to write.

    Raises:
        Unavailable: too many requests wait already for documents that are not cached yet.
    """
    key = (version, "json" in renderer.media_type)
    if key not in _written:
        with _writing.turn():
            if key not in _written:
                text: Any = renderer.render(openapi_document(version), renderer_context={})
                _written[key] = gzip.compress(text)
    return _written[key]


class DocsView(SpectacularSwaggerSplitView):
    """``/docs/?microversion=2.67``, or ``?api=network`` for one of the others: Swagger UI, with all
    its files from this site.
    """

    authentication_classes = []
    versioning_class = None
    http_method_names = ["get", "head"]
    template_name = "compute_site/docs.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """The page; with ``script`` in the query, its script (inline scripts are not allowed)."""
        version = asked_version(request)
        self.url_self = f"{request.path}?microversion={version}"
        api, others = request.GET.get("api"), other_apis()
        if api in others:
            self.url_self += f"&api={api}"
        response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.data["microversion"] = str(version)
        response.data["others"] = others
        response.data["api"] = api if api in others else None
        response.data["microversions"] = [f"2.{minor}" for minor in range(NEWEST.minor, 0, -1)]
        return response

    def _get_schema_url(self, request: Request) -> str:
        if request.GET.get("api") in other_apis():
            return f"/schema/{request.GET['api']}/"
        url: str = super()._get_schema_url(request)  # type: ignore[no-untyped-call]
        return f"{url}?microversion={asked_version(request)}"


def other_apis() -> tuple[str, ...]:
    """Those that this site answers itself."""
    elsewhere = {name.removesuffix(SERVICE) for name in settings.OPTIONS.joined_services}
    return tuple(name for name in OTHER_APIS if name not in elsewhere)


def asked_version(request: Request) -> Microversion:
    """The microversion of the query string."""
    text = request.GET.get("microversion", "latest")
    try:
        version = NEWEST if text == "latest" else Microversion.parse(text)
    except ValueError:
        version = None
    if version is None or not OLDEST <= version <= NEWEST:
        raise BadRequest(f"{text[:20]!r} is no microversion; give {OLDEST} to {NEWEST}, or latest.")
    return version
