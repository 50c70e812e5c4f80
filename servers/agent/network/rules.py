"""What packets may pass: data to the text of an nft ruleset. Nothing here touches the machine.

Frames of a guest are checked when they enter its tap: they bear its MAC and its addresses, or are
dropped. There its number is written into the lower half of the packet's mark, and into the upper
half that of the guest whose tap it leaves by. What security groups say is then looked up by these
numbers, so that it does not matter which addresses guests have, or whether other networks have the
same. Of a connection that was let through, answers pass; what its beginner sends is checked each
time, so that a rule that is gone ends what it allowed.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import itertools
from collections.abc import Iterable, Mapping, Sequence

from servers.agent.network.names import BRIDGE, FLAT, INTERFACE, ON_BRIDGES, SERVER, TUNNEL
from servers.agent.network.protocol import tap_of
from servers.agent.network.state import Port, Rule

TABLE = "compute_site"
METADATA = "169.254.169.254"
LARGEST_NUMBER = 0xFFFF
BYTES_OF_KILOBIT = 125
LARGEST_FRAME = 70_000
"""Guests hand segments over that are cut up later; less at once would let none of these pass."""
LARGEST_PROTOCOL = 255
PROTOCOLS = {
    "any": 0,
    "ip": 0,
    "hopopt": 0,
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "egp": 8,
    "udp": 17,
    "dccp": 33,
    "ipv6-encap": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ospf": 89,
    "vrrp": 112,
    "pgm": 113,
    "sctp": 132,
    "udplite": 136,
}
WITH_PORTS = {6: "tcp", 17: "udp", 33: "dccp", 132: "sctp", 136: "udplite"}
ICMP, ICMP6 = 1, 58
ANY = 0
"""As for iptables, the number 0 stands for every protocol."""
TO_GUESTS = "130, 131, 132, 134, 135, 136"
"""ICMPv6 without which IPv6 does not work: listeners of multicast, routers, neighbours."""
FROM_GUESTS = "130, 131, 132, 133, 135, 136, 143"
UNSPECIFIED = "133, 135, 143"
"""ICMPv6 of guests that have no address yet."""

NEIGHBOURS = "133, 134, 135, 136, 137"
"""ICMPv6 by which routers and neighbours are found."""

Numbers = Mapping[str, int]
"""Of ports, or of networks, by id."""


FAMILIES = ("bridge", "inet")
NO_RULES = "".join(f"table {one} {TABLE}\ndelete table {one} {TABLE}\n" for one in FAMILIES)
"""Takes the ruleset of a host away, if there is one."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A device on a bridge that leads to a physical network. Routers of this host send there with
    this MAC; the hosts answer DHCP themselves, or leave it to others there.
    """

    device: str
    bridge: str
    mac: str
    answers: bool


def ruleset(
    ports: Mapping[str, Sequence[Port]],
    numbers: Numbers,
    zones: Numbers,
    outlets: Sequence[Outlet] = (),
) -> str:
    """The whole ruleset of a host with these guests, which takes the place of the one before in one
    transaction. ``ports``, and numbers of its networks (``zones``), are by their bridges.
    """
    known = sorted(itertools.chain(*ports.values()), key=lambda port: port.id)
    untracked = [
        line for bridge in sorted(ports) for line in _untracked(bridge, ports[bridge], numbers)
    ]
    ways = sorted(outlets, key=lambda one: one.device)
    lines = NO_RULES.splitlines()
    lines += _frames(known, numbers, ways)
    filtered = [port for port in known if port.port_security]
    lines += _packets(filtered, numbers, zones, ways, untracked)
    return "\n".join(lines) + "\n"


# frames


def _frames(ports: Sequence[Port], numbers: Numbers, outlets: Sequence[Outlet]) -> list[str]:
    lines = [f"table bridge {TABLE} {{"]
    for port in ports:
        lines += _chain(f"from-{tap_of(port.id)}", _entering(port, numbers[port.id]))
        lines += _chain(f"to-{tap_of(port.id)}", _leaving(port, numbers[port.id]))
    lines += _chain(
        "enter",
        [
            "type filter hook prerouting priority -300; policy accept;",
            # what guests of this host sent to another of its networks is not theirs any more
            *(f'iifname "{one.device}" meta mark set 0' for one in outlets),
            *_dispatch("iifname", {tap_of(port.id): f"from-{tap_of(port.id)}" for port in ports}),
        ],
    )
    lines += _chain(
        "leave",
        [
            "type filter hook forward priority -200; policy accept;",
            # each host answers its own guests
            f'oifname "{TUNNEL}*" udp dport {{ 67, 547 }} drop',
            *(line for outlet in outlets for line in _outward(outlet)),
            *_dispatch("oifname", {tap_of(port.id): f"to-{tap_of(port.id)}" for port in ports}),
        ],
    )
    lines += _chain(
        "host",
        [
            "type filter hook input priority -200; policy accept;",
            *(f'iifname "{device}*" drop' for device in (*ON_BRIDGES, FLAT)),
            *(f'iifname "{one.device}" drop' for one in outlets),
            *_dispatch("iifname", {tap_of(port.id): "" for port in ports}, "drop"),
        ],
    )
    return [*lines, "}"]


def _outward(outlet: Outlet) -> list[str]:
    """What stands on each host with the same MAC and addresses, for the guests of that host, is not
    seen on the physical network, and hears nothing from there; what a router sends to guests of
    other hosts leaves with a MAC of this host alone.
    """
    out, into = f'oifname "{outlet.device}"', f'iifname "{outlet.device}"'
    router = f'iifname "{INTERFACE}*" {out}'
    return [
        f"{out} arp daddr ip {METADATA} drop",
        f"{out} ip daddr 169.254.0.0/16 drop",
        f"{into} arp saddr ip {METADATA} drop",
        f"{into} ip saddr {METADATA} drop",
        *([f"{out} udp dport {{ 67, 547 }} drop"] if outlet.answers else []),
        f'iifname "{SERVER}*" {out} drop',
        f'{into} oifname "{SERVER}*" drop',
        f'{into} oifname "{INTERFACE}*" drop',
        f"{router} ether type arp drop",
        f"{router} icmpv6 type {{ {NEIGHBOURS} }} drop",
        f"{router} ether saddr set {outlet.mac}",
    ]


def _entering(port: Port, number: int) -> list[str]:
    """What a guest may send."""
    if not port.up:
        return ["drop"]
    lines = [f"meta mark set {number}", *_limits(port, "egress")]
    if port.dscp is not None:
        lines += [f"ip dscp set {port.dscp}", f"ip6 dscp set {port.dscp}"]
    if not port.port_security:
        return lines
    owned = _owned(port)
    lines += [f"ether saddr != {_set(sorted(owned))} drop"]
    lines += [
        # groups are not asked about frames within frames
        "ether type vlan drop",
        "ether type 8021ad drop",
        "udp sport 67 udp dport 68 drop",
        "udp sport 547 udp dport 546 drop",
        # RARP, by which QEMU tells bridges that a guest has moved
        "ether type 0x8035 return",
        "ip saddr 0.0.0.0 udp sport 68 udp dport 67 return",
        "icmpv6 type 134 drop",
    ]
    for mac, addresses in sorted(owned.items()):
        lines += _owned_by(mac, addresses)
    return [*lines, "drop"]


def _leaving(port: Port, number: int) -> list[str]:
    """What goes to a guest."""
    if not port.up:
        return ["drop"]
    mark = f"meta mark set meta mark & 0x0000ffff | {number << 16:#x}"
    return [*_limits(port, "ingress"), mark]


def _limits(port: Port, direction: str) -> list[str]:
    """As in Neutron, what may come at once is 80 % of a second where nothing else is said."""
    lines = []
    for way, rate, burst in port.limits:
        if way == direction:
            least = burst or rate * 4 // 5
            at_once = max(least * BYTES_OF_KILOBIT, LARGEST_FRAME)
            words = f"rate over {rate * BYTES_OF_KILOBIT} bytes/second burst {at_once} bytes"
            lines.append(f"limit {words} drop")
    return lines


def _owned_by(mac: str, addresses: Sequence[str]) -> list[str]:
    of_4, of_6 = _by_version(addresses)
    lines = []
    if of_4:
        lines += [
            f"ether saddr {mac} arp saddr ether {mac} arp saddr ip {_set(of_4)} return",
            # is an address free?
            f"ether saddr {mac} arp saddr ether {mac} arp saddr ip 0.0.0.0 return",
            f"ether saddr {mac} ip saddr {_set(of_4)} return",
        ]
    own_6 = _collapsed([*of_6, link_local(mac)])
    lines += [f"ether saddr {mac} {words}" for words in _advertising(own_6)]
    lines += [
        f"ether saddr {mac} ip6 saddr {_set(own_6)} return",
        f"ether saddr {mac} ip6 saddr :: icmpv6 type {{ {UNSPECIFIED} }} return",
    ]
    return lines


def _advertising(addresses: Sequence[str]) -> list[str]:
    """Nobody says that he has the address of another; the target is behind 8 bytes of ICMPv6."""
    lines = []
    for address in addresses:
        network = ipaddress.ip_network(address)
        bits = network.prefixlen
        value = int(network.network_address) >> (128 - bits) if bits else 0
        match = f"@th,64,{bits} {value:#x} " if bits else ""
        lines.append(f"icmpv6 type 136 {match}return")
    return [*lines, "icmpv6 type 136 drop"]


def _owned(port: Port) -> dict[str, list[str]]:
    """The addresses that the guest may use, by the MAC."""
    owned = {port.mac: list(port.addresses)}
    for address, mac in port.pairs:
        owned.setdefault(mac, []).append(address)
    return owned


def link_local(mac: str) -> str:
    """The IPv6 address that a MAC gives its NIC."""
    parts = [int(part, 16) for part in mac.split(":")]
    parts[0] ^= 2
    name = bytes([*parts[:3], 0xFF, 0xFE, *parts[3:]])
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + name))


# packets


def _packets(
    ports: Sequence[Port],
    numbers: Numbers,
    zones: Numbers,
    outlets: Sequence[Outlet],
    untracked: Sequence[str],
) -> list[str]:
    lines = [f"table inet {TABLE} {{"]
    # connections of networks that have the same addresses are told apart
    lines += _chain(
        "zones",
        [
            "type filter hook prerouting priority -300; policy accept;",
            *untracked,
            *(f'iifname "{bridge}" ct zone set {zone}' for bridge, zone in sorted(zones.items())),
        ],
    )
    for port in ports:
        out = _passing(port, "egress", "return")
        into = _passing(port, "ingress", "accept")
        lines += _chain(f"out-{tap_of(port.id)}", [*out, "drop"])
        lines += _chain(f"in-{tap_of(port.id)}", [*into, "drop"])
    senders = {f"{numbers[port.id]:#x}": f"out-{tap_of(port.id)}" for port in ports}
    receivers = {f"{numbers[port.id] << 16:#x}": f"in-{tap_of(port.id)}" for port in ports}
    lines += _chain(
        "sent", [*_always_sent(), *_dispatch("meta mark & 0x0000ffff", senders, "goto")]
    )
    lines += _chain(
        "received",
        [*_always_received(outlets), *_dispatch("meta mark & 0xffff0000", receivers, "goto")],
    )
    lines += _chain(
        "pass",
        [
            "type filter hook forward priority 0; policy accept;",
            # nothing is routed between networks of guests and others by the host itself
            f'iifname "{BRIDGE}*" oifname != "{BRIDGE}*" drop',
            f'iifname != "{BRIDGE}*" oifname "{BRIDGE}*" drop',
            f'iifname != "{BRIDGE}*" return',
            "meta mark 0 return",
            "jump sent",
            "jump received",
        ],
    )
    lines += _chain(
        "host",
        ["type filter hook input priority -1; policy accept;", f'iifname "{BRIDGE}*" drop'],
    )
    return [*lines, "}"]


def _passing(port: Port, direction: str, verdict: str) -> list[str]:
    """What the groups of the port let through; answers too, unless they are stateless."""
    answers = [
        f"ct state related {verdict}",
        f"ct state established ct direction reply {verdict}",
        "ct state invalid drop",
    ]
    rules = [f"{words} {verdict}" for words in _matches(port.rules, direction)]
    return [*(answers if port.stateful else ()), *rules]


def _untracked(bridge: str, ports: Sequence[Port], numbers: Numbers) -> list[str]:
    """No track is kept of packets from and to stateless ports, unless the other side is a stateful
    one of this host, which needs it for its own answers.
    """
    filtered = [port for port in ports if port.port_security]
    stateless = [port for port in filtered if not port.stateful]
    if not stateless:
        return []
    stateful = [port for port in filtered if port.stateful]
    sent = f"meta mark & 0x0000ffff {_set([str(numbers[port.id]) for port in stateless])}"
    received = f"ether daddr {_set(sorted({port.mac for port in stateless}))}"
    if stateful:
        macs = _set(sorted({port.mac for port in stateful}))
        sent += f" ether daddr != {macs}"
        known = _set([str(numbers[port.id]) for port in stateful])
        received += f" meta mark & 0x0000ffff != {known}"
    return [f'iifname "{bridge}" {words} notrack return' for words in (sent, received)]


def _always_sent() -> list[str]:
    return [
        "udp sport 68 udp dport 67 return",
        "udp sport 546 udp dport 547 return",
        f"ip daddr {METADATA} tcp dport 80 return",
        f"icmpv6 type {{ {FROM_GUESTS} }} return",
    ]


def _always_received(outlets: Iterable[Outlet]) -> list[str]:
    """Guests cannot send what servers of DHCP and routers send."""
    return [
        *(
            f'iifname "{one.bridge}" udp sport 67 udp dport 68 return'
            for one in outlets
            if not one.answers
        ),
        f"ip saddr {METADATA} udp sport 67 udp dport 68 return",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546 return",
        f"icmpv6 type {{ {TO_GUESTS} }} return",
    ]


def _matches(rules: Iterable[Rule], direction: str) -> list[str]:
    """Each once, in a fixed order."""
    found = {match_of(rule) for rule in rules if rule.direction == direction}
    return sorted(words for words in found if words is not None)


def match_of(rule: Rule) -> str | None:
    """The words of nft for what the rule lets through; ``None``: nothing."""
    version = 6 if rule.ethertype.lower() == "ipv6" else 4
    number = _number_of(rule.protocol)
    if number is None:
        return None  # of a newer site; the others hold
    words = [f"meta nfproto ipv{version}"]
    if rule.remotes is not None:
        remotes = _by_version(rule.remotes)[version == 6]
        if not remotes:
            return None
        side = "saddr" if rule.direction == "ingress" else "daddr"
        if not remotes[0].endswith("/0"):
            words.append(f"{'ip6' if version == 6 else 'ip'} {side} {_set(remotes)}")
    return " ".join([*words, *_protocol(rule, number, version)])


def _protocol(rule: Rule, number: int, version: int) -> list[str]:
    if number == ANY:
        return []
    if number == ICMP and version == 6:
        number = ICMP6
    if number in (ICMP, ICMP6):
        return _icmp("icmp" if number == ICMP else "icmpv6", number, rule)
    least = rule.port_min if rule.port_min is not None else rule.port_max
    most = rule.port_max if rule.port_max is not None else rule.port_min
    if number in WITH_PORTS and least is not None:
        ports = str(least) if least == most else f"{least}-{most}"
        return [f"{WITH_PORTS[number]} dport {ports}"]
    return [f"meta l4proto {number}"]


def _number_of(protocol: str | None) -> int | None:
    word = "any" if protocol is None else str(protocol).lower()
    number = PROTOCOLS.get(word, int(word) if word.isdecimal() else None)
    return number if number is not None and number <= LARGEST_PROTOCOL else None


def _icmp(name: str, number: int, rule: Rule) -> list[str]:
    """Of ICMP the ports are type and code."""
    if rule.port_min is None:
        return [f"meta l4proto {number}"]
    code = [] if rule.port_max is None else [f"{name} code {rule.port_max}"]
    return [f"{name} type {rule.port_min}", *code]


# words


def _chain(name: str, lines: Iterable[str]) -> list[str]:
    return [f"  chain {name} {{", *(f"    {line}" for line in lines), "  }"]


def _dispatch(key: str, chains: Mapping[str, str], verb: str = "jump") -> list[str]:
    quote = '"' if key.endswith("name") else ""
    ways = ", ".join(
        f"{quote}{one}{quote} : {verb} {chains[one]}".rstrip() for one in sorted(chains)
    )
    return [f"{key} vmap {{ {ways} }}"] if ways else []


def _set(values: Sequence[str]) -> str:
    return values[0] if len(values) == 1 else f"{{ {', '.join(values)} }}"


def _by_version(addresses: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those of IPv4 and those of IPv6, without what others cover."""
    known = list(addresses)
    return (
        _collapsed(one for one in known if ":" not in one),
        _collapsed(one for one in known if ":" in one),
    )


def _collapsed(addresses: Iterable[str]) -> list[str]:
    """nft refuses sets with ranges that overlap."""
    ranges = [ipaddress.ip_network(one, strict=False) for one in addresses]
    merged = ipaddress.collapse_addresses(ranges)  # type: ignore[type-var]  # of one version
    return [
        str(one.network_address) if one.prefixlen == one.max_prefixlen else str(one)
        for one in merged
    ]
