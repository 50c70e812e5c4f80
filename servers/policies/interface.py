"""Rules of ``/servers/{id}/os-interface``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-attach-interfaces:list"
SHOW = "os_compute_api:os-attach-interfaces:show"
CREATE = "os_compute_api:os-attach-interfaces:create"
DELETE = "os_compute_api:os-attach-interfaces:delete"

declare(
    Rule(
        LIST,
        Role.READER,
        "List the ports of a server.",
        ("GET /servers/{server_id}/os-interface",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "Show a port of a server.",
        ("GET /servers/{server_id}/os-interface/{port_id}",),
        on_instance=True,
    ),
    Rule(
        CREATE,
        Role.MEMBER,
        "Attach a port to a server.",
        ("POST /servers/{server_id}/os-interface",),
        on_instance=True,
    ),
    Rule(
        DELETE,
        Role.MEMBER,
        "Detach a port from a server.",
        ("DELETE /servers/{server_id}/os-interface/{port_id}",),
        on_instance=True,
    ),
)
