"""Rules of ``/os-simple-tenant-usage``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-simple-tenant-usage:list",
    Role.ADMIN,
    "See what all projects used.",
    ("GET /os-simple-tenant-usage",),
)
SHOW = rule(
    "os_compute_api:os-simple-tenant-usage:show",
    Role.READER,
    "See what a project used.",
    ("GET /os-simple-tenant-usage/{project_id}",),
)
