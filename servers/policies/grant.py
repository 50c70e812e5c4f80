"""Rules of ``/servers/{id}/grants``, an addition of ours."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "compute_site:server-grants:index"
UPDATE = "compute_site:server-grants:update"
DELETE = "compute_site:server-grants:delete"

declare(
    Rule(
        INDEX,
        Role.MEMBER,
        "List who holds rules on a single server.",
        ("GET /servers/{server_id}/grants",),
    ),
    Rule(
        UPDATE,
        Role.MANAGER,
        "Share a server: grant a user rules on it.",
        ("PUT /servers/{server_id}/grants/{user_id}",),
    ),
    Rule(
        DELETE,
        Role.MANAGER,
        "Take back the rules that a user was granted on a server.",
        ("DELETE /servers/{server_id}/grants/{user_id}",),
    ),
)
