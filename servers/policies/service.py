"""Rules of ``/os-services``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule("os_compute_api:os-services:list", Role.ADMIN, "List services.", ("GET /os-services",))
UPDATE = rule(
    "os_compute_api:os-services:update",
    Role.ADMIN,
    "Enable or disable a service, or say that it is down.",
    ("PUT /os-services/{service_id}",),
)
DELETE = rule(
    "os_compute_api:os-services:delete",
    Role.ADMIN,
    "Remove a service.",
    ("DELETE /os-services/{service_id}",),
)
