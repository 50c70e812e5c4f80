"""The policy rules of flavors. Listing and showing them needs none: ``visible_to`` decides."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

CREATE = "os_compute_api:os-flavor-manage:create"
UPDATE = "os_compute_api:os-flavor-manage:update"
DELETE = "os_compute_api:os-flavor-manage:delete"
SPECS_INDEX = "os_compute_api:os-flavor-extra-specs:index"
SPECS_SHOW = "os_compute_api:os-flavor-extra-specs:show"
SPECS_CREATE = "os_compute_api:os-flavor-extra-specs:create"
SPECS_UPDATE = "os_compute_api:os-flavor-extra-specs:update"
SPECS_DELETE = "os_compute_api:os-flavor-extra-specs:delete"
ACCESS = "os_compute_api:os-flavor-access"
ACCESS_ADD = "os_compute_api:os-flavor-access:add_tenant_access"
ACCESS_REMOVE = "os_compute_api:os-flavor-access:remove_tenant_access"

SPECS_URL = "/flavors/{flavor_id}/os-extra_specs"
ACTION_URL = "/flavors/{flavor_id}/action"

declare(
    Rule(CREATE, Role.ADMIN, "Create a flavor.", ("POST /flavors",)),
    Rule(UPDATE, Role.ADMIN, "Change a flavor's description.", ("PUT /flavors/{flavor_id}",)),
    Rule(DELETE, Role.ADMIN, "Delete a flavor.", ("DELETE /flavors/{flavor_id}",)),
    Rule(
        SPECS_INDEX,
        Role.READER,
        "See all extra specs of a flavor, also where flavors are shown.",
        (
            f"GET {SPECS_URL}",
            "GET /flavors/detail",
            "GET /flavors/{flavor_id}",
            "POST /flavors",
            "PUT /flavors/{flavor_id}",
        ),
    ),
    Rule(SPECS_SHOW, Role.READER, "See one extra spec.", (f"GET {SPECS_URL}/{{name}}",)),
    Rule(SPECS_CREATE, Role.ADMIN, "Add extra specs to a flavor.", (f"POST {SPECS_URL}",)),
    Rule(SPECS_UPDATE, Role.ADMIN, "Set an extra spec.", (f"PUT {SPECS_URL}/{{name}}",)),
    Rule(SPECS_DELETE, Role.ADMIN, "Remove an extra spec.", (f"DELETE {SPECS_URL}/{{name}}",)),
    Rule(
        ACCESS,
        Role.ADMIN,
        "See which projects a flavor that is not public is open to.",
        ("GET /flavors/{flavor_id}/os-flavor-access",),
    ),
    Rule(
        ACCESS_ADD,
        Role.ADMIN,
        "Open a flavor to a project.",
        (f"POST {ACTION_URL} (addTenantAccess)",),
    ),
    Rule(
        ACCESS_REMOVE,
        Role.ADMIN,
        "Close a flavor to a project.",
        (f"POST {ACTION_URL} (removeTenantAccess)",),
    ),
)
