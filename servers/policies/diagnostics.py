"""The rule of ``/servers/{id}/diagnostics``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

SHOW = rule(
    "os_compute_api:os-server-diagnostics",
    Role.ADMIN,
    "See how a server is doing on its host.",
    ("GET /servers/{server_id}/diagnostics",),
    on_instance=True,
)
