"""Rules of the addresses of a server."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:ips:index",
    Role.READER,
    "List the addresses of a server.",
    ("GET /servers/{server_id}/ips",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:ips:show",
    Role.READER,
    "List the addresses of a server on one network.",
    ("GET /servers/{server_id}/ips/{network_label}",),
    on_instance=True,
)
ADD_FIXED = rule(
    "os_compute_api:os-multinic:add",
    Role.MEMBER,
    "Give a server an address on a network.",
    ("POST /servers/{server_id}/action (addFixedIp)",),
    on_instance=True,
)
REMOVE_FIXED = rule(
    "os_compute_api:os-multinic:remove",
    Role.MEMBER,
    "Take an address from a server.",
    ("POST /servers/{server_id}/action (removeFixedIp)",),
    on_instance=True,
)
ADD_FLOATING = rule(
    "os_compute_api:os-floating-ips:add",
    Role.MEMBER,
    "Let a floating IP lead to a server.",
    ("POST /servers/{server_id}/action (addFloatingIp)",),
    on_instance=True,
)
REMOVE_FLOATING = rule(
    "os_compute_api:os-floating-ips:remove",
    Role.MEMBER,
    "Take a floating IP back from a server.",
    ("POST /servers/{server_id}/action (removeFloatingIp)",),
    on_instance=True,
)
