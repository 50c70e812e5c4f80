"""How devices and namespaces of networks are called on a host. Devices have 15 letters at most."""

from __future__ import annotations

LETTERS = 11
"""Of an id."""
BRIDGE, TUNNEL = "csb", "csx"
"""How the names of bridges, and of their tunnels to other hosts, begin."""
VLAN, OUTLET = "csv", "csp"
"""The same, of what leads to physical networks."""
SERVER, INTERFACE = "csd", "csr"
"""The same, of what leads to the namespaces of networks and routers."""
ON_BRIDGES = (TUNNEL, VLAN, OUTLET, SERVER, INTERFACE, "csh")
"""How the names of the devices on these bridges begin, beside taps."""
FLAT = "csq"
"""The same, on bridges of the operator, of what leads to a network of guests."""
DEVICES = (BRIDGE, *ON_BRIDGES, "cso", FLAT)
"""How the names of all devices of networks begin."""
NETWORK_SPACE, ROUTER_SPACE = "cs-network-", "cs-router-"
"""How the names of namespaces begin."""


def bridge_of(network_id: str) -> str:
    return f"{BRIDGE}{network_id[:LETTERS]}"


def tunnel_of(network_id: str) -> str:
    return f"{TUNNEL}{network_id[:LETTERS]}"


def vlan_of(network_id: str) -> str:
    return f"{VLAN}{network_id[:LETTERS]}"


def outlet_end(network_id: str) -> str:
    """The end on the network's bridge of the pair that leads to the bridge of a physical one."""
    return f"{OUTLET}{network_id[:LETTERS]}"


def flat_end(network_id: str) -> str:
    """The other end of that pair, on the bridge of the physical network."""
    return f"{FLAT}{network_id[:LETTERS]}"


def server_end(network_id: str) -> str:
    """The end on the bridge of the pair that leads to the namespace of the network."""
    return f"{SERVER}{network_id[:LETTERS]}"


def interface_end(router_id: str, network_id: str) -> str:
    """The end on the bridge of the pair by which the router stands in the network."""
    return f"{INTERFACE}{router_id[:6]}{network_id[:6]}"


def outer_end(router_id: str) -> str:
    """The end on the uplink of the pair by which the router leads out."""
    return f"cso{router_id[:LETTERS]}"


def handover_end(router_id: str) -> str:
    """The end on the bridge of the pair by which other hosts hand over what leaves from here."""
    return f"csh{router_id[:LETTERS]}"


def inner_of(network_id: str) -> str:
    """The device of a network inside the namespace of a router."""
    return f"in-{network_id[:LETTERS]}"


def network_space(network_id: str) -> str:
    return f"{NETWORK_SPACE}{network_id}"


def router_space(router_id: str) -> str:
    return f"{ROUTER_SPACE}{router_id}"


def server_mac(network_id: str) -> str:
    """The MAC under which the network's namespace answers: the same on each host, so that it does
    not matter which of them answers.
    """
    return "02:" + ":".join(
        network_id.replace("-", "")[place : place + 2] for place in range(0, 10, 2)
    )
