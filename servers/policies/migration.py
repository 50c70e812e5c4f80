"""Rules of ``/servers/{id}/migrations``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:servers:migrations:index"

declare(
    Rule(
        INDEX,
        Role.MANAGER,
        "List the moves of a server that go on.",
        ("GET /servers/{server_id}/migrations",),
        on_instance=True,
    ),
)
