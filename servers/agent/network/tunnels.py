"""A network on several hosts: vxlan between them. Which guest is behind which host is told by the
site. Only while one moves is it learned from packets: it answers at its new place as soon as QEMU
has told bridges that it is there (RARP), and not only when the old host has let go of its NIC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from servers.agent.network.commands import ask, batch, devices
from servers.agent.network.devices import put_on_bridge, remove
from servers.agent.network.names import bridge_of, tunnel_of
from servers.agent.network.state import Network

PORT = 4789
EVERYBODY = "00:00:00:00:00:00"
"""What is for nobody in particular."""
KINDS = frozenset(("vxlan", "gre", "geneve", "stt"))
"""Kinds of networks that are carried by vxlan here."""

Entry = tuple[str, str]
"""A MAC, and the address of the host behind which it is."""


def make_tunnel(network: Network, own_address: str | None, more: Iterable[Entry] = ()) -> None:
    """Make it so that the network reaches its other hosts, and ``more`` MACs there."""
    name = tunnel_of(network.id)
    if not own_address or network.network_type not in KINDS or network.segmentation_id is None:
        remove(name)
        return
    if name not in devices():
        kind = f"vxlan id {network.segmentation_id} dstport {PORT} nolearning"
        batch([f"link add name {name} type {kind} local {own_address}"])
    put_on_bridge(name, bridge_of(network.id), network.mtu)
    learning = "on" if any(place.moving for place in network.places) else "off"
    batch([f"link set dev {name} learning {learning}"], program="bridge")
    batch(changes(name, _held(name), entries(network, more)), program="bridge")


def entries(network: Network, more: Iterable[Entry] = ()) -> set[Entry]:
    """A guest that is plugged here and said to be elsewhere is moving here: the bridge finds it.
    What is for one that moves between others goes to all of them, so that nothing is lost when it
    changes sides.
    """
    tunnels: Mapping[str, str] = dict(network.tunnels)
    here = {port.id for port in network.ports}
    found = {
        (place.mac, tunnels[place.host])
        for place in network.places
        if place.host in tunnels and place.id not in here and not place.moving
    }
    return found | {(EVERYBODY, address) for address in tunnels.values()} | set(more)


def changes(name: str, held: set[Entry], wanted: set[Entry]) -> list[str]:
    """Commands of ``bridge``."""
    lines = []
    for mac, address in sorted(held - wanted):
        lines.append(f"fdb del {mac} dev {name} dst {address} self")
        if mac != EVERYBODY and mac not in {one for one, _ in wanted}:
            lines.append(f"fdb del {mac} dev {name} master")
    for mac, address in sorted(wanted - held):
        verb = "append" if mac == EVERYBODY else "replace"
        lines.append(f"fdb {verb} {mac} dev {name} dst {address} self permanent")
        if mac != EVERYBODY:
            lines.append(f"fdb replace {mac} dev {name} master static")
    return lines


def _held(name: str) -> set[Entry]:
    told = ask("fdb", "show", "dev", name, program="bridge")
    return {
        (str(one["mac"]), str(one["dst"])) for one in told if one and one.get("dst") is not None
    }
