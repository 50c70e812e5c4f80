"""Rules of ``/os-hypervisors``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

ONE = "GET /os-hypervisors/{hypervisor_id}"
LIST = rule(
    "os_compute_api:os-hypervisors:list", Role.ADMIN, "List hypervisors.", ("GET /os-hypervisors",)
)
LIST_DETAIL = rule(
    "os_compute_api:os-hypervisors:list-detail",
    Role.ADMIN,
    "List hypervisors with their resources.",
    ("GET /os-hypervisors/detail",),
)
STATISTICS = rule(
    "os_compute_api:os-hypervisors:statistics",
    Role.ADMIN,
    "See the resources of all hypervisors in sum.",
    ("GET /os-hypervisors/statistics",),
)
SHOW = rule("os_compute_api:os-hypervisors:show", Role.ADMIN, "Show a hypervisor.", (ONE,))
UPTIME = rule(
    "os_compute_api:os-hypervisors:uptime",
    Role.ADMIN,
    "See since when a hypervisor runs.",
    (f"{ONE}/uptime",),
)
SEARCH = rule(
    "os_compute_api:os-hypervisors:search",
    Role.ADMIN,
    "Find hypervisors by a part of their names.",
    ("GET /os-hypervisors/{pattern}/search",),
)
SERVERS = rule(
    "os_compute_api:os-hypervisors:servers",
    Role.ADMIN,
    "Find hypervisors by a part of their names, with their servers.",
    ("GET /os-hypervisors/{pattern}/servers",),
)
