"""Rules of ``/servers/{id}/os-instance-actions``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-instance-actions:list"
SHOW = "os_compute_api:os-instance-actions:show"
EVENTS = "os_compute_api:os-instance-actions:events"
EVENTS_DETAILS = "os_compute_api:os-instance-actions:events:details"

declare(
    Rule(
        LIST,
        Role.READER,
        "List what was asked of a server.",
        ("GET /servers/{server_id}/os-instance-actions",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "Show one thing that was asked of a server.",
        ("GET /servers/{server_id}/os-instance-actions/{request_id}",),
        on_instance=True,
    ),
    Rule(
        EVENTS,
        Role.ADMIN,
        "See the traceback and the host of the events of an action.",
        ("GET /servers/{server_id}/os-instance-actions/{request_id}",),
        on_instance=True,
    ),
    Rule(
        EVENTS_DETAILS,
        Role.ADMIN,
        "See the details of the events of an action.",
        ("GET /servers/{server_id}/os-instance-actions/{request_id}",),
        on_instance=True,
    ),
)
