"""Rules of ``/servers/{id}/tags``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:os-server-tags:index",
    Role.READER,
    "List the tags of a server.",
    ("GET /servers/{server_id}/tags",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:os-server-tags:show",
    Role.READER,
    "Ask whether a server has a tag.",
    ("GET /servers/{server_id}/tags/{tag}",),
    on_instance=True,
)
UPDATE_ALL = rule(
    "os_compute_api:os-server-tags:update_all",
    Role.MEMBER,
    "Replace the tags of a server.",
    ("PUT /servers/{server_id}/tags",),
    on_instance=True,
)
UPDATE = rule(
    "os_compute_api:os-server-tags:update",
    Role.MEMBER,
    "Add a tag to a server.",
    ("PUT /servers/{server_id}/tags/{tag}",),
    on_instance=True,
)
DELETE_ALL = rule(
    "os_compute_api:os-server-tags:delete_all",
    Role.MEMBER,
    "Remove all tags of a server.",
    ("DELETE /servers/{server_id}/tags",),
    on_instance=True,
)
DELETE = rule(
    "os_compute_api:os-server-tags:delete",
    Role.MEMBER,
    "Remove a tag of a server.",
    ("DELETE /servers/{server_id}/tags/{tag}",),
    on_instance=True,
)
