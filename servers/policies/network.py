"""Rules of ``/os-networks`` and ``/os-tenant-networks``, which newer microversions do without."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule("os_compute_api:os-networks:list", Role.READER, "List networks.", ("GET /os-networks",))
SHOW = rule(
    "os_compute_api:os-networks:show",
    Role.READER,
    "Show a network.",
    ("GET /os-networks/{network_id}",),
)
TENANT_LIST = rule(
    "os_compute_api:os-tenant-networks:list",
    Role.READER,
    "List the project's networks.",
    ("GET /os-tenant-networks",),
)
TENANT_SHOW = rule(
    "os_compute_api:os-tenant-networks:show",
    Role.READER,
    "Show one of the project's networks.",
    ("GET /os-tenant-networks/{network_id}",),
)
