"""Rules of ``/os-instance_usage_audit_log``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-instance-usage-audit-log:list",
    Role.ADMIN,
    "Show which hosts told of the use of their servers.",
    ("GET /os-instance_usage_audit_log",),
)
SHOW = rule(
    "os_compute_api:os-instance-usage-audit-log:show",
    Role.ADMIN,
    "Show which hosts told of the use of their servers before a time.",
    ("GET /os-instance_usage_audit_log/{before_timestamp}",),
)
