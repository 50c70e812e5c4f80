"""Rules of ``/os-hosts``, which newer microversions do without."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

ONE = "/os-hosts/{host_name}"
LIST = rule(
    "os_compute_api:os-hosts:list",
    Role.ADMIN,
    "List hosts with their services.",
    ("GET /os-hosts",),
)
SHOW = rule(
    "os_compute_api:os-hosts:show", Role.ADMIN, "See the resources of a host.", (f"GET {ONE}",)
)
UPDATE = rule(
    "os_compute_api:os-hosts:update", Role.ADMIN, "Enable or disable a host.", (f"PUT {ONE}",)
)
REBOOT = rule(
    "os_compute_api:os-hosts:reboot", Role.ADMIN, "Reboot a host.", (f"GET {ONE}/reboot",)
)
SHUTDOWN = rule(
    "os_compute_api:os-hosts:shutdown", Role.ADMIN, "Shut a host down.", (f"GET {ONE}/shutdown",)
)
START = rule("os_compute_api:os-hosts:start", Role.ADMIN, "Start a host.", (f"GET {ONE}/startup",))
