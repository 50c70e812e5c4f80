"""Rules of ``/servers/{id}/topology``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "compute:server:topology:index",
    Role.READER,
    "See the NUMA layout of a server.",
    ("GET /servers/{server_id}/topology",),
    on_instance=True,
)
HOST_INDEX = rule(
    "compute:server:topology:host:index",
    Role.ADMIN,
    "See where on its host the NUMA cells of a server lie.",
    ("GET /servers/{server_id}/topology",),
    on_instance=True,
)
