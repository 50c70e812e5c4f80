"""Rules of ``/servers`` (spec/create-flow.md K)."""

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
ATTACH_EXTERNAL_NETWORK = "network:attach_external_network"
INDEX = "os_compute_api:servers:index"
DETAIL = "os_compute_api:servers:detail"
SHOW = "os_compute_api:servers:show"
DELETE = "os_compute_api:servers:delete"

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
    Rule(
        ATTACH_EXTERNAL_NETWORK,
        Role.ADMIN,
        "Put a server on an external network that is not shared.",
    ),
    Rule(INDEX, Role.READER, "List servers.", ("GET /servers",)),
    Rule(DETAIL, Role.READER, "List servers in detail.", ("GET /servers/detail",)),
    Rule(SHOW, Role.READER, "Show a server.", ("GET /servers/{server_id}",), on_instance=True),
    Rule(
        DELETE, Role.MEMBER, "Delete a server.", ("DELETE /servers/{server_id}",), on_instance=True
    ),
)
