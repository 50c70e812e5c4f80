"""The policy rules of flavors. Listing and showing needs no rule: ``visible_to`` filters."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

SPECS_URL = "/flavors/{flavor_id}/os-extra_specs"
ACTION_URL = "/flavors/{flavor_id}/action"
CREATE = rule(
    "os_compute_api:os-flavor-manage:create", Role.ADMIN, "Create a flavor.", ("POST /flavors",)
)
UPDATE = rule(
    "os_compute_api:os-flavor-manage:update",
    Role.ADMIN,
    "Change a flavor's description.",
    ("PUT /flavors/{flavor_id}",),
)
DELETE = rule(
    "os_compute_api:os-flavor-manage:delete",
    Role.ADMIN,
    "Delete a flavor.",
    ("DELETE /flavors/{flavor_id}",),
)
SPECS_INDEX = rule(
    "os_compute_api:os-flavor-extra-specs:index",
    Role.READER,
    "See all extra specs of a flavor, also where flavors are shown.",
    (
        f"GET {SPECS_URL}",
        "GET /flavors/detail",
        "GET /flavors/{flavor_id}",
        "POST /flavors",
        "PUT /flavors/{flavor_id}",
    ),
)
SPECS_SHOW = rule(
    "os_compute_api:os-flavor-extra-specs:show",
    Role.READER,
    "See one extra spec.",
    (f"GET {SPECS_URL}/{{name}}",),
)
SPECS_CREATE = rule(
    "os_compute_api:os-flavor-extra-specs:create",
    Role.ADMIN,
    "Add extra specs to a flavor.",
    (f"POST {SPECS_URL}",),
)
SPECS_UPDATE = rule(
    "os_compute_api:os-flavor-extra-specs:update",
    Role.ADMIN,
    "Set an extra spec.",
    (f"PUT {SPECS_URL}/{{name}}",),
)
SPECS_DELETE = rule(
    "os_compute_api:os-flavor-extra-specs:delete",
    Role.ADMIN,
    "Remove an extra spec.",
    (f"DELETE {SPECS_URL}/{{name}}",),
)
ACCESS = rule(
    "os_compute_api:os-flavor-access",
    Role.ADMIN,
    "See which projects a flavor that is not public is open to.",
    ("GET /flavors/{flavor_id}/os-flavor-access",),
)
ACCESS_ADD = rule(
    "os_compute_api:os-flavor-access:add_tenant_access",
    Role.ADMIN,
    "Open a flavor to a project.",
    (f"POST {ACTION_URL} (addTenantAccess)",),
)
ACCESS_REMOVE = rule(
    "os_compute_api:os-flavor-access:remove_tenant_access",
    Role.ADMIN,
    "Close a flavor to a project.",
    (f"POST {ACTION_URL} (removeTenantAccess)",),
)
