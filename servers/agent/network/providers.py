"""Networks that lie outside of the hosts, of the types ``flat`` and ``vlan``: their bridges are
joined with the device of this host that is on the physical network.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from servers.agent.network.commands import ask, batch, devices
from servers.agent.network.devices import is_bridge, put_on_bridge, remove
from servers.agent.network.names import bridge_of, flat_end, outlet_end, vlan_of
from servers.agent.network.protocol import NetworkFailed
from servers.agent.network.state import Network

FLAT, VLAN = "flat", "vlan"
KINDS = frozenset((FLAT, VLAN))


def read_devices(text: str) -> dict[str, str]:
    """The bridges or interfaces of this host by the names of physical networks, as the setting
    ``physical_networks`` has them: ``physnet1:br-ex,physnet2:eth1``.

    Raises:
        NetworkFailed: it says something else.
    """
    found = {}
    for part in filter(None, (one.strip() for one in text.split(","))):
        name, _, device = (one.strip() for one in part.partition(":"))
        if not name or not device or name in found:
            raise NetworkFailed(
                f'"physical_networks" of agent.json has {part!r}; it is NAME:DEVICE, each name once'
            )
        found[name] = device
    return found


def device_on(kind: str, physical: str | None, known: Mapping[str, str]) -> str | None:
    """The device of this host on which such a network lies; ``None``: it lies on none."""
    return known.get(physical or "") if kind in KINDS else None


def check_carried(nic: Mapping[str, Any], known: Mapping[str, str]) -> None:
    """Raises ``NetworkFailed`` where this host cannot carry the network of the NIC."""
    kind, physical = nic["network_type"], nic.get("physical_network")
    if kind not in KINDS:
        return
    if device_on(kind, physical, known) is None:
        raise NetworkFailed(
            f"the network {nic['network_id']} of the type {kind} lies on the physical network "
            f'{physical}, which "physical_networks" of this host\'s agent.json does not name'
        )
    if kind == VLAN and not nic.get("segmentation_id"):
        raise NetworkFailed(f"the network {nic['network_id']} of the type vlan has no number")


def outlet_of(network: Network, known: Mapping[str, str]) -> str | None:
    """The device on the network's bridge by which it leads to its physical network."""
    device = device_on(network.network_type, network.physical_network, known)
    if device is None:
        return None
    if network.network_type == VLAN:
        return vlan_of(network.id)
    return outlet_end(network.id) if is_bridge(device) else device


def make_outlet(network: Network, known: Mapping[str, str], handed: Iterable[str] = ()) -> None:
    """Join the network with its physical network. ``handed`` are MACs that are found there."""
    outlet = outlet_of(network, known)
    if outlet is None:
        return
    device = known[str(network.physical_network)]
    there = devices()
    if device not in there:
        raise NetworkFailed(
            f"the physical network {network.physical_network}: this host has no device {device}"
        )
    if int(there[device]["mtu"]) < network.mtu:
        raise NetworkFailed(
            f"the network {network.id} has the MTU {network.mtu}, and {device}, on which it lies, "
            f"{there[device]['mtu']}"
        )
    if network.network_type == VLAN:
        _make_vlan(network, device, outlet, there)
    elif outlet == device:
        _take_interface(network, device)
    else:
        _make_pair(network, device, outlet, there)
    lines = [f"fdb replace {mac} dev {outlet} master static" for mac in sorted(handed)]
    batch(lines, program="bridge")


def lacks_of(known: Mapping[str, str]) -> list[str]:
    there = devices()
    return [
        f"the device {device} of the physical network {name}"
        for name, device in sorted(known.items())
        if device not in there
    ]


def _make_vlan(network: Network, device: str, outlet: str, there: Collection[str]) -> None:
    number = network.segmentation_id
    held = ask("-d", "link", "show", "dev", outlet) if outlet in there else []
    about = held[0].get("linkinfo", {}) if held else {}
    if about.get("info_kind") == VLAN and about.get("info_data", {}).get("id") != number:
        remove(outlet)
        held = []
    if not held:
        try:
            batch([f"link add link {device} name {outlet} type vlan id {number}"])
        except NetworkFailed as error:
            raise NetworkFailed(
                f"no device for VLAN {number} on {device} (kernel module 8021q): {error}"
            ) from None
    batch([f"link set {device} up"])
    put_on_bridge(outlet, bridge_of(network.id), network.mtu)


def _make_pair(network: Network, device: str, outlet: str, there: Collection[str]) -> None:
    """Bridges are joined by two devices."""
    end = flat_end(network.id)
    if outlet not in there or end not in there:
        remove(outlet)
        batch([f"link add {outlet} type veth peer name {end}"])
    put_on_bridge(end, device, network.mtu)
    put_on_bridge(outlet, bridge_of(network.id), network.mtu)


def _take_interface(network: Network, device: str) -> None:
    bridge = bridge_of(network.id)
    [told] = ask("addr", "show", "dev", device)
    master = told.get("master")
    if master not in (None, bridge):
        raise NetworkFailed(f"{device} is on {master}; name that bridge in physical_networks")
    if any(one["scope"] != "link" for one in told.get("addr_info", ())):
        raise NetworkFailed(
            f"{device} has addresses of this host, which would lose them to the network "
            f"{network.id}: put it on a bridge, and name that in physical_networks"
        )
    batch([f"link set {device} master {bridge} up"])
