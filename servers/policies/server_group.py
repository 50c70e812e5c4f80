"""Rules of ``/os-server-groups``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:os-server-groups:index"
INDEX_ALL_PROJECTS = "os_compute_api:os-server-groups:index:all_projects"
SHOW = "os_compute_api:os-server-groups:show"
CREATE = "os_compute_api:os-server-groups:create"
DELETE = "os_compute_api:os-server-groups:delete"

declare(
    Rule(INDEX, Role.READER, "List server groups.", ("GET /os-server-groups",)),
    Rule(
        INDEX_ALL_PROJECTS,
        Role.ADMIN,
        "List the server groups of all projects.",
        ("GET /os-server-groups",),
    ),
    Rule(SHOW, Role.READER, "Show a server group.", ("GET /os-server-groups/{group_id}",)),
    Rule(CREATE, Role.MEMBER, "Create a server group.", ("POST /os-server-groups",)),
    Rule(DELETE, Role.MEMBER, "Delete a server group.", ("DELETE /os-server-groups/{group_id}",)),
)
