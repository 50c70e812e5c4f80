"""Rules of ``/os-aggregates``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:os-aggregates:index"
SHOW = "os_compute_api:os-aggregates:show"
CREATE = "os_compute_api:os-aggregates:create"
UPDATE = "os_compute_api:os-aggregates:update"
DELETE = "os_compute_api:os-aggregates:delete"
ADD_HOST = "os_compute_api:os-aggregates:add_host"
REMOVE_HOST = "os_compute_api:os-aggregates:remove_host"
SET_METADATA = "os_compute_api:os-aggregates:set_metadata"
IMAGES = "compute:aggregates:images"

ONE = "/os-aggregates/{aggregate_id}"
ACTION = f"POST {ONE}/action"

declare(
    Rule(INDEX, Role.ADMIN, "List aggregates.", ("GET /os-aggregates",)),
    Rule(SHOW, Role.ADMIN, "Show an aggregate.", (f"GET {ONE}",)),
    Rule(CREATE, Role.ADMIN, "Create an aggregate.", ("POST /os-aggregates",)),
    Rule(UPDATE, Role.ADMIN, "Change the name or the zone of an aggregate.", (f"PUT {ONE}",)),
    Rule(DELETE, Role.ADMIN, "Delete an aggregate.", (f"DELETE {ONE}",)),
    Rule(ADD_HOST, Role.ADMIN, "Put a host into an aggregate.", (f"{ACTION} (add_host)",)),
    Rule(REMOVE_HOST, Role.ADMIN, "Take a host out of an aggregate.", (f"{ACTION} (remove_host)",)),
    Rule(
        SET_METADATA,
        Role.ADMIN,
        "Change the metadata of an aggregate.",
        (f"{ACTION} (set_metadata)",),
    ),
    Rule(
        IMAGES,
        Role.ADMIN,
        "Have the hosts of an aggregate fetch images before they are needed.",
        (f"POST {ONE}/images",),
    ),
)
