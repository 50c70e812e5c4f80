"""Rules of ``/os-server-external-events``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

CREATE = rule(
    "os_compute_api:os-server-external-events:create",
    Role.ADMIN,
    "Tell of what other services did with what servers have.",
    ("POST /os-server-external-events",),
    of_services=True,
)
