"""Renders answers: as JSON for programs, as DRF's browsable pages for browsers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.settings import api_settings

from compute_site.api.forms import RAW_BODY, make_controls
from compute_site.api.microversions.negotiation import wants_page
from compute_site.api.microversions.version import NEWEST, Microversion
from compute_site.values.strict_json import write_json


class JsonRenderer(BaseRenderer):
    """JSON in UTF-8, by the fast writer."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else write_json(data)


class ComputeJsonRenderer(JsonRenderer):
    """The same under the media type of the Compute API, for clients that accept it."""

    media_type = "application/vnd.openstack.compute+json"


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's pages for people who try the API by hand, at a microversion they choose."""

    template = "compute_site/api.html"

    def get_context(
        self, data: Any, accepted_media_type: str | None, renderer_context: Mapping[str, Any]
    ) -> dict[str, Any]:
        view, request = renderer_context["view"], renderer_context["request"]
        response = renderer_context["response"]
        version = getattr(request, "version", None) or NEWEST
        return {
            "view": view,
            "request": request,
            "response": response,
            "user": request.user,
            "name": view.get_view_name(),
            "description": (type(view).__doc__ or "").partition("\n\n")[0],
            "content": "" if data is None else write_json(data, pretty=True).decode(),
            "response_headers": dict(sorted(response.items())),
            "allowed_methods": view.allowed_methods,
            "api_settings": api_settings,
            "microversion": str(version),
            "microversions": [f"2.{minor}" for minor in range(NEWEST.minor, 0, -1)],
            "create": self.create_form(view, request, version, data),
            "raw_body": RAW_BODY,
        }

    @staticmethod
    def create_form(
        view: Any, request: Request, version: Microversion, data: Any
    ) -> dict[str, Any] | None:
        """The form of the view's POST; after a refusal with the input and its faults."""
        contract = getattr(view, "contracts", {}).get("POST")
        if contract is None or contract.body is None or request.user is None:
            return None
        given, errors = kept_input(request, data) or ({}, [])
        return {
            "summary": contract.summary,
            "controls": make_controls(contract.body, version, given, errors),
            "raw": given.get(RAW_BODY, ""),
            "trial": view.trial,
            "real": view.real,
        }


def kept_input(request: Request, data: Any) -> tuple[dict[str, str], list[dict[str, str]]] | None:
    """What was entered, and what is wrong with it, where somebody goes on from it: after a refusal
    and after a trial.
    """
    if request.method != "POST" or not isinstance(data, dict) or len(data) != 1:
        return None
    [(kind, content)] = data.items()
    given = request._request.POST.dict()  # noqa: SLF001
    if kind == "dry_run":
        return given, content["faults"]
    if isinstance(content, dict) and "code" in content:
        return given, content.get("errors", [])
    return None


class Negotiation(BaseContentNegotiation):
    """HTML for a browser, JSON for everyone else. Nova: an ``Accept`` it cannot serve still gets
    JSON.
    """

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        return next(iter(parsers), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        json, *others = renderers
        if others and wants_page(request):
            return others[0], others[0].media_type
        if ComputeJsonRenderer.media_type in request.META.get("HTTP_ACCEPT", ""):
            return ComputeJsonRenderer(), ComputeJsonRenderer.media_type
        return json, json.media_type
