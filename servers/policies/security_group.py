"""Rules of the security groups of servers, and of ``/os-security-groups``, which ends with 2.35."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

GET = rule(
    "os_compute_api:os-security-groups:get",
    Role.READER,
    "List the security groups of the project.",
    ("GET /os-security-groups",),
)
SHOW = rule(
    "os_compute_api:os-security-groups:show",
    Role.READER,
    "Show a security group.",
    ("GET /os-security-groups/{security_group_id}",),
)
CREATE = rule(
    "os_compute_api:os-security-groups:create",
    Role.MEMBER,
    "Make a security group.",
    ("POST /os-security-groups",),
)
UPDATE = rule(
    "os_compute_api:os-security-groups:update",
    Role.MEMBER,
    "Rename a security group.",
    ("PUT /os-security-groups/{security_group_id}",),
)
DELETE = rule(
    "os_compute_api:os-security-groups:delete",
    Role.MEMBER,
    "Delete a security group.",
    ("DELETE /os-security-groups/{security_group_id}",),
)
CREATE_RULE = rule(
    "os_compute_api:os-security-groups:rule:create",
    Role.MEMBER,
    "Make a rule of a security group.",
    ("POST /os-security-group-rules",),
)
DELETE_RULE = rule(
    "os_compute_api:os-security-groups:rule:delete",
    Role.MEMBER,
    "Delete a rule of a security group.",
    ("DELETE /os-security-group-rules/{rule_id}",),
)
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
