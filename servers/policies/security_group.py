"""Rules of the security groups of a server."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-security-groups:list",
    Role.READER,
    "List the security groups of a server.",
    ("GET /servers/{server_id}/os-security-groups",),
    on_instance=True,
)
ADD = rule(
    "os_compute_api:os-security-groups:add",
    Role.MEMBER,
    "Give a server a security group.",
    ("POST /servers/{server_id}/action (addSecurityGroup)",),
    on_instance=True,
)
REMOVE = rule(
    "os_compute_api:os-security-groups:remove",
    Role.MEMBER,
    "Take a security group from a server.",
    ("POST /servers/{server_id}/action (removeSecurityGroup)",),
    on_instance=True,
)
