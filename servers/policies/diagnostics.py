"""The rule of ``/servers/{id}/diagnostics``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

SHOW = "os_compute_api:os-server-diagnostics"

declare(
    Rule(
        SHOW,
        Role.ADMIN,
        "See how a server is doing on its host.",
        ("GET /servers/{server_id}/diagnostics",),
        on_instance=True,
    ),
)
