"""Rules of ``/os-networks`` and ``/os-tenant-networks``, which newer microversions do without."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-networks:list"
SHOW = "os_compute_api:os-networks:show"
TENANT_LIST = "os_compute_api:os-tenant-networks:list"
TENANT_SHOW = "os_compute_api:os-tenant-networks:show"

declare(
    Rule(LIST, Role.READER, "List networks.", ("GET /os-networks",)),
    Rule(SHOW, Role.READER, "Show a network.", ("GET /os-networks/{network_id}",)),
    Rule(TENANT_LIST, Role.READER, "List the project's networks.", ("GET /os-tenant-networks",)),
    Rule(
        TENANT_SHOW,
        Role.READER,
        "Show one of the project's networks.",
        ("GET /os-tenant-networks/{network_id}",),
    ),
)
