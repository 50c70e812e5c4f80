"""The networks that a caller can use, asked of the network service."""

from __future__ import annotations

from collections.abc import Sequence

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import NetworkData
from servers.proxies.errors import NoSuchNetwork


def list_networks(caller: Caller) -> Sequence[NetworkData]:
    """The project's own networks and the shared ones."""
    return network_service().available_networks(caller)


def find_network(caller: Caller, network_id: str) -> NetworkData:
    """A network that the caller may see.

    Raises:
        NoSuchNetwork: there is none.
    """
    network = network_service().find_networks(caller, [network_id]).get(network_id)
    if network is None:
        raise NoSuchNetwork(f"There is no network {network_id[:80]}.")
    return network
