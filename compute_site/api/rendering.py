"""Renders answers: as JSON for programs, as DRF's browsable pages for browsers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request
from rest_framework.settings import api_settings

from compute_site.api.forms import ACTION, RAW_BODY, VALUE, action_names, make_controls
from compute_site.api.links import root_of
from compute_site.api.microversions.version import NEWEST, Microversion
from compute_site.api.pages import FORMAT_OF_PAGE, KEYS_OF_PAGES, VERSION_OF_PAGE, wants_page
from compute_site.faults import Fault
from compute_site.values.strict_json import write_json

URL = re.compile(r"(https?://[^\s\"'<>\\]+)")


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
        root = root_of(request._request)  # noqa: SLF001 - Django's request
        content = "" if data is None else write_json(data, pretty=True).decode()
        query = request.GET.copy()
        for key in KEYS_OF_PAGES:
            query.pop(key, None)
        return {
            "view": view,
            "request": request,
            "response": response,
            "user": request.user,
            "name": view.get_view_name(),
            "description": (type(view).__doc__ or "").partition("\n\n")[0],
            "content": with_version(content, root, version),
            "response_headers": {
                name: with_version(value, root, version) for name, value in sorted(response.items())
            },
            "allowed_methods": view.allowed_methods,
            "api_settings": api_settings,
            "microversion": str(version),
            "microversions": [f"2.{minor}" for minor in range(NEWEST.minor, 0, -1)],
            "query": [(key, value) for key, values in query.lists() for value in values],
            "raw_body": RAW_BODY,
            "action": ACTION,
            "action_value": VALUE,
            **self.forms(view, request, version, data),
        }

    @classmethod
    def forms(cls, view: Any, request: Request, version: Microversion, data: Any) -> dict[str, Any]:
        """What can be done here, for those who have signed in."""
        contracts = getattr(view, "contracts", {})
        if getattr(request, "user", None) is None:
            return {}
        found = {
            "create": cls.form_of(view, request, version, data, "POST"),
            "change": cls.form_of(view, request, version, data, "PUT"),
            "remove": contracts.get("DELETE") if request.method != "DELETE" else None,
        }
        if view.actions is not None:
            path, body = view.actions
            found["act"] = {"path": path, "names": action_names(body, version)}
        return found

    @staticmethod
    def form_of(
        view: Any, request: Request, version: Microversion, data: Any, method: str
    ) -> dict[str, Any] | None:
        """The form of the view's POST or PUT; after a refusal with the input and its faults."""
        contract = getattr(view, "contracts", {}).get(method)
        if contract is None or contract.body is None or request.method == "DELETE":
            return None
        kept = kept_input(request, data) if request.method == method else None
        given, errors = kept or ({}, [])
        return {
            "summary": contract.summary,
            "method": method,
            "controls": make_controls(contract.body, version, given, errors, offered_by(view)),
            "raw": given.get(RAW_BODY, ""),
            "trial": view.trial if method == "POST" else None,
            "real": view.real if method == "POST" else None,
            "is_open": request.method == method,
        }


def offered_by(view: Any) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What the view offers; nothing where the caller may not see that."""
    try:
        offered: Mapping[str, Sequence[tuple[str, str]]] = view.choices()
    except Fault:
        return {}
    return offered


def with_version(text: str, root: str, version: Microversion) -> SafeString:
    """The text for a page, with its links; what lies below the compute API is shown at the same
    version. Django's ``urlize`` would take ``&microversion`` for a Greek letter.
    """
    prefix = f"{root}/compute/"

    def link(url: str) -> SafeString:
        target = url
        if url.startswith(prefix) and f"{VERSION_OF_PAGE}=" not in url:
            target += f"{'&' if '?' in url else '?'}{VERSION_OF_PAGE}={version}"
        return format_html('<a href="{}" rel="nofollow">{}</a>', target, url)

    pieces = URL.split(text)
    pieces[1::2] = map(link, pieces[1::2])
    return format_html_join("", "{}", ((piece,) for piece in pieces))


def kept_input(request: Request, data: Any) -> tuple[dict[str, str], list[dict[str, str]]] | None:
    """What was entered, and what is wrong with it, where somebody goes on from it: after a refusal
    and after a trial.
    """
    if request.method not in ("POST", "PUT") or not isinstance(data, dict) or len(data) != 1:
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
        if wants_page(request) and request.GET.get(FORMAT_OF_PAGE) == json.format:
            return json, json.media_type
        if others and wants_page(request):
            return others[0], others[0].media_type
        if ComputeJsonRenderer.media_type in request.META.get("HTTP_ACCEPT", ""):
            return ComputeJsonRenderer(), ComputeJsonRenderer.media_type
        return json, json.media_type
