"""Rules of ``/servers/{id}/metadata``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:server-metadata:index",
    Role.READER,
    "List the metadata of a server.",
    ("GET /servers/{server_id}/metadata",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:server-metadata:show",
    Role.READER,
    "Show one metadata item of a server.",
    ("GET /servers/{server_id}/metadata/{key}",),
    on_instance=True,
)
CREATE = rule(
    "os_compute_api:server-metadata:create",
    Role.MEMBER,
    "Add metadata to a server.",
    ("POST /servers/{server_id}/metadata",),
    on_instance=True,
)
UPDATE_ALL = rule(
    "os_compute_api:server-metadata:update_all",
    Role.MEMBER,
    "Replace the metadata of a server.",
    ("PUT /servers/{server_id}/metadata",),
    on_instance=True,
)
UPDATE = rule(
    "os_compute_api:server-metadata:update",
    Role.MEMBER,
    "Set one metadata item of a server.",
    ("PUT /servers/{server_id}/metadata/{key}",),
    on_instance=True,
)
DELETE = rule(
    "os_compute_api:server-metadata:delete",
    Role.MEMBER,
    "Remove one metadata item of a server.",
    ("DELETE /servers/{server_id}/metadata/{key}",),
    on_instance=True,
)
