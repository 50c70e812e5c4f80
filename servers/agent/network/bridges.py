"""Carries packets of guests over Linux bridges, in the network namespace of the host.

Beside each bridge stands a namespace with what guests ask there: DHCP and metadata. All is made
from what the site tells of the network, kept on disk, and of the NICs that are plugged here; what
is made already is left alone.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import logging
import os
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from servers.agent.client import Client, SiteFailed
from servers.agent.network import dhcp, providers
from servers.agent.network.commands import devices, run, spaces
from servers.agent.network.devices import (
    give_addresses,
    give_routes,
    is_bridge,
    know_neighbours,
    make_bridge,
    make_pair,
    make_space,
    remove,
    remove_space,
    set_values,
)
from servers.agent.network.kept import Kept, PluggedPort
from servers.agent.network.metadata import MetadataService
from servers.agent.network.names import (
    DEVICES,
    NETWORK_SPACE,
    ROUTER_SPACE,
    bridge_of,
    flat_end,
    handover_end,
    inner_of,
    interface_end,
    network_space,
    outer_end,
    outlet_end,
    router_space,
    server_end,
    server_mac,
    tunnel_of,
    vlan_of,
)
from servers.agent.network.protocol import NetworkFailed, Plugged, tap_of
from servers.agent.network.routers import Standing, mac_from, make_router, neighbours
from servers.agent.network.rules import METADATA, NO_RULES, Outlet, ruleset
from servers.agent.network.state import Network, Router
from servers.agent.network.tunnels import make_tunnel
from servers.agent.settings import Settings

logger = logging.getLogger(__name__)

PROGRAMS = {
    "ip": "iproute2",
    "bridge": "iproute2",
    "nft": "nftables",
    "dnsmasq": "dnsmasq-base",
    "sysctl": "procps",
}
FILTERED = Path("/proc/sys/net/bridge")
CALLS = {"net.bridge.bridge-nf-call-iptables": "1", "net.bridge.bridge-nf-call-ip6tables": "1"}
UNCHANGED = 304
OF_FILTERS = frozenset(
    ("rules", "pairs", "port_security", "stateful", "up", "limits", "dscp"),
)
"""What is told of a port, and matters to the filter alone."""
OWN_RULES = f"""table inet cs_network
delete table inet cs_network
table inet cs_network {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    udp dport 67 accept
    ip daddr {METADATA} tcp dport 80 accept
  }}
  chain forward {{
    type filter hook forward priority 0; policy drop;
  }}
}}
"""
"""Of the namespace of a network: it answers, and sends nothing on."""


class Bridges:
    def __init__(self, settings: Settings, client: Client) -> None:
        self.settings = settings
        self.client = client
        self.run_folder = Path(settings.network_run_dir)
        self.lock = threading.RLock()
        self.physical = providers.read_devices(settings.physical_networks)
        self.kept = Kept(Path(settings.state_dir) / "network")
        self.metadata = MetadataService(client, self.kept) if settings.metadata else None

    # what hypervisors ask for

    def missing(self) -> list[str]:
        lacks = [
            f"the program {name} (Debian: {package})"
            for name, package in PROGRAMS.items()
            if shutil.which(name) is None
        ]
        if os.geteuid() != 0:
            lacks.append("networks are made by root")
        if not lacks:
            lacks += self._missing_devices()
        return lacks

    def _missing_devices(self) -> list[str]:
        lacks = []
        _load_filters()
        if not FILTERED.exists():
            lacks.append("the kernel's module br_netfilter, by which bridges are filtered")
        uplink = self.settings.uplink
        if uplink is not None and not is_bridge(uplink):
            lacks.append(f"the uplink {uplink} is no bridge of this host")
        lacks += providers.lacks_of(self.physical)
        return lacks

    def facts(self) -> dict[str, Any]:
        address = self.settings.tunnel_address
        known: dict[str, Any] = {
            "uplink": self.settings.uplink is not None,
            "physical_networks": sorted(self.physical),
        }
        return known | ({"tunnel_address": address} if address else {})

    def plug(self, server_id: str, nic: Mapping[str, Any]) -> Plugged:
        port_id, network_id = str(nic["port_id"]), str(nic["network_id"])
        providers.check_carried(nic, self.physical)
        with self.lock:
            self.kept.plug(server_id, nic)
            self._fetch(network_id)
            self._make([network_id])
            network = self.kept.networks()[network_id]
        return Plugged(bridge=bridge_of(network_id), tap=tap_of(port_id), mtu=network.mtu)

    def unplug(self, server_id: str, port_id: str) -> None:
        with self.lock:
            port = self.kept.ports.get(port_id)
            if port is not None and port.server_id == server_id:
                self._unplug([port])

    def unplug_all(self, server_id: str) -> None:
        with self.lock:
            self._unplug([one for one in self.kept.ports.values() if one.server_id == server_id])
            self.kept.forget_guest(server_id)

    def _unplug(self, ports: Iterable[PluggedPort]) -> None:
        left = set()
        for port in list(ports):
            self.kept.unplug(port.port_id)
            left.add(port.network_id)
        if left:
            self._make(left)

    def resume(self) -> None:
        """From what is kept, since the site may be away."""
        with self.lock:
            try:
                self._make(self.kept.told)
            except NetworkFailed:
                logger.exception("the networks of this host could not be made")

    def update(self, network_id: str) -> None:
        with self.lock:
            before = self.kept.told.get(network_id)
            if network_id not in self.kept.needed() or not self._fetch(network_id):
                return
            if before is not None and differ_in_filters(before, self.kept.told[network_id]):
                self._filter(self.kept.networks())
            else:
                self._make([network_id])

    def refresh(self) -> None:
        for network_id in sorted(self.kept.needed()):
            self.update(network_id)

    def clear(self) -> None:
        with self.lock:
            self.stop()
            self._remove_others(set(), set())
            run("nft", "-f", "-", told=NO_RULES)

    def stop(self) -> None:
        if self.metadata is not None:
            self.metadata.stop()

    # what the site tells

    def _fetch(self, network_id: str) -> bool:
        """Ask the site; is anything new? Where it does not answer, what is kept counts."""
        known = self.kept.told.get(network_id)
        version = f"?version={known['version']}" if known else ""
        try:
            told = self.client.get(f"networks/{network_id}{version}")
        except SiteFailed as error:
            if error.status != UNCHANGED:
                logger.warning("network %s: %s", network_id, error)
            return False
        self.kept.note_network(told)
        behind = {
            interface["network_id"]
            for router in told["routers"]
            for interface in router["interfaces"]
        }
        for other in sorted(behind - set(self.kept.told)):
            self._fetch(other)
        return True

    # making it so

    def _make(self, changed: Iterable[str]) -> None:
        """Make these networks, and those that are joined with them by routers; remove what nobody
        needs any more.
        """
        networks = self.kept.networks()
        touched = {one for one in changed if one in networks}
        standings = [self._standing(router, networks) for router in _routers_of(networks)]
        for standing in standings:
            if touched & standing.networks.keys():
                touched |= standing.networks.keys()
        self._filter(networks)  # first: it names devices that need not be there yet
        if networks:
            _load_filters()
            set_values(CALLS)
        for network_id in sorted(touched):
            make_bridge(bridge_of(network_id), networks[network_id].mtu)
        for network_id in sorted(touched):
            self._make_network(networks[network_id], standings)
        for standing in standings:
            if touched & standing.networks.keys():
                make_router(standing)
                self._announce_routers(standing)
        self._listen(networks, standings)
        self._sweep(networks, standings)

    def _standing(self, router: Router, networks: Mapping[str, Network]) -> Standing:
        inside = {one.network_id for one in router.interfaces}
        return Standing(
            router=router,
            networks={key: network for key, network in networks.items() if key in inside},
            host=self.settings.host,
            uplink=self.settings.uplink,
        )

    def _filter(self, networks: Mapping[str, Network]) -> None:
        ports = {bridge_of(key): network.ports for key, network in networks.items()}
        numbers = {port.port_id: port.number for port in self.kept.ports.values()}
        zones = {bridge_of(key): self.kept.zones[key] for key in networks}
        outlets = [
            Outlet(
                device=outlet,
                bridge=bridge_of(key),
                mac=mac_from(f"{self.settings.host} {key}"),
                answers=any(subnet.dhcp for subnet in network.subnets),
            )
            for key, network in networks.items()
            if (outlet := providers.outlet_of(network, self.physical)) is not None
        ]
        run("nft", "-f", "-", told=ruleset(ports, numbers, zones, outlets))

    def _make_network(self, network: Network, standings: Iterable[Standing]) -> None:
        space, end = network_space(network.id), server_end(network.id)
        here = [one for one in standings if network.id in one.networks]
        make_space(space)
        run("nft", "-f", "-", space=space, told=OWN_RULES)
        make_pair(
            end,
            dhcp.SERVER,
            space,
            mac=server_mac(network.id),
            mtu=network.mtu,
            bridge=bridge_of(network.id),
        )
        own = _gateways(network)
        addresses = [f"{METADATA}/32", *own]
        give_addresses(space, dhcp.SERVER, addresses)
        cidrs = [one.cidr for one in network.subnets if one.version == 4]
        give_routes(space, [f"{cidr} dev {dhcp.SERVER}" for cidr in cidrs])
        know_neighbours(space, dhcp.SERVER, _own_neighbours(network, cidrs))
        more = {entry for one in here for entry in one.tunnel_entries(network)}
        make_tunnel(network, self.settings.tunnel_address, more)
        handed = {one.handover_mac for one in here if one.hands_over_on(network)}
        providers.make_outlet(network, self.physical, handed)
        answering = {one.partition("/")[0] for one in (*own, *_router_addresses(network))}
        plan = dhcp.plan_4(network, answering)
        dhcp.serve(space, self.run_folder / f"network-{network.id}", plan)

    def _announce_routers(self, standing: Standing) -> None:
        known = sorted(standing.networks.values(), key=lambda one: one.id)
        plan = dhcp.plan_6(known, [inner_of(one.id) for one in known])
        folder = self.run_folder / f"router-{standing.router.id}"
        dhcp.serve(router_space(standing.router.id), folder, plan)

    def _listen(self, networks: Mapping[str, Network], standings: Iterable[Standing]) -> None:
        """Answer guests in each namespace that they reach."""
        if self.metadata is None:
            return
        guests = {network_space(key): _guests_of([network]) for key, network in networks.items()}
        for standing in standings:
            guests[router_space(standing.router.id)] = _guests_of(standing.networks.values())
        self.metadata.serve(guests)

    def _sweep(self, networks: Mapping[str, Network], standings: Iterable[Standing]) -> None:
        """Remove what no guest of this host needs."""
        wanted_spaces = {network_space(key) for key in networks}
        kinds = (bridge_of, tunnel_of, server_end, vlan_of, outlet_end, flat_end)
        wanted = {name(key) for key in networks for name in kinds}
        for standing in standings:
            router_id = standing.router.id
            wanted_spaces.add(router_space(router_id))
            wanted |= {interface_end(router_id, key) for key in standing.networks}
            wanted |= {outer_end(router_id), handover_end(router_id)}
        self._remove_others(wanted_spaces, wanted)
        self.kept.drop_networks(set(networks))

    def _remove_others(self, wanted_spaces: set[str], wanted: set[str]) -> None:
        """Namespaces and devices of guests but for these."""
        for space in sorted(spaces() - wanted_spaces):
            if space.startswith((NETWORK_SPACE, ROUTER_SPACE)):
                folder = self.run_folder / space.removeprefix("cs-")
                dhcp.end(folder)
                shutil.rmtree(folder, ignore_errors=True)
                remove_space(space)
        left = [one for one in devices() if one.startswith(DEVICES) and one not in wanted]
        for device in left:
            remove(device)  # the other end may be gone already


def differ_in_filters(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Is nothing new but what passes? Then nothing else is looked at, so that the next change need
    not wait for that.
    """
    return _without_filters(before) == _without_filters(now)


def _without_filters(told: Mapping[str, Any]) -> dict[str, Any]:
    ports = [
        {key: value for key, value in port.items() if key not in OF_FILTERS}
        for port in told.get("ports", ())
    ]
    return {**told, "ports": ports, "version": ""}


def _load_filters() -> None:
    """Nothing else does, after a boot."""
    if FILTERED.exists():
        return
    try:
        run("modprobe", "br_netfilter")
    except NetworkFailed as error:
        logger.warning("%s", error)


def _routers_of(networks: Mapping[str, Network]) -> list[Router]:
    """Each once, as the newest that was told of it."""
    found: dict[str, Router] = {}
    for network in networks.values():
        for router in network.routers:
            known = found.get(router.id)
            if known is None or len(router.floating) > len(known.floating):
                found[router.id] = router
    return [found[key] for key in sorted(found)]


def _router_addresses(network: Network) -> list[str]:
    return [
        address
        for router in network.routers
        for interface in router.interfaces
        if interface.network_id == network.id
        for address in interface.addresses
    ]


def _gateways(network: Network) -> list[str]:
    """Those of IPv4 that nobody else has: the namespace of the network has them, so that guests
    reach the metadata by their default route. Those of physical networks are out there.
    """
    if network.network_type in providers.KINDS:
        return []
    taken = {one.partition("/")[0] for one in _router_addresses(network)}
    taken |= {address for place in network.places for address in place.addresses}
    return [
        f"{subnet.gateway}/{ipaddress.ip_network(subnet.cidr).prefixlen}"
        for subnet in network.subnets
        if subnet.version == 4 and subnet.gateway and subnet.gateway not in taken
    ]


def _own_neighbours(network: Network, cidrs: Iterable[str]) -> dict[str, str]:
    ours = {port.id for port in network.ports}
    own = dataclasses.replace(
        network, places=tuple(place for place in network.places if place.id in ours)
    )
    return neighbours(own, list(cidrs))


def _guests_of(networks: Iterable[Network]) -> dict[str, str]:
    """The servers, by the addresses that they ask from."""
    return {
        address: port.server_id
        for network in networks
        for port in network.ports
        for address in port.addresses
    }
