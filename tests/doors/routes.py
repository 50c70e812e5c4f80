"""Every URL of the site that changes something, and what can be asked for there by name."""

from __future__ import annotations

from typing import Any

from django.views.generic import RedirectView

from compute_site.api.microversions.version import NEWEST, OLDEST
from compute_site.neighbours.volume.api import backups as volume_backups
from compute_site.neighbours.volume.api import groups as volume_groups
from compute_site.neighbours.volume.api import types as volume_types
from compute_site.neighbours.volume.api.actions import ACTIONS, SNAPSHOT_ACTIONS
from flavors.serializers.access import FlavorAction
from servers.serializers.aggregate import AggregateActionBody
from servers.serializers.migration import ForceComplete
from servers.serializers.server_action import ServerActionBody
from tests.world.routes import ROUTES

PAGES = ("//admin/", "//accounts/")
"""For people with a browser; the admin has its own tests."""
WRITING = ("POST", "PUT", "PATCH", "DELETE")


def writing_urls() -> set[tuple[str, str]]:
    """Method and path of all, the path with names in braces."""
    return {
        (method, route.path.removeprefix("/"))
        for route in ROUTES
        for method in WRITING
        if method in route.methods
        and not route.path.startswith(PAGES)
        and route.view is not RedirectView
    }


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
    "/volume/v3/snapshots/{snapshot_id}/action": set(SNAPSHOT_ACTIONS),
    "/volume/v3/backups/{backup_id}/action": set(volume_backups.ACTIONS),
    "/volume/v3/groups/action": {volume_groups.FROM_SOURCE},
    "/volume/v3/groups/{volume_group_id}/action": set(volume_groups.GROUP_ACTIONS),
    "/volume/v3/group_snapshots/{group_snapshot_id}/action": set(volume_groups.TAKEN_ACTIONS),
    "/volume/v3/types/{type_id}/action": set(volume_types.ACTIONS),
}
"""URLs at which the key of the body says what to do."""


def writing_requests() -> set[tuple[str, str, str]]:
    """Method, path and action of everything that can be asked for; most have no action."""
    return {
        (method, path, action)
        for method, path in writing_urls()
        for action in NAMED_ACTIONS.get(path, {""})
    }
