"""Rules of ``/servers/{id}/os-interface``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-attach-interfaces:list",
    Role.READER,
    "List the ports of a server.",
    ("GET /servers/{server_id}/os-interface",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:os-attach-interfaces:show",
    Role.READER,
    "Show a port of a server.",
    ("GET /servers/{server_id}/os-interface/{port_id}",),
    on_instance=True,
)
CREATE = rule(
    "os_compute_api:os-attach-interfaces:create",
    Role.MEMBER,
    "Attach a port to a server.",
    ("POST /servers/{server_id}/os-interface",),
    on_instance=True,
)
DELETE = rule(
    "os_compute_api:os-attach-interfaces:delete",
    Role.MEMBER,
    "Detach a port from a server.",
    ("DELETE /servers/{server_id}/os-interface/{port_id}",),
    on_instance=True,
)
