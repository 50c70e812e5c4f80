"""The ports of a server, and the security groups on them, as the network service has them."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.neighbours import network_service
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


def list_groups(instance: Instance) -> list[GroupOnPort]:
    """Each security group once, by project and name."""
    groups = {group.id: group for port in list_ports(instance) for group in port.security_groups}
    return sorted(groups.values(), key=lambda group: (group.project_id, group.name))
