"""Rows and callers for the tests of the services."""

from __future__ import annotations

import uuid
from typing import Any

from compute_site.caller import Caller
from compute_site.identity.models import Project, Role
from compute_site.neighbours.network.local.addresses import default_pools
from compute_site.neighbours.network.models import Network, Port, Subnet
from compute_site.policy.rules import registry


def make_caller(
    project: Project, *, admin: bool = False, rules: frozenset[str] = frozenset()
) -> Caller:
    """A member of the project, or an admin, with the rules that the role has by default, and
    these beside them.
    """
    role = Role.ADMIN if admin else Role.MEMBER
    held = frozenset(rule.name for rule in registry if rule.role in role.implied)
    return Caller(
        user_id="u" * 32,
        user_name="someone",
        project_id=project.pk,
        project_name=project.name,
        roles=frozenset(role.implied),
        rules=held | rules,
        global_rules=held if admin else frozenset(),
    )


def make_network(project: Project, *cidrs: str, **fields: Any) -> Network:
    network = Network.objects.create(project=project, **{"name": "net", **fields})
    for cidr in cidrs:
        make_subnet(network, cidr)
    return network


def make_subnet(network: Network, cidr: str, **fields: Any) -> Subnet:
    gateway = cidr.partition("/")[0].removesuffix("0") + "1"
    values: dict[str, Any] = {
        "network": network,
        "project": network.project,
        "cidr": cidr,
        "ip_version": 6 if ":" in cidr else 4,
        "gateway_ip": gateway,
        "allocation_pools": default_pools(cidr, gateway),
    }
    return Subnet.objects.create(**{**values, **fields})


def make_port(network: Network, **fields: Any) -> Port:
    values = {"network": network, "project": network.project, "mac_address": "fa:16:3e:00:00:01"}
    return Port.objects.create(**{**values, **fields})


def new_server_id() -> str:
    return str(uuid.uuid4())
