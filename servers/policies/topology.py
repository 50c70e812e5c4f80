"""Rules of ``/servers/{id}/topology``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "compute:server:topology:index"
HOST_INDEX = "compute:server:topology:host:index"

declare(
    Rule(
        INDEX,
        Role.READER,
        "See the NUMA layout of a server.",
        ("GET /servers/{server_id}/topology",),
        on_instance=True,
    ),
    Rule(
        HOST_INDEX,
        Role.ADMIN,
        "See where on its host the NUMA cells of a server lie.",
        ("GET /servers/{server_id}/topology",),
        on_instance=True,
    ),
)
