"""Rules of ``/servers/{id}/migrations`` and ``/os-migrations``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:servers:migrations:index",
    Role.MANAGER,
    "List the moves of a server that go on.",
    ("GET /servers/{server_id}/migrations",),
    on_instance=True,
)
INDEX_HOST = rule(
    "os_compute_api:servers:migrations:index:host",
    Role.ADMIN,
    "See from which host to which a server moves.",
    ("GET /servers/{server_id}/migrations",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:servers:migrations:show",
    Role.ADMIN,
    "See a live migration of a server.",
    ("GET /servers/{server_id}/migrations/{migration_id}",),
    on_instance=True,
)
DELETE = rule(
    "os_compute_api:servers:migrations:delete",
    Role.MANAGER,
    "Abort a live migration of a server.",
    ("DELETE /servers/{server_id}/migrations/{migration_id}",),
    on_instance=True,
)
FORCE_COMPLETE = rule(
    "os_compute_api:servers:migrations:force_complete",
    Role.MANAGER,
    "Let a live migration of a server end soon.",
    ("POST /servers/{server_id}/migrations/{migration_id}/action (force_complete)",),
    on_instance=True,
)
CLOUD_INDEX = rule(
    "os_compute_api:os-migrations:index",
    Role.MANAGER,
    "List moves of servers.",
    ("GET /os-migrations",),
)
CLOUD_INDEX_ALL_PROJECTS = rule(
    "os_compute_api:os-migrations:index:all_projects",
    Role.ADMIN,
    "List moves of servers of all projects.",
    ("GET /os-migrations",),
)
CLOUD_INDEX_HOST = rule(
    "os_compute_api:os-migrations:index:host",
    Role.ADMIN,
    "See from which host to which servers move.",
    ("GET /os-migrations",),
)
