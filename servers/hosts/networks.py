"""What a host is told of a network that it carries."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.neighbours import network_service
from compute_site.neighbours.network.carried import CarriedRouter
from servers.models import HostAgent


def tell_network(agent: HostAgent, network_id: str) -> dict[str, Any] | None:
    """``None``: no server of the host is on it, or on one that a router joins with it."""
    host = agent.service.host
    carried = network_service().find_carried(network_id, host)
    if carried is None:
        return None
    hosts = {*carried.hosts, *(one for router in carried.routers for one in router.hosts)}
    known = _known_agents(hosts)
    told = dataclasses.asdict(carried)
    told["hosts"] = sorted(carried.hosts)
    told["tunnels"] = {
        name: address
        for name, (address, _) in sorted(known.items())
        if name != host and address and name in carried.hosts
    }
    told["routers"] = [_router(router, known) for router in carried.routers]
    return told


def _router(router: CarriedRouter, known: Mapping[str, tuple[str, bool]]) -> dict[str, Any]:
    """One of its hosts sends on what has no floating address: the first that has an uplink."""
    told = dataclasses.asdict(router)
    if router.gateway is not None:
        able: Sequence[str] = [one for one in router.hosts if known.get(one, ("", False))[1]]
        told["gateway"]["host"] = able[0] if able else ""
    return told


def _known_agents(hosts: set[str]) -> dict[str, tuple[str, bool]]:
    """By the host: the address of its tunnels, and whether it has an uplink and is up."""
    agents = HostAgent.objects.filter(service__host__in=hosts).select_related("service")
    return {
        agent.service.host: (
            str(agent.wires.get("tunnel_address") or ""),
            bool(agent.wires.get("uplink")) and agent.service.is_up,
        )
        for agent in agents
    }
