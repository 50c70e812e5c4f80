"""The policy rules of quotas and limits."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

URL = "/os-quota-sets/{project_id}"
CLASS_URL = "/os-quota-class-sets/{quota_class}"
SHOW = rule(
    "os_compute_api:os-quota-sets:show",
    Role.READER,
    "See the limits of a project or user.",
    (f"GET {URL}",),
)
DETAIL = rule(
    "os_compute_api:os-quota-sets:detail",
    Role.READER,
    "See limits and usage.",
    (f"GET {URL}/detail",),
)
DEFAULTS = rule(
    "os_compute_api:os-quota-sets:defaults",
    Role.READER,
    "See the default limits.",
    (f"GET {URL}/defaults",),
)
UPDATE = rule(
    "os_compute_api:os-quota-sets:update",
    Role.ADMIN,
    "Set the limits of a project or user.",
    (f"PUT {URL}",),
)
DELETE = rule(
    "os_compute_api:os-quota-sets:delete",
    Role.ADMIN,
    "Take back the limits of a project or user; the defaults apply again.",
    (f"DELETE {URL}",),
)
CLASS_SHOW = rule(
    "os_compute_api:os-quota-class-sets:show",
    Role.ADMIN,
    "See the limits of a quota class.",
    (f"GET {CLASS_URL}",),
)
CLASS_UPDATE = rule(
    "os_compute_api:os-quota-class-sets:update",
    Role.ADMIN,
    "Set the limits of a quota class.",
    (f"PUT {CLASS_URL}",),
)
LIMITS = rule(
    "os_compute_api:limits",
    Role.READER,
    "See the limits and usage of one's project.",
    ("GET /limits",),
)
LIMITS_OTHER_PROJECT = rule(
    "os_compute_api:limits:other_project",
    Role.ADMIN,
    "See the limits and usage of a named project.",
    ("GET /limits?tenant_id={project_id}",),
)
