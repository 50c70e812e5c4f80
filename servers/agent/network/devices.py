"""Bridges, pairs of devices, and what is in a namespace: made so, and left alone where it is."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from servers.agent.network.commands import ask, batch, devices, run, spaces, within
from servers.agent.network.protocol import NetworkFailed

ETHER_ARP = 0x0806
BROADCAST = bytes([0xFF] * 6)
QUIET = {
    "net.ipv6.conf.default.accept_ra": "0",
    # a second host answers with the same addresses
    "net.ipv6.conf.default.accept_dad": "0",
    "net.ipv4.conf.default.rp_filter": "0",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.conf.default.send_redirects": "0",
    "net.ipv4.conf.all.send_redirects": "0",
    # each device answers for its own addresses, since two may be on one bridge
    "net.ipv4.conf.all.arp_ignore": "1",
    "net.ipv4.conf.all.arp_announce": "2",
}
FORWARDING = {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1"}


def make_bridge(name: str, mtu: int) -> None:
    """A bridge on which the host itself has no address."""
    if name not in devices():
        batch([f"link add name {name} type bridge forward_delay 0 mcast_snooping 0"])
    batch([f"link set {name} mtu {mtu} addrgenmode none up"])
    set_values({f"net.ipv6.conf.{name}.disable_ipv6": "1"})


def put_on_bridge(device: str, bridge: str, mtu: int) -> None:
    """The host itself has no address by it."""
    batch([f"link set {device} mtu {mtu} master {bridge} addrgenmode none up"])
    set_values({f"net.ipv6.conf.{device}.disable_ipv6": "1"})


def is_bridge(device: str) -> bool:
    return Path(f"/sys/class/net/{device}/bridge").exists()


def make_pair(outer: str, inner: str, space: str, *, mac: str, mtu: int, bridge: str) -> None:
    """Two devices, one on the bridge, the other in the namespace with this MAC, to which the bridge
    sends what is for it, whoever else claims to have it.
    """
    held = devices(space)
    if outer not in devices() or inner not in held:
        remove(outer)
        batch([f"link add {outer} type veth peer name {inner} netns {space}"])
    if (held.get(inner) or {}).get("address") != mac:
        batch([f"link set {inner} address {mac}"], space=space)
    batch([f"link set {inner} mtu {mtu} up"], space=space)
    batch([f"link set {outer} mtu {mtu} master {bridge} addrgenmode none up"])
    with contextlib.suppress(NetworkFailed):  # it is there
        batch([f"fdb replace {mac} dev {outer} master static"], program="bridge")


def make_space(name: str, *, forwarding: bool = False) -> None:
    if name not in spaces():
        run("ip", "netns", "add", name)
    batch(["link set lo up"], space=name)
    set_values(QUIET | (FORWARDING if forwarding else {}), space=name)


def remove_space(name: str) -> None:
    """And with it all devices in it."""
    if name in spaces():
        run("ip", "netns", "delete", name)


def remove(device: str) -> None:
    if device in devices():
        try:
            batch([f"link delete {device}"])
        except NetworkFailed:
            if device in devices():  # else the kernel has just removed it with its other end
                raise


def set_values(values: Mapping[str, str], space: str | None = None) -> None:
    run("sysctl", "-q", "-w", *(f"{key}={value}" for key, value in values.items()), space=space)


def give_addresses(space: str, device: str, wanted: Collection[str]) -> list[str]:
    """The device has exactly these addresses (with their prefix), beside those that it makes for
    itself; those that are new.
    """
    told = ask("addr", "show", "dev", device, space=space)
    held = {
        f"{one['local']}/{one['prefixlen']}"
        for one in (told[0].get("addr_info", ()) if told else ())
        if not (one.get("scope") == "link" and one["local"].startswith("fe80:"))
    }
    new = [one for one in wanted if one not in held]
    lines = [f"addr del {one} dev {device}" for one in sorted(held - set(wanted))]
    lines += [f"addr replace {one} dev {device}" for one in new]
    batch(lines, space=space)
    return new


def know_neighbours(space: str, device: str, wanted: Mapping[str, str]) -> None:
    """The MACs of these addresses need not be asked for; those that were told before and are not
    among them are forgotten.
    """
    held = {
        str(one["dst"]): str(one.get("lladdr", ""))
        for one in ask("neigh", "show", "dev", device, "nud", "permanent", space=space)
        if one
    }
    held_6 = {
        str(one["dst"]): str(one.get("lladdr", ""))
        for one in ask("-6", "neigh", "show", "dev", device, "nud", "permanent", space=space)
        if one
    }
    held.update({key: mac for key, mac in held_6.items() if not _is_group(key)})
    held = {key: mac for key, mac in held.items() if not _is_group(key)}
    lines = [f"neigh del {one} dev {device}" for one in sorted(held.keys() - wanted.keys())]
    lines += [
        f"neigh replace {one} lladdr {mac} dev {device} nud permanent"
        for one, mac in sorted(wanted.items())
        if held.get(one) != mac
    ]
    batch(lines, space=space)


def _is_group(address: str) -> bool:
    return ipaddress.ip_address(address).is_multicast


def give_routes(space: str, wanted: Iterable[str], *, table: str = "main") -> None:
    """Each of these routes, in the words of ``ip route``; those that were given before and are not
    among them go.
    """
    lines = sorted(wanted)
    try:
        before = ask("route", "show", "table", table, "proto", "static", space=space)
    except NetworkFailed:  # the first route makes the table
        before = []
    kept = {line.split()[0] for line in lines}
    old = [str(one["dst"]) for one in before if one and str(one["dst"]) not in kept]
    batch(
        [
            *(f"route del {one} table {table} proto static" for one in old),
            *(f"route replace {line} table {table} proto static" for line in lines),
        ],
        space=space,
    )


def announce(space: str, device: str, mac: str, addresses: Iterable[str]) -> None:
    """Tell who is on the device's network that these IPv4 addresses are to be found here."""
    found = [ipaddress.ip_address(one) for one in addresses if ":" not in one]
    if found:
        within(space, lambda: _announce(device, bytes.fromhex(mac.replace(":", "")), found))


def _announce(
    device: str, mac: bytes, addresses: Iterable[ipaddress.IPv4Address | ipaddress.IPv6Address]
) -> None:
    """ARP: the question for one's own address, to all."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as raw:
        raw.bind((device, ETHER_ARP))
        for address in addresses:
            packed = address.packed
            head = BROADCAST + mac + ETHER_ARP.to_bytes(2, "big")
            raw.send(head + bytes.fromhex("0001080006040001") + mac + packed + bytes(6) + packed)
