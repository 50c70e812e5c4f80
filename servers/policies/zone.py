"""Rules of ``/os-availability-zone``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-availability-zone:list"
DETAIL = "os_compute_api:os-availability-zone:detail"

declare(
    Rule(LIST, Role.READER, "List availability zones.", ("GET /os-availability-zone",)),
    Rule(
        DETAIL,
        Role.ADMIN,
        "List availability zones with their hosts and services.",
        ("GET /os-availability-zone/detail",),
    ),
)
