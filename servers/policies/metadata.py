"""Rules of ``/servers/{id}/metadata``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:server-metadata:index"
SHOW = "os_compute_api:server-metadata:show"
CREATE = "os_compute_api:server-metadata:create"
UPDATE_ALL = "os_compute_api:server-metadata:update_all"
UPDATE = "os_compute_api:server-metadata:update"
DELETE = "os_compute_api:server-metadata:delete"

declare(
    Rule(
        INDEX,
        Role.READER,
        "List the metadata of a server.",
        ("GET /servers/{server_id}/metadata",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "Show one metadata item of a server.",
        ("GET /servers/{server_id}/metadata/{key}",),
        on_instance=True,
    ),
    Rule(
        CREATE,
        Role.MEMBER,
        "Add metadata to a server.",
        ("POST /servers/{server_id}/metadata",),
        on_instance=True,
    ),
    Rule(
        UPDATE_ALL,
        Role.MEMBER,
        "Replace the metadata of a server.",
        ("PUT /servers/{server_id}/metadata",),
        on_instance=True,
    ),
    Rule(
        UPDATE,
        Role.MEMBER,
        "Set one metadata item of a server.",
        ("PUT /servers/{server_id}/metadata/{key}",),
        on_instance=True,
    ),
    Rule(
        DELETE,
        Role.MEMBER,
        "Remove one metadata item of a server.",
        ("DELETE /servers/{server_id}/metadata/{key}",),
        on_instance=True,
    ),
)
