"""Rules of ``/os-aggregates``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

ONE = "/os-aggregates/{aggregate_id}"
ACTION = f"POST {ONE}/action"
INDEX = rule(
    "os_compute_api:os-aggregates:index", Role.ADMIN, "List aggregates.", ("GET /os-aggregates",)
)
SHOW = rule("os_compute_api:os-aggregates:show", Role.ADMIN, "Show an aggregate.", (f"GET {ONE}",))
CREATE = rule(
    "os_compute_api:os-aggregates:create",
    Role.ADMIN,
    "Create an aggregate.",
    ("POST /os-aggregates",),
)
UPDATE = rule(
    "os_compute_api:os-aggregates:update",
    Role.ADMIN,
    "Change the name or the zone of an aggregate.",
    (f"PUT {ONE}",),
)
DELETE = rule(
    "os_compute_api:os-aggregates:delete", Role.ADMIN, "Delete an aggregate.", (f"DELETE {ONE}",)
)
ADD_HOST = rule(
    "os_compute_api:os-aggregates:add_host",
    Role.ADMIN,
    "Put a host into an aggregate.",
    (f"{ACTION} (add_host)",),
)
REMOVE_HOST = rule(
    "os_compute_api:os-aggregates:remove_host",
    Role.ADMIN,
    "Take a host out of an aggregate.",
    (f"{ACTION} (remove_host)",),
)
SET_METADATA = rule(
    "os_compute_api:os-aggregates:set_metadata",
    Role.ADMIN,
    "Change the metadata of an aggregate.",
    (f"{ACTION} (set_metadata)",),
)
IMAGES = rule(
    "compute:aggregates:images",
    Role.ADMIN,
    "Have the hosts of an aggregate fetch images before they are needed.",
    (f"POST {ONE}/images",),
)
