"""Rules of the addresses of a server."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:ips:index"
SHOW = "os_compute_api:ips:show"
ADD_FIXED = "os_compute_api:os-multinic:add"
REMOVE_FIXED = "os_compute_api:os-multinic:remove"
ADD_FLOATING = "os_compute_api:os-floating-ips:add"
REMOVE_FLOATING = "os_compute_api:os-floating-ips:remove"

declare(
    Rule(
        INDEX,
        Role.READER,
        "List the addresses of a server.",
        ("GET /servers/{server_id}/ips",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "List the addresses of a server on one network.",
        ("GET /servers/{server_id}/ips/{network_label}",),
        on_instance=True,
    ),
    Rule(
        ADD_FIXED,
        Role.MEMBER,
        "Give a server an address on a network.",
        ("POST /servers/{server_id}/action (addFixedIp)",),
        on_instance=True,
    ),
    Rule(
        REMOVE_FIXED,
        Role.MEMBER,
        "Take an address from a server.",
        ("POST /servers/{server_id}/action (removeFixedIp)",),
        on_instance=True,
    ),
    Rule(
        ADD_FLOATING,
        Role.MEMBER,
        "Let a floating IP lead to a server.",
        ("POST /servers/{server_id}/action (addFloatingIp)",),
        on_instance=True,
    ),
    Rule(
        REMOVE_FLOATING,
        Role.MEMBER,
        "Take a floating IP back from a server.",
        ("POST /servers/{server_id}/action (removeFloatingIp)",),
        on_instance=True,
    ),
)
