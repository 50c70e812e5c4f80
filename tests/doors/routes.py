"""Every URL of the site that changes something, and what can be asked for there by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLResolver, get_resolver
from django.views.generic import RedirectView

from compute_site.api.microversions.version import NEWEST, OLDEST
from compute_site.neighbours.volume.local.actions import ACTIONS
from flavors.serializers.access import FlavorAction
from servers.serializers.aggregate import AggregateActionBody
from servers.serializers.migration import ForceComplete
from servers.serializers.server_action import ServerActionBody

MOUNTS = {
    r"^compute/(?P<api>v2\.1|v2)/": "compute/v2.1/",
    r"^image(?:/|$)": "image/",
    r"^network(?:/|$)": "network/",
    r"^v2\.0/": "v2.0/",
    r"^volume(?:/|$)": "volume/",
}
"""Patterns that lead to others, as a client writes them."""
AGAIN = (
    r"^compute/(?P<api>v2\.1|v2)/(?P<project_id>[0-9a-f-]+)/",
    r"^v3/(?P<project_id>[0-9a-f]{32}|[0-9a-f-]{36})/",
)
"""Patterns that lead to the same URLs once more, with the project in front."""
PAGES = ("admin/", "accounts/")
"""For people with a browser; the admin has its own tests."""
NAME = re.compile(r"<(?:\w+:)?(\w+)>")
WRITING = ("POST", "PUT", "PATCH", "DELETE")


def writing_urls() -> set[tuple[str, str]]:
    """Method and path of all, the path with names in braces."""
    return {
        (method, path)
        for path, view in _walk(get_resolver(), "/")
        for method in WRITING
        if hasattr(view, method.lower()) and view is not RedirectView
    }


def _walk(resolver: Any, before: str) -> Iterator[tuple[str, type]]:
    for entry in resolver.url_patterns:
        pattern = str(entry.pattern)
        if pattern in AGAIN or pattern in PAGES:
            continue
        piece = MOUNTS.get(pattern, NAME.sub(r"{\1}", pattern))
        if isinstance(entry, URLResolver):
            yield from _walk(entry, before + piece)
        elif hasattr(entry.callback, "view_class"):
            yield before + piece, entry.callback.view_class


def _keys(body: Any) -> set[str]:
    """The keys of a body at any microversion."""
    return {key for version in (OLDEST, NEWEST) for key in body.at(version).entries}


NAMED_ACTIONS: dict[str, set[str]] = {
    "/compute/v2.1/servers/{server_id}/action": _keys(ServerActionBody),
    "/compute/v2.1/os-volumes_boot/{server_id}/action": _keys(ServerActionBody),
    "/compute/v2.1/servers/{server_id}/migrations/{migration_id}/action": _keys(ForceComplete),
    "/compute/v2.1/flavors/{flavor_id}/action": _keys(FlavorAction),
    "/compute/v2.1/os-aggregates/{aggregate_id}/action": _keys(AggregateActionBody),
    "/volume/v3/volumes/{volume_id}/action": set(ACTIONS),
}
"""URLs at which the key of the body says what to do."""


def writing_requests() -> set[tuple[str, str, str]]:
    """Method, path and action of everything that can be asked for; most have no action."""
    return {
        (method, path, action)
        for method, path in writing_urls()
        for action in NAMED_ACTIONS.get(path, {""})
    }
