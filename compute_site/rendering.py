"""How answers leave: JSON for programs, DRF's browsable pages for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer, BrowsableAPIRenderer
from rest_framework.request import Request


class JsonRenderer(BaseRenderer):
    """JSON in UTF-8, fast."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        return orjson.dumps(data, option=orjson.OPT_NON_STR_KEYS)


class BrowsableRenderer(BrowsableAPIRenderer):
    """DRF's pages for people who try the API by hand."""


class Negotiation(BaseContentNegotiation):
    """HTML for a browser, JSON for everyone else. Nova: an ``Accept`` it cannot serve still gets
    JSON.
    """

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser | None:
        return parsers[0] if parsers else None

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        json, *others = renderers
        if others and "text/html" in request.headers.get("Accept", ""):
            return others[0], others[0].media_type
        return json, json.media_type
