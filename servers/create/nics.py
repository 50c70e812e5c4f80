"""The NICs of a request: checks them, looks up their networks and ports, and computes for how many
servers the project's port quota is enough.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import NetworkData, PortData
from compute_site.values.words import parse_uuid
from servers.create.errors import (
    AddressInUse,
    MalformedNic,
    NetworkAmbiguous,
    NetworkNotFound,
    NetworkWithoutSubnet,
    NoAutomaticNetwork,
    PortInUse,
    PortNotFound,
    PortQuotaExceeded,
    PortWithoutAddress,
)
from servers.create.order import NicOrder, ServerOrder
from servers.policies.server import CREATE_ATTACH_NETWORK

FIELD = "server.networks"
ADDRESSLESS = frozenset(("deferred", "none"))
"""Ports of these address modes need no address before the server is built."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FoundNics:
    """``max_servers`` is the number of servers for which the port quota is enough; ``only`` the
    network that servers get when none was named.
    """

    max_servers: int
    only: NetworkData | None = None
    ports: Mapping[str, PortData] = dataclasses.field(default_factory=dict)
    networks: Mapping[str, NetworkData] = dataclasses.field(default_factory=dict)


def check_nics(caller: Caller, order: ServerOrder) -> None:
    """Refuse NICs whose parts contradict each other, and check the right to name networks
    (docs/contract/create-flow.md A15).
    """
    if isinstance(order.networks, tuple):
        seen: set[str] = set()
        for index, nic in enumerate(order.networks):
            _check_nic(nic, seen, f"{FIELD}.{index}")
    if order.networks and order.networks != "none":
        caller.permit(CREATE_ATTACH_NETWORK)


def find_nics(caller: Caller, order: ServerOrder) -> FoundNics:
    """Look up the networks and ports of the NICs, and compute how many servers can have them
    (docs/contract/create-flow.md C4).
    """
    if order.networks == "none":
        return FoundNics(max_servers=order.max_count)
    if not order.networks or order.networks == "auto":
        only = _find_only(caller, automatic=order.networks == "auto")
        return FoundNics(max_servers=_how_many(caller, 1, order.max_count), only=only)
    nics = order.networks
    port_ids = [nic.port_id for nic in nics if nic.port_id is not None]
    network_ids = [nic.network_id for nic in nics if nic.port_id is None and nic.network_id]
    ports = network_service().find_ports(caller, port_ids) if port_ids else {}
    networks = network_service().find_networks(caller, network_ids) if network_ids else {}
    _check_each(caller, nics, ports)
    _check_networks(nics, networks)
    how_many = _how_many(caller, len(network_ids), order.max_count)
    return FoundNics(max_servers=how_many, ports=ports, networks=networks)


def _check_nic(nic: NicOrder, seen: set[str], field: str) -> None:
    if nic.port_id is not None:
        if nic.port_id in seen:
            raise MalformedNic(f"The port {nic.port_id} is named twice.", field=f"{field}.port")
        seen.add(nic.port_id)
        if nic.fixed_ip is not None:
            raise MalformedNic(
                "A port has its own address: leave fixed_ip out.", field=f"{field}.fixed_ip"
            )
    elif nic.network_id is None:
        raise MalformedNic("A NIC needs the uuid of a network, or a port.", field=field)
    elif parse_uuid(nic.network_id) is None:
        raise MalformedNic(f"{nic.network_id} is no UUID.", field=f"{field}.uuid")


def _find_only(caller: Caller, *, automatic: bool) -> NetworkData | None:
    """The network of the project, where none was named: there is exactly one, or one can be
    made, or the servers get none.
    """
    networks = network_service().available_networks(caller)
    if len(networks) > 1:
        names = ", ".join(network.id for network in networks)
        raise NetworkAmbiguous(
            f"The project could use several networks; name one of {names}.", field=FIELD
        )
    if automatic and not networks and not network_service().can_auto_allocate(caller):
        raise NoAutomaticNetwork(
            "The project has no network, and none can be made for it.", field=FIELD
        )
    return networks[0] if networks else None


def _check_each(caller: Caller, nics: Sequence[NicOrder], ports: Mapping[str, PortData]) -> None:
    """Check in the order of the request that ports are free and have addresses, and that addresses
    are free.
    """
    pairs = [
        (nic.network_id, nic.fixed_ip)
        for nic in nics
        if nic.port_id is None and nic.network_id and nic.fixed_ip
    ]
    taken = network_service().taken_addresses(caller, pairs) if pairs else set()
    for index, nic in enumerate(nics):
        field = f"{FIELD}.{index}"
        if nic.port_id is not None:
            _check_port(ports.get(nic.port_id), nic.port_id, f"{field}.port")
        elif (nic.network_id, nic.fixed_ip) in taken:
            raise AddressInUse(
                f"The address {nic.fixed_ip} is in use on the network {nic.network_id}.",
                field=f"{field}.fixed_ip",
            )


def _check_port(port: PortData | None, port_id: str, field: str) -> None:
    if port is None:
        raise PortNotFound(f"There is no port {port_id} for this project.", field=field)
    if port.device_id:
        raise PortInUse(f"The port {port_id} belongs to {port.device_id}.", field=field)
    if not port.addresses and port.ip_allocation not in ADDRESSLESS:
        raise PortWithoutAddress(f"The port {port_id} has no address yet.", field=field)


def _check_networks(nics: Sequence[NicOrder], networks: Mapping[str, NetworkData]) -> None:
    """Check that all found networks have a subnet, then that all were found; the error names every
    missing one.
    """
    for network in networks.values():
        if not network.has_subnet:
            raise NetworkWithoutSubnet(f"The network {network.id} has no subnet.", field=FIELD)
    missing = {
        nic.network_id: f"{FIELD}.{index}.uuid"
        for index, nic in enumerate(nics)
        if nic.port_id is None and nic.network_id not in networks
    }
    if missing:
        raise NetworkNotFound(
            f"There is no network {', '.join(map(str, missing))} for this project.",
            field=next(iter(missing.values())),
        )


def _how_many(caller: Caller, ports: int, max_count: int) -> int:
    """The number of servers with so many new ports each that fit into the port quota."""
    if not ports:
        return max_count
    quota = network_service().port_quota(caller)
    if quota.limit < 0:
        return max_count
    free = quota.limit - quota.used
    if free < 0:
        raise PortQuotaExceeded(
            f"The project has {quota.used} ports and may have {quota.limit}.", field=FIELD
        )
    return min(max_count, free // ports)
