"""Rules of ``/servers/{id}/os-instance-actions``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-instance-actions:list",
    Role.READER,
    "List what was asked of a server.",
    ("GET /servers/{server_id}/os-instance-actions", "GET /servers/{server_id}/history"),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:os-instance-actions:show",
    Role.READER,
    "Show one thing that was asked of a server.",
    ("GET /servers/{server_id}/os-instance-actions/{request_id}",),
    on_instance=True,
)
EVENTS = rule(
    "os_compute_api:os-instance-actions:events",
    Role.ADMIN,
    "See the traceback and the host of the events of an action, and the hosts in the history.",
    (
        "GET /servers/{server_id}/os-instance-actions/{request_id}",
        "GET /servers/{server_id}/history",
    ),
    on_instance=True,
)
EVENTS_DETAILS = rule(
    "os_compute_api:os-instance-actions:events:details",
    Role.ADMIN,
    "See the details of the events of an action.",
    ("GET /servers/{server_id}/os-instance-actions/{request_id}",),
    on_instance=True,
)
