"""The policy rules of quotas and limits."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

SHOW = "os_compute_api:os-quota-sets:show"
DETAIL = "os_compute_api:os-quota-sets:detail"
DEFAULTS = "os_compute_api:os-quota-sets:defaults"
UPDATE = "os_compute_api:os-quota-sets:update"
DELETE = "os_compute_api:os-quota-sets:delete"
CLASS_SHOW = "os_compute_api:os-quota-class-sets:show"
CLASS_UPDATE = "os_compute_api:os-quota-class-sets:update"
LIMITS = "os_compute_api:limits"
LIMITS_OTHER_PROJECT = "os_compute_api:limits:other_project"

URL = "/os-quota-sets/{project_id}"
CLASS_URL = "/os-quota-class-sets/{quota_class}"

declare(
    Rule(SHOW, Role.READER, "See the limits of a project or user.", (f"GET {URL}",)),
    Rule(DETAIL, Role.READER, "See limits and usage.", (f"GET {URL}/detail",)),
    Rule(DEFAULTS, Role.READER, "See the default limits.", (f"GET {URL}/defaults",)),
    Rule(UPDATE, Role.ADMIN, "Set the limits of a project or user.", (f"PUT {URL}",)),
    Rule(
        DELETE,
        Role.ADMIN,
        "Take back the limits of a project or user; the defaults apply again.",
        (f"DELETE {URL}",),
    ),
    Rule(CLASS_SHOW, Role.ADMIN, "See the limits of a quota class.", (f"GET {CLASS_URL}",)),
    Rule(CLASS_UPDATE, Role.ADMIN, "Set the limits of a quota class.", (f"PUT {CLASS_URL}",)),
    Rule(LIMITS, Role.READER, "See the limits and usage of one's project.", ("GET /limits",)),
    Rule(
        LIMITS_OTHER_PROJECT,
        Role.ADMIN,
        "See the limits and usage of a named project.",
        ("GET /limits?tenant_id={project_id}",),
    ),
)
