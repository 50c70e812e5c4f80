"""Rules of ``/servers/{id}/os-server-password``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

SHOW = rule(
    "os_compute_api:os-server-password:show",
    Role.READER,
    "See the encrypted password of a server.",
    ("GET /servers/{server_id}/os-server-password",),
    on_instance=True,
)
CLEAR = rule(
    "os_compute_api:os-server-password:clear",
    Role.MEMBER,
    "Forget the encrypted password of a server.",
    ("DELETE /servers/{server_id}/os-server-password",),
    on_instance=True,
)
