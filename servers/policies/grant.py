"""Rules of ``/servers/{id}/grants``, an addition of ours."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "compute_site:server-grants:index",
    Role.MEMBER,
    "List who holds rules on a single server.",
    ("GET /servers/{server_id}/grants",),
)
UPDATE = rule(
    "compute_site:server-grants:update",
    Role.MANAGER,
    "Share a server: grant a user rules on it.",
    ("PUT /servers/{server_id}/grants/{user_id}",),
)
DELETE = rule(
    "compute_site:server-grants:delete",
    Role.MANAGER,
    "Take back the rules that a user was granted on a server.",
    ("DELETE /servers/{server_id}/grants/{user_id}",),
)
