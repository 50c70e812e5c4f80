"""Reads the ports of a server."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.neighbours.network.models import Port
from compute_site.neighbours.network.protocol import AttachedPort, GroupOnPort


def attached_ports(server_id: str) -> Sequence[AttachedPort]:
    ports = (
        Port.objects.of_servers([server_id])
        .order_by("position", "created_at", "pk")
        .prefetch_related("fixed_ips", "security_groups")
    )
    return [_describe(port) for port in ports]


def _describe(port: Port) -> AttachedPort:
    return AttachedPort(
        id=str(port.pk),
        network_id=str(port.network_id),
        mac=port.mac_address,
        status=port.status,
        addresses=tuple((str(ip.subnet_id), ip.address) for ip in port.fixed_ips.all()),
        security_groups=tuple(
            GroupOnPort(
                id=str(group.pk),
                name=group.name,
                description=group.description,
                project_id=group.project_id,
            )
            for group in port.security_groups.all()
        ),
        tag=port.tag,
    )
