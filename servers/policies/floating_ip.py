"""Rules of ``/os-floating-ips`` and ``/os-floating-ip-pools``, which end with 2.35."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-floating-ips:list",
    Role.READER,
    "List the floating IPs of the project.",
    ("GET /os-floating-ips",),
)
SHOW = rule(
    "os_compute_api:os-floating-ips:show",
    Role.READER,
    "Show a floating IP.",
    ("GET /os-floating-ips/{floating_ip_id}",),
)
CREATE = rule(
    "os_compute_api:os-floating-ips:create",
    Role.MEMBER,
    "Take a floating IP.",
    ("POST /os-floating-ips",),
)
DELETE = rule(
    "os_compute_api:os-floating-ips:delete",
    Role.MEMBER,
    "Give a floating IP up.",
    ("DELETE /os-floating-ips/{floating_ip_id}",),
)
POOLS = rule(
    "os_compute_api:os-floating-ip-pools",
    Role.READER,
    "List the networks that floating IPs come from.",
    ("GET /os-floating-ip-pools",),
)
