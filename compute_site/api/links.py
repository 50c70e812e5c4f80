"""Makes the links in answers (docs/contract/create-response.md 2)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from urllib.parse import urlencode, urlsplit

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request

from compute_site.api.pages import KEYS_OF_PAGES, wants_page

Link = dict[str, str]


def root_of(request: HttpRequest) -> str:
    """Scheme, host and port under which clients should call the site, without a final slash."""
    if settings.OPTIONS.public_url:
        return str(settings.OPTIONS.public_url).rstrip("/")
    return request.build_absolute_uri(request.META.get("SCRIPT_NAME", "") + "/").rstrip("/")


@dataclasses.dataclass(frozen=True, slots=True)
class Links:
    """Makes the links for one request. ``versioned`` is the prefix up to and with the version part,
    ``plain`` the prefix before it.

    Both also have the caller's project id where the request's URL has it, even in the query.
    """

    versioned: str
    plain: str

    @classmethod
    def of(cls, request: Request) -> Links:
        """The links for the answer to a request below ``/compute/{api}/``."""
        kwargs = request.parser_context["kwargs"]
        api = kwargs.get("api", "v2.1")
        root = _prefixed(request.build_absolute_uri(_path_before(request.path, api)))
        named = kwargs.get("project_id") or _own_project_in(request)
        project = f"/{named}" if named else ""
        return cls(f"{root}/{api}{project}", f"{root}{project}")

    def self_link(self, collection: str, identifier: str) -> str:
        return f"{self.versioned}/{collection}/{identifier}"

    def bookmark(self, collection: str, identifier: str) -> list[Link]:
        """A list with the one link that does not change with the version."""
        return [{"rel": "bookmark", "href": f"{self.plain}/{collection}/{identifier}"}]

    def both(self, collection: str, identifier: str) -> list[Link]:
        """``self`` and ``bookmark``."""
        return [
            {"rel": "self", "href": f"{self.versioned}/{collection}/{identifier}"},
            {"rel": "bookmark", "href": f"{self.plain}/{collection}/{identifier}"},
        ]

    def next_page(
        self,
        request: Request,
        collection: str,
        marker: str,
        known: Collection[str] | None = None,
    ) -> list[Link]:
        """A list with the link to the page after the one that ends with ``marker``.

        Nova: the parameters are sorted; if one is given several times, only its last value in that
        order is kept. Parameters that are not in ``known`` are left out, but for those of pages.
        """
        if known is not None and wants_page(request):
            known = {*known, *KEYS_OF_PAGES}
        given = sorted(
            (key, value)
            for key, values in request.GET.lists()
            if known is None or key in known
            for value in values
        )
        parameters = {**dict(given), "marker": marker}
        href = f"{self.versioned}/{collection}?{urlencode(parameters)}"
        return [{"rel": "next", "href": href}]


def _path_before(path: str, api: str) -> str:
    head, _, _ = path.partition(f"/{api}")
    return head


def _own_project_in(request: Request) -> str | None:
    """The caller's project id, if it is anywhere in the URL. Nova: the links have it then, too."""
    own: str | None = getattr(getattr(request, "caller", None), "project_id", None)
    return own if own and own in f"{request.path}?{request.META.get('QUERY_STRING')}" else None


def _prefixed(root: str) -> str:
    prefix = settings.OPTIONS.compute_link_prefix.rstrip("/")
    return (prefix + urlsplit(root).path if prefix else root).rstrip("/")
