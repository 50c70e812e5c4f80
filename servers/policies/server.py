"""Rules of ``/servers`` (docs/contract/create-flow.md K)."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

CREATE = "os_compute_api:servers:create"
CREATE_TRUSTED_CERTS = "os_compute_api:servers:create:trusted_certs"
CREATE_FORCED_HOST = "os_compute_api:servers:create:forced_host"
CREATE_REQUESTED_DESTINATION = "compute:servers:create:requested_destination"
CREATE_ATTACH_VOLUME = "os_compute_api:servers:create:attach_volume"
CREATE_ATTACH_NETWORK = "os_compute_api:servers:create:attach_network"
CREATE_ZERO_DISK_FLAVOR = "os_compute_api:servers:create:zero_disk_flavor"
INDEX = "os_compute_api:servers:index"
DETAIL = "os_compute_api:servers:detail"
SHOW = "os_compute_api:servers:show"
DELETE = "os_compute_api:servers:delete"
UPDATE = "os_compute_api:servers:update"
INDEX_ALL_PROJECTS = "os_compute_api:servers:index:get_all_tenants"
DETAIL_ALL_PROJECTS = "os_compute_api:servers:detail:get_all_tenants"
ALL_FILTERS = "os_compute_api:servers:allow_all_filters"
SHOW_EXTRA_SPECS = "os_compute_api:servers:show:flavor-extra-specs"
SHOW_HOST_STATUS = "os_compute_api:servers:show:host_status"
SHOW_UNKNOWN_HOST_STATUS = "os_compute_api:servers:show:host_status:unknown-only"
EXTENDED_ATTRIBUTES = "os_compute_api:os-extended-server-attributes"

READS = ("GET /servers/{server_id}", "GET /servers/detail", "PUT /servers/{server_id}")

declare(
    Rule(CREATE, Role.MEMBER, "Create a server.", ("POST /servers",)),
    Rule(
        CREATE_TRUSTED_CERTS,
        Role.MEMBER,
        "Create a server with trusted image certificates.",
        ("POST /servers",),
    ),
    Rule(
        CREATE_FORCED_HOST,
        Role.ADMIN,
        "Create a server on a host or node of one's choice, past the scheduler's filters.",
        ("POST /servers",),
    ),
    Rule(
        CREATE_REQUESTED_DESTINATION,
        Role.ADMIN,
        "Ask the scheduler for a certain host or node.",
        ("POST /servers",),
    ),
    Rule(
        CREATE_ATTACH_VOLUME, Role.MEMBER, "Create a server with block devices.", ("POST /servers",)
    ),
    Rule(CREATE_ATTACH_NETWORK, Role.MEMBER, "Create a server on networks.", ("POST /servers",)),
    Rule(
        CREATE_ZERO_DISK_FLAVOR,
        Role.ADMIN,
        "Create a server from an image with a flavor without root disk.",
        ("POST /servers",),
    ),
    Rule(INDEX, Role.READER, "List servers.", ("GET /servers",)),
    Rule(DETAIL, Role.READER, "List servers in detail.", ("GET /servers/detail",)),
    Rule(SHOW, Role.READER, "Show a server.", ("GET /servers/{server_id}",), on_instance=True),
    Rule(
        DELETE, Role.MEMBER, "Delete a server.", ("DELETE /servers/{server_id}",), on_instance=True
    ),
    Rule(
        UPDATE,
        Role.MEMBER,
        "Change the name and the like of a server.",
        ("PUT /servers/{server_id}",),
        on_instance=True,
    ),
    Rule(INDEX_ALL_PROJECTS, Role.ADMIN, "List the servers of all projects.", ("GET /servers",)),
    Rule(
        DETAIL_ALL_PROJECTS,
        Role.ADMIN,
        "List the servers of all projects in detail.",
        ("GET /servers/detail",),
    ),
    Rule(
        ALL_FILTERS,
        Role.ADMIN,
        "Filter lists of servers by everything.",
        ("GET /servers", "GET /servers/detail"),
    ),
    Rule(SHOW_EXTRA_SPECS, Role.READER, "See the extra specs of a server's flavor.", READS),
    Rule(SHOW_HOST_STATUS, Role.ADMIN, "See the status of a server's host.", READS),
    Rule(
        SHOW_UNKNOWN_HOST_STATUS,
        Role.ADMIN,
        "See that the status of a server's host is not known.",
        READS,
    ),
    Rule(
        EXTENDED_ATTRIBUTES,
        Role.ADMIN,
        "See the host and other inner attributes of a server.",
        READS,
    ),
)
