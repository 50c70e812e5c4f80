"""Rules of ``/os-hypervisors``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-hypervisors:list"
LIST_DETAIL = "os_compute_api:os-hypervisors:list-detail"
STATISTICS = "os_compute_api:os-hypervisors:statistics"
SHOW = "os_compute_api:os-hypervisors:show"
UPTIME = "os_compute_api:os-hypervisors:uptime"
SEARCH = "os_compute_api:os-hypervisors:search"
SERVERS = "os_compute_api:os-hypervisors:servers"

ONE = "GET /os-hypervisors/{hypervisor_id}"

declare(
    Rule(LIST, Role.ADMIN, "List hypervisors.", ("GET /os-hypervisors",)),
    Rule(
        LIST_DETAIL,
        Role.ADMIN,
        "List hypervisors with their resources.",
        ("GET /os-hypervisors/detail",),
    ),
    Rule(
        STATISTICS,
        Role.ADMIN,
        "See the resources of all hypervisors in sum.",
        ("GET /os-hypervisors/statistics",),
    ),
    Rule(SHOW, Role.ADMIN, "Show a hypervisor.", (ONE,)),
    Rule(UPTIME, Role.ADMIN, "See since when a hypervisor runs.", (f"{ONE}/uptime",)),
    Rule(
        SEARCH,
        Role.ADMIN,
        "Find hypervisors by a part of their names.",
        ("GET /os-hypervisors/{pattern}/search",),
    ),
    Rule(
        SERVERS,
        Role.ADMIN,
        "Find hypervisors by a part of their names, with their servers.",
        ("GET /os-hypervisors/{pattern}/servers",),
    ),
)
