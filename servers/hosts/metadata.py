"""What a guest may know of itself, as its host is told it."""

from __future__ import annotations

import dataclasses
from typing import Any

from compute_site.faults import NotFound
from compute_site.neighbours import network_service
from compute_site.neighbours.ids import canonical_ids
from servers.drivers.facts import vendor_data
from servers.models import BlockDevice, HostAgent, Instance


def find_own_server(agent: HostAgent, server_id: str) -> Instance:
    """Raises ``NotFound`` for one that lies on another host."""
    alive = Instance.objects.alive().filter(host=agent.service.host)
    server = alive.filter(uuid__in=canonical_ids([server_id])).first()
    if server is None:
        raise NotFound(f"This host has no server {server_id[:60]}.")
    return server


def tell_guest(server: Instance) -> dict[str, Any]:
    """By the keys of the description of a guest in orders; no secrets but those of the guest."""
    server_id = str(server.uuid)
    nics = network_service().nics([server_id]).get(server_id, ())
    tags = {nic.port_id: nic.tag for nic in nics}
    return {
        "server_id": server_id,
        "name": server.display_name,
        "hostname": server.hostname,
        "launch_index": server.launch_index,
        "availability_zone": server.availability_zone,
        "project_id": server.project_id,
        "flavor": server.flavor,
        "metadata": server.metadata,
        "key_name": server.key_name,
        "key_data": server.key_data,
        "user_data": server.user_data,
        "vendor_data": vendor_data(),
        "nics": [
            {**dataclasses.asdict(wire), "tag": tags.get(wire.port_id)}
            for wire in network_service().find_wiring(server_id)
        ],
        "disks": [
            {"volume_id": device.volume_id, "tag": device.tag, "device_name": device.device_name}
            for device in BlockDevice.objects.filter(instance=server).order_by("pk")
        ],
    }
