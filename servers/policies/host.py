"""Rules of ``/os-hosts``, which newer microversions do without."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-hosts:list"
SHOW = "os_compute_api:os-hosts:show"
UPDATE = "os_compute_api:os-hosts:update"
REBOOT = "os_compute_api:os-hosts:reboot"
SHUTDOWN = "os_compute_api:os-hosts:shutdown"
START = "os_compute_api:os-hosts:start"

ONE = "/os-hosts/{host_name}"

declare(
    Rule(LIST, Role.ADMIN, "List hosts with their services.", ("GET /os-hosts",)),
    Rule(SHOW, Role.ADMIN, "See the resources of a host.", (f"GET {ONE}",)),
    Rule(UPDATE, Role.ADMIN, "Enable or disable a host.", (f"PUT {ONE}",)),
    Rule(REBOOT, Role.ADMIN, "Reboot a host.", (f"GET {ONE}/reboot",)),
    Rule(SHUTDOWN, Role.ADMIN, "Shut a host down.", (f"GET {ONE}/shutdown",)),
    Rule(START, Role.ADMIN, "Start a host.", (f"GET {ONE}/startup",)),
)
