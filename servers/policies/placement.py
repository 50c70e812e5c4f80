"""Rules about the explanation of a placement, and about trials."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

SHOW = rule(
    "compute:server:placement:show",
    Role.READER,
    "See how the search for a server's host went, in numbers.",
    ("GET /servers/{server_id}/placement",),
    on_instance=True,
)
SHOW_HOSTS = rule(
    "compute:server:placement:hosts",
    Role.ADMIN,
    "See the names and weights of hosts in the explanation of a placement or a trial.",
    (
        "GET /servers/{server_id}/placement",
        "POST /servers/dry-run",
        "POST /servers/{server_id}/dry-run",
    ),
)
