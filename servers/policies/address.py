"""Rules of ``/servers/{id}/ips``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:ips:index"
SHOW = "os_compute_api:ips:show"

declare(
    Rule(
        INDEX,
        Role.READER,
        "List the addresses of a server.",
        ("GET /servers/{server_id}/ips",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "List the addresses of a server on one network.",
        ("GET /servers/{server_id}/ips/{network_label}",),
        on_instance=True,
    ),
)
