"""Rules of the file shares of servers."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:os-server-shares:index",
    Role.READER,
    "List the shares of a server.",
    ("GET /servers/{server_id}/shares",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:os-server-shares:show",
    Role.READER,
    "Show a share of a server.",
    ("GET /servers/{server_id}/shares/{share_id}",),
    on_instance=True,
)
CREATE = rule(
    "os_compute_api:os-server-shares:create",
    Role.MEMBER,
    "Give a server a share.",
    ("POST /servers/{server_id}/shares",),
    on_instance=True,
)
DELETE = rule(
    "os_compute_api:os-server-shares:delete",
    Role.MEMBER,
    "Take a share from a server.",
    ("DELETE /servers/{server_id}/shares/{share_id}",),
    on_instance=True,
)
