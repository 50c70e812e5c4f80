"""Rules of ``/servers/{id}/tags``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:os-server-tags:index"
SHOW = "os_compute_api:os-server-tags:show"
UPDATE_ALL = "os_compute_api:os-server-tags:update_all"
UPDATE = "os_compute_api:os-server-tags:update"
DELETE_ALL = "os_compute_api:os-server-tags:delete_all"
DELETE = "os_compute_api:os-server-tags:delete"

declare(
    Rule(
        INDEX,
        Role.READER,
        "List the tags of a server.",
        ("GET /servers/{server_id}/tags",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "Ask whether a server has a tag.",
        ("GET /servers/{server_id}/tags/{tag}",),
        on_instance=True,
    ),
    Rule(
        UPDATE_ALL,
        Role.MEMBER,
        "Replace the tags of a server.",
        ("PUT /servers/{server_id}/tags",),
        on_instance=True,
    ),
    Rule(
        UPDATE,
        Role.MEMBER,
        "Add a tag to a server.",
        ("PUT /servers/{server_id}/tags/{tag}",),
        on_instance=True,
    ),
    Rule(
        DELETE_ALL,
        Role.MEMBER,
        "Remove all tags of a server.",
        ("DELETE /servers/{server_id}/tags",),
        on_instance=True,
    ),
    Rule(
        DELETE,
        Role.MEMBER,
        "Remove a tag of a server.",
        ("DELETE /servers/{server_id}/tags/{tag}",),
        on_instance=True,
    ),
)
