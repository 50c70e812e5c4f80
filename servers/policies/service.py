"""Rules of ``/os-services``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-services:list"
UPDATE = "os_compute_api:os-services:update"
DELETE = "os_compute_api:os-services:delete"

declare(
    Rule(LIST, Role.ADMIN, "List services.", ("GET /os-services",)),
    Rule(
        UPDATE,
        Role.ADMIN,
        "Enable or disable a service, or say that it is down.",
        ("PUT /os-services/{service_id}",),
    ),
    Rule(DELETE, Role.ADMIN, "Remove a service.", ("DELETE /os-services/{service_id}",)),
)
