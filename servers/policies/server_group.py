"""Rules of ``/os-server-groups``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:os-server-groups:index",
    Role.READER,
    "List server groups.",
    ("GET /os-server-groups",),
)
INDEX_ALL_PROJECTS = rule(
    "os_compute_api:os-server-groups:index:all_projects",
    Role.ADMIN,
    "List the server groups of all projects.",
    ("GET /os-server-groups",),
)
SHOW = rule(
    "os_compute_api:os-server-groups:show",
    Role.READER,
    "Show a server group.",
    ("GET /os-server-groups/{group_id}",),
)
CREATE = rule(
    "os_compute_api:os-server-groups:create",
    Role.MEMBER,
    "Create a server group.",
    ("POST /os-server-groups",),
)
DELETE = rule(
    "os_compute_api:os-server-groups:delete",
    Role.MEMBER,
    "Delete a server group.",
    ("DELETE /os-server-groups/{group_id}",),
)
