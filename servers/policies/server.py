"""Rules of ``/servers`` (docs/contract/create-flow.md K)."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

READS = ("GET /servers/{server_id}", "GET /servers/detail", "PUT /servers/{server_id}")
CREATE = rule("os_compute_api:servers:create", Role.MEMBER, "Create a server.", ("POST /servers",))
CREATE_TRUSTED_CERTS = rule(
    "os_compute_api:servers:create:trusted_certs",
    Role.MEMBER,
    "Create a server with trusted image certificates.",
    ("POST /servers",),
)
CREATE_FORCED_HOST = rule(
    "os_compute_api:servers:create:forced_host",
    Role.ADMIN,
    "Create a server on a host or node of one's choice, past the scheduler's filters.",
    ("POST /servers",),
)
CREATE_REQUESTED_DESTINATION = rule(
    "compute:servers:create:requested_destination",
    Role.ADMIN,
    "Ask the scheduler for a certain host or node.",
    ("POST /servers",),
)
CREATE_ATTACH_VOLUME = rule(
    "os_compute_api:servers:create:attach_volume",
    Role.MEMBER,
    "Create a server with block devices.",
    ("POST /servers",),
)
CREATE_ATTACH_NETWORK = rule(
    "os_compute_api:servers:create:attach_network",
    Role.MEMBER,
    "Create a server on networks.",
    ("POST /servers",),
)
CREATE_ZERO_DISK_FLAVOR = rule(
    "os_compute_api:servers:create:zero_disk_flavor",
    Role.ADMIN,
    "Create a server from an image with a flavor without root disk.",
    ("POST /servers",),
)
INDEX = rule("os_compute_api:servers:index", Role.READER, "List servers.", ("GET /servers",))
DETAIL = rule(
    "os_compute_api:servers:detail",
    Role.READER,
    "List servers in detail.",
    ("GET /servers/detail", "GET /servers/events"),
)
SHOW = rule(
    "os_compute_api:servers:show",
    Role.READER,
    "Show a server.",
    ("GET /servers/{server_id}",),
    on_instance=True,
)
DELETE = rule(
    "os_compute_api:servers:delete",
    Role.MEMBER,
    "Delete a server.",
    ("DELETE /servers/{server_id}",),
    on_instance=True,
)
UPDATE = rule(
    "os_compute_api:servers:update",
    Role.MEMBER,
    "Change the name and the like of a server.",
    ("PUT /servers/{server_id}",),
    on_instance=True,
)
INDEX_ALL_PROJECTS = rule(
    "os_compute_api:servers:index:get_all_tenants",
    Role.ADMIN,
    "List the servers of all projects.",
    ("GET /servers",),
)
DETAIL_ALL_PROJECTS = rule(
    "os_compute_api:servers:detail:get_all_tenants",
    Role.ADMIN,
    "List the servers of all projects in detail.",
    ("GET /servers/detail", "GET /servers/events"),
)
ALL_FILTERS = rule(
    "os_compute_api:servers:allow_all_filters",
    Role.ADMIN,
    "Filter lists of servers by everything.",
    ("GET /servers", "GET /servers/detail"),
)
SHOW_EXTRA_SPECS = rule(
    "os_compute_api:servers:show:flavor-extra-specs",
    Role.READER,
    "See the extra specs of a server's flavor.",
    READS,
)
SHOW_HOST_STATUS = rule(
    "os_compute_api:servers:show:host_status",
    Role.ADMIN,
    "See the status of a server's host.",
    READS,
)
SHOW_UNKNOWN_HOST_STATUS = rule(
    "os_compute_api:servers:show:host_status:unknown-only",
    Role.ADMIN,
    "See that the status of a server's host is not known.",
    READS,
)
EXTENDED_ATTRIBUTES = rule(
    "os_compute_api:os-extended-server-attributes",
    Role.ADMIN,
    "See the host and other inner attributes of a server.",
    READS,
)
