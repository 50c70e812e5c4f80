"""DHCP, and announcements of IPv6 routers, by dnsmasq: what it is told, and its process.

It knows the guests of this host alone, and gives addresses to nobody else: each host answers its
own guests.
"""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import os
import signal
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from servers.agent.network.commands import run
from servers.agent.network.rules import METADATA
from servers.agent.network.state import Network, Port, Subnet

LEASE_SECONDS = 86400
END_SECONDS = 5.0
ON_LINK = "0.0.0.0"  # noqa: S104 - as DHCP names a route without a router
SERVER = "dhcp"
"""The device of a network's own namespace."""
SLAAC, STATELESS, STATEFUL = "slaac", "dhcpv6-stateless", "dhcpv6-stateful"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``words`` begin the process; ``hosts`` and ``options`` are files."""

    words: tuple[str, ...]
    hosts: str
    options: str


def plan_4(network: Network, answering: Collection[str]) -> Plan | None:
    """For the namespace of the network. ``answering`` are the gateways at which the metadata are
    answered, too. ``None``: there is no DHCP.
    """
    subnets = [one for one in network.subnets if one.version == 4 and one.dhcp]
    if not subnets:
        return None
    words = []
    for place, subnet in enumerate(subnets):
        ranges = ipaddress.ip_network(subnet.cidr)
        first = ranges.network_address
        words += [
            f"--dhcp-range=set:s{place},{first},static,{ranges.netmask},{LEASE_SECONDS}s",
            f"--shared-network={SERVER},{first}",
        ]
    options = [
        line
        for place, subnet in enumerate(subnets)
        for line in _options_4(f"tag:s{place}", subnet, network.mtu, answering)
    ]
    hosts = [line for port in network.ports for line in _host_lines(port, subnets)]
    options += [line for port in network.ports for line in _own_options(port, 4)]
    return Plan(words=tuple(words), hosts=_text(hosts), options=_text(options))


def _options_4(tag: str, subnet: Subnet, mtu: int, answering: Collection[str]) -> list[str]:
    gateway = subnet.gateway
    routes = [f"{METADATA}/32,{gateway if gateway in answering else ON_LINK}"]
    routes += [f"{destination},{hop}" for destination, hop in subnet.routes if ":" not in hop]
    routes += [f"0.0.0.0/0,{gateway}"] if gateway else []
    lines = [
        f"{tag},option:router{f',{gateway}' if gateway else ''}",
        f"{tag},option:mtu,{mtu}",
        f"{tag},option:classless-static-route,{','.join(routes)}",
    ]
    if subnet.dns:
        lines.append(f"{tag},option:dns-server,{','.join(subnet.dns)}")
    return lines


def plan_6(networks: Sequence[Network], devices: Sequence[str]) -> Plan | None:
    """For the namespace of a router: announces itself on these devices of its networks, and answers
    DHCPv6 there. ``None``: nobody is to hear of it.
    """
    words, options, hosts = ["--enable-ra"], [], []
    for place, (network, device) in enumerate(zip(networks, devices, strict=True)):
        subnets = [one for one in network.subnets if one.version == 6 and one.ra]
        if not subnets:
            continue
        # least, and how long: the advertised MTU is that of the network
        words += [f"--interface={device}", f"--ra-param={device},mtu:{network.mtu},0,1800"]
        for number, subnet in enumerate(subnets):
            tag = f"n{place}s{number}"
            words.append(_range_6(tag, subnet))
            if subnet.dns:
                servers = ",".join(f"[{one}]" for one in subnet.dns if ":" in one)
                options += [f"tag:{tag},option6:dns-server,{servers}"] if servers else []
        stateful = [one for one in subnets if one.ra == STATEFUL]
        hosts += [line for port in network.ports for line in _host_lines(port, stateful)]
        options += [line for port in network.ports for line in _own_options(port, 6)]
    if len(words) == 1:
        return None
    return Plan(words=tuple(words), hosts=_text(hosts), options=_text(options))


def _range_6(tag: str, subnet: Subnet) -> str:
    ranges = ipaddress.ip_network(subnet.cidr)
    kinds = {SLAAC: "ra-only", STATELESS: "ra-stateless", STATEFUL: "static"}
    kind = kinds.get(str(subnet.ra), "ra-only")
    first, bits = ranges.network_address, ranges.prefixlen
    return f"--dhcp-range=set:{tag},{first},{kind},{bits},{LEASE_SECONDS}s"


def _host_lines(port: Port, subnets: Sequence[Subnet]) -> list[str]:
    """One of these: the first address that the port has in each subnet."""
    lines = []
    name = f",{port.hostname}" if port.hostname else ""
    for subnet in subnets:
        ranges = ipaddress.ip_network(subnet.cidr)
        inside = [one for one in port.addresses if ipaddress.ip_address(one) in ranges]
        if inside:
            address = f"[{inside[0]}]" if subnet.version == 6 else inside[0]
            lines.append(f"{port.mac},set:p{port.id},{address}{name}")
            if subnet.version == 4:
                break  # a client asks once
    return lines


def _own_options(port: Port, version: int) -> list[str]:
    word = "option6" if version == 6 else "option"
    return [
        f"tag:p{port.id},{word}:{name},{value}"
        if not name.isdecimal()
        else f"tag:p{port.id},{'option6:' if version == 6 else ''}{name},{value}"
        for name, value, of_version in port.options
        if of_version == version and _is_plain(name) and _is_plain(value)
    ]


def _is_plain(word: str) -> bool:
    """One line of the file, and no more."""
    return word.isprintable() and bool(word)


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


# the process


def serve(space: str, folder: Path, plan: Plan | None) -> None:
    """Make it so that dnsmasq serves this in the namespace, or nothing.

    It begins anew with each change, as it keeps nothing: told by SIGHUP to read its files again,
    version 2.90 crashes once it has given an address away.
    """
    if plan is None:
        end(folder)
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o755)
    folder.chmod(0o755)  # dnsmasq reads it as nobody
    changed = _write(folder / "hosts", plan.hosts) | _write(folder / "options", plan.options)
    words = _command(folder, plan)
    same = _kept(folder / "command") == "\n".join(words)
    if same and not changed and running(folder) is not None:
        return
    end(folder)
    run(*words, space=space)
    _write(folder / "command", "\n".join(words))


def end(folder: Path) -> None:
    pid = running(folder)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _wait_for_end(folder)
    (folder / "command").unlink(missing_ok=True)
    (folder / "pid").unlink(missing_ok=True)


def _wait_for_end(folder: Path) -> None:
    """So that its port is free."""
    deadline = time.monotonic() + END_SECONDS
    while running(folder) is not None and time.monotonic() < deadline:
        time.sleep(0.005)


def running(folder: Path) -> int | None:
    """The process id of the dnsmasq that was started with this folder."""
    text = _kept(folder / "pid").strip()
    if not text.isdecimal():
        return None
    try:
        command = Path(f"/proc/{text}/cmdline").read_bytes()
    except OSError:
        return None
    return int(text) if f"--dhcp-hostsfile={folder}/hosts".encode() in command else None


def _command(folder: Path, plan: Plan) -> list[str]:
    return [
        "dnsmasq",
        "--conf-file=/dev/null",
        "--no-hosts",
        "--no-resolv",
        "--port=0",
        "--bind-dynamic",
        "--except-interface=lo",
        "--dhcp-authoritative",
        "--no-ping",
        "--leasefile-ro",
        f"--dhcp-hostsfile={folder}/hosts",
        f"--dhcp-optsfile={folder}/options",
        f"--pid-file={folder}/pid",
        f"--log-facility={folder}/log",
        *plan.words,
    ]


def _write(path: Path, text: str) -> bool:
    """Has it changed?"""
    if path.exists() and _kept(path) == text:
        return False
    draft = path.with_suffix(".new")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o644)
    draft.replace(path)
    return True


def _kept(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
