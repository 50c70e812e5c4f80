"""Rules of ``/servers/{id}/migrations`` and ``/os-migrations``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:servers:migrations:index"
INDEX_HOST = "os_compute_api:servers:migrations:index:host"
SHOW = "os_compute_api:servers:migrations:show"
DELETE = "os_compute_api:servers:migrations:delete"
FORCE_COMPLETE = "os_compute_api:servers:migrations:force_complete"
CLOUD_INDEX = "os_compute_api:os-migrations:index"
CLOUD_INDEX_ALL_PROJECTS = "os_compute_api:os-migrations:index:all_projects"
CLOUD_INDEX_HOST = "os_compute_api:os-migrations:index:host"

declare(
    Rule(
        INDEX,
        Role.MANAGER,
        "List the moves of a server that go on.",
        ("GET /servers/{server_id}/migrations",),
        on_instance=True,
    ),
    Rule(
        INDEX_HOST,
        Role.ADMIN,
        "See from which host to which a server moves.",
        ("GET /servers/{server_id}/migrations",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.ADMIN,
        "See a live migration of a server.",
        ("GET /servers/{server_id}/migrations/{migration_id}",),
        on_instance=True,
    ),
    Rule(
        DELETE,
        Role.MANAGER,
        "Abort a live migration of a server.",
        ("DELETE /servers/{server_id}/migrations/{migration_id}",),
        on_instance=True,
    ),
    Rule(
        FORCE_COMPLETE,
        Role.MANAGER,
        "Let a live migration of a server end soon.",
        ("POST /servers/{server_id}/migrations/{migration_id}/action (force_complete)",),
        on_instance=True,
    ),
    Rule(CLOUD_INDEX, Role.MANAGER, "List moves of servers.", ("GET /os-migrations",)),
    Rule(
        CLOUD_INDEX_ALL_PROJECTS,
        Role.ADMIN,
        "List moves of servers of all projects.",
        ("GET /os-migrations",),
    ),
    Rule(
        CLOUD_INDEX_HOST,
        Role.ADMIN,
        "See from which host to which servers move.",
        ("GET /os-migrations",),
    ),
)
