"""Rules of the security groups of a server."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

LIST = "os_compute_api:os-security-groups:list"
ADD = "os_compute_api:os-security-groups:add"
REMOVE = "os_compute_api:os-security-groups:remove"

declare(
    Rule(
        LIST,
        Role.READER,
        "List the security groups of a server.",
        ("GET /servers/{server_id}/os-security-groups",),
        on_instance=True,
    ),
    Rule(
        ADD,
        Role.MEMBER,
        "Give a server a security group.",
        ("POST /servers/{server_id}/action (addSecurityGroup)",),
        on_instance=True,
    ),
    Rule(
        REMOVE,
        Role.MEMBER,
        "Take a security group from a server.",
        ("POST /servers/{server_id}/action (removeSecurityGroup)",),
        on_instance=True,
    ),
)
