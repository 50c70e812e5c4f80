"""Rules of ``/os-availability-zone``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-availability-zone:list",
    Role.READER,
    "List availability zones.",
    ("GET /os-availability-zone",),
)
DETAIL = rule(
    "os_compute_api:os-availability-zone:detail",
    Role.ADMIN,
    "List availability zones with their hosts and services.",
    ("GET /os-availability-zone/detail",),
)
