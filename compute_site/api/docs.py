"""The OpenAPI documents as files and as pages to click through."""

from __future__ import annotations

from typing import Any

from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.version import NEWEST, OLDEST, Microversion
from compute_site.api.openapi import openapi_document
from compute_site.faults import BadRequest


class SchemaView(SpectacularAPIView):
    """``/schema/?microversion=2.67``; without it, the newest."""

    authentication_classes = []
    versioning_class = None
    content_negotiation_class = DefaultContentNegotiation

    def _get_schema_response(self, request: Request) -> Any:
        version = asked_version(request)
        headers = {"Content-Disposition": f'inline; filename="compute-{version}"'}
        return Response(openapi_document(version), headers=headers)


class DocsView(SpectacularSwaggerView):
    """``/docs/?microversion=2.67``: the document to click through, without any other host."""

    authentication_classes = []
    versioning_class = None
    http_method_names = ["get", "head"]
    template_name = "compute_site/docs.html"

    def get(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        response.data["microversion"] = str(asked_version(request))
        response.data["microversions"] = [f"2.{minor}" for minor in range(NEWEST.minor, 0, -1)]
        return response

    def _get_schema_url(self, request: Request) -> str:
        url: str = super()._get_schema_url(request)  # type: ignore[no-untyped-call]
        return f"{url}?microversion={asked_version(request)}"


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
