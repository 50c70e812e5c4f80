"""The ports of a server, and the security groups on them, as the network service has them."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.network.groups import RuledGroup
from compute_site.neighbours.network.protocol import AttachedPort, GroupOnPort
from servers.errors import NoSuchItem
from servers.models import Instance


def list_ports(instance: Instance) -> Sequence[AttachedPort]:
    return network_service().attached_ports(str(instance.uuid))


def find_port(instance: Instance, port_id: str) -> AttachedPort:
    """One port of the server.

    Raises:
        NoSuchItem: it is none of the server's.
    """
    for port in list_ports(instance):
        if port.id == port_id:
            return port
    raise NoSuchItem(f"The server {instance.uuid} has no port {port_id[:64]!r}.")


def list_groups(caller: Caller, instance: Instance) -> list[RuledGroup]:
    """Each security group once, by project and name; the rules only of those that the caller
    sees.
    """
    held = {group.id: group for port in list_ports(instance) for group in port.security_groups}
    seen = {group.id: group for group in network_service().list_groups(caller, list(held))}
    groups = [seen.get(group_id, _without_rules(group)) for group_id, group in held.items()]
    return sorted(groups, key=lambda group: (group.project_id, group.name))


def _without_rules(group: GroupOnPort) -> RuledGroup:
    return RuledGroup(
        id=group.id,
        name=group.name,
        description=group.description,
        project_id=group.project_id,
        rules=(),
    )
