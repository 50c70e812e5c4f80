"""Routers: each host that has guests behind a router has the router, too, in a namespace of its
own, and sends on what its own guests send.

Its interfaces have the same MACs and addresses on each host, and each host's guests reach its own.
What has a floating address leaves from the host of its guest; the rest from one host, which the
site names, and to which the others hand it over on the router's first tunneled network, or else
the first that lies on a physical one.
"""

from __future__ import annotations

import dataclasses
import hashlib
import ipaddress
from collections.abc import Mapping, Sequence

from servers.agent.network.commands import ask, batch, run
from servers.agent.network.devices import (
    announce,
    give_addresses,
    give_routes,
    know_neighbours,
    make_pair,
    make_space,
    remove,
    set_values,
)
from servers.agent.network.names import (
    bridge_of,
    handover_end,
    inner_of,
    interface_end,
    outer_end,
    router_space,
)
from servers.agent.network.providers import KINDS as OF_PROVIDERS
from servers.agent.network.rules import METADATA
from servers.agent.network.state import Floating, Network, Router
from servers.agent.network.tunnels import KINDS, Entry

OUT, HANDOVER = "out", "handover"
"""Devices inside the namespace: to the uplink, and from other hosts."""
HOP = "169.254.1.1"
"""Stands for the host that leads out; nobody asks for it."""
FLOATING_TABLE = "100"
"""Of routes: the way of what has a floating address."""
RULE_TABLE = f"""table inet cs_router
delete table inet cs_router
table inet cs_router {{
  chain input {{
    type filter hook input priority 0; policy drop;
    iifname "lo" accept
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    iifname "in-*" udp dport 547 accept
    iifname "in-*" ip daddr {METADATA} tcp dport 80 accept
  }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    ip daddr 169.254.0.0/16 drop
    ip saddr 169.254.0.0/16 drop
    ip6 daddr fe80::/10 drop
%(guarded)s  }}
  chain arrive {{
    type nat hook prerouting priority -100; policy accept;
%(arriving)s  }}
  chain leave {{
    type nat hook postrouting priority 100; policy accept;
%(leaving)s  }}
}}
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A router on this host: ``networks`` are those of its interfaces that the host has."""

    router: Router
    networks: Mapping[str, Network]
    host: str
    uplink: str | None

    @property
    def leads_out(self) -> bool:
        """Does what has no floating address leave from here?"""
        gateway = self.router.gateway
        return gateway is not None and gateway.host == self.host and self.uplink is not None

    @property
    def floating(self) -> tuple[Floating, ...]:
        """Those that lead to guests of this host."""
        if self.uplink is None or self.router.gateway is None:
            return ()
        return tuple(one for one in self.router.floating if one.host == self.host)

    @property
    def has_uplink(self) -> bool:
        return self.leads_out or bool(self.floating)

    @property
    def handover(self) -> Network | None:
        """On it the other hosts hand over what leaves from one of them."""
        for kinds in (KINDS, OF_PROVIDERS):
            found = [one for one in self.networks.values() if one.network_type in kinds]
            if found:
                return min(found, key=lambda one: one.id)
        return None

    @property
    def handover_mac(self) -> str:
        return mac_from(f"handover {self.router.id}")

    def tunnel_entries(self, network: Network) -> set[Entry]:
        """The way to the host that leads out."""
        gateway = self.router.gateway
        tunnels = dict(network.tunnels)
        if gateway is None or not self.hands_over_on(network) or gateway.host not in tunnels:
            return set()
        return {(self.handover_mac, tunnels[gateway.host])}

    def hands_over_on(self, network: Network) -> bool:
        """Does another host, which is on the network too, send on what leaves?"""
        gateway = self.router.gateway
        if gateway is None or self.leads_out or network is not self.handover:
            return False
        return gateway.host in others_on(network, self.host)


def make_router(standing: Standing) -> None:
    """Make it so. Its networks have their bridges already."""
    router = standing.router
    space = router_space(router.id)
    make_space(space, forwarding=True)
    run("nft", "-f", "-", space=space, told=ruleset(standing))
    give_addresses(space, "lo", ["127.0.0.1/8", "::1/128", f"{METADATA}/32"])
    for interface in router.interfaces:
        network = standing.networks.get(interface.network_id)
        if network is None:
            continue
        inner = inner_of(network.id)
        make_pair(
            interface_end(router.id, network.id),
            inner,
            space,
            mac=interface.mac,
            mtu=network.mtu,
            bridge=bridge_of(network.id),
        )
        give_addresses(space, inner, interface.addresses)
        known = neighbours(network, interface.addresses)
        if network is standing.handover and not standing.leads_out:
            known[HOP] = standing.handover_mac
        know_neighbours(space, inner, known)
    _make_handover(standing, space)
    _make_outside(standing, space)
    give_routes(space, routes(standing))
    _make_floating_ways(standing, space)


def neighbours(network: Network, addresses: Sequence[str]) -> dict[str, str]:
    """The MACs of the ports whose addresses an interface with these can reach: not those of the
    interface itself.
    """
    ranges = [ipaddress.ip_interface(one).network for one in addresses]
    own = {str(ipaddress.ip_interface(one).ip) for one in addresses}
    return {
        address: place.mac
        for place in network.places
        for address in place.addresses
        if address not in own and any(ipaddress.ip_address(address) in one for one in ranges)
    }


def _make_handover(standing: Standing, space: str) -> None:
    network = standing.handover
    end = handover_end(standing.router.id)
    others = others_on(network, standing.host) if network is not None else frozenset()
    if not standing.leads_out or network is None or not others:
        remove(end)
        return
    make_pair(
        end,
        HANDOVER,
        space,
        mac=standing.handover_mac,
        mtu=network.mtu,
        bridge=bridge_of(network.id),
    )
    set_values({f"net.ipv6.conf.{HANDOVER}.disable_ipv6": "1"}, space)


def _make_outside(standing: Standing, space: str) -> None:
    router, gateway = standing.router, standing.router.gateway
    end = outer_end(router.id)
    if not standing.has_uplink or gateway is None or standing.uplink is None:
        remove(end)
        return
    mac = gateway.mac if standing.leads_out else mac_from(f"{standing.host} {router.id}")
    [uplink] = ask("link", "show", "dev", standing.uplink)
    make_pair(end, OUT, space, mac=mac, mtu=int(uplink["mtu"]), bridge=standing.uplink)
    own = list(gateway.addresses) if standing.leads_out else []
    new = give_addresses(space, OUT, [*own, *(f"{one.address}/32" for one in standing.floating)])
    announce(space, OUT, mac, (one.partition("/")[0] for one in new))


def routes(standing: Standing) -> list[str]:
    """In the words of ``ip route``; of IPv4."""
    router, gateway = standing.router, standing.router.gateway
    lines = [f"{destination} via {hop}" for destination, hop in router.routes if ":" not in hop]
    if gateway is None:
        return lines
    network = standing.handover
    if standing.leads_out:
        lines += _ways_out(gateway.hops)
    elif network is not None and standing.hands_over_on(network):
        lines.append(f"default via {HOP} dev {inner_of(network.id)} onlink")
    return lines


def _make_floating_ways(standing: Standing, space: str) -> None:
    """What has a floating address leaves here, although the rest leaves elsewhere."""
    gateway = standing.router.gateway
    apart = standing.floating if gateway is not None and not standing.leads_out else ()
    wanted = {one.fixed for one in apart}
    told = ask("rule", "show", "table", FLOATING_TABLE, space=space)
    held = {str(one["src"]) for one in told if one and one.get("src") != "all"}
    lines = [f"rule del from {one} table {FLOATING_TABLE}" for one in sorted(held - wanted)]
    lines += [
        f"rule add from {one} table {FLOATING_TABLE} priority 101" for one in sorted(wanted - held)
    ]
    first = [one for one in ask("rule", "show", "priority", "100", space=space) if one]
    if wanted and not first:  # inside of the router it goes the way of all others
        lines.append("rule add lookup main suppress_prefixlength 0 priority 100")
    batch(lines, space=space)
    ways: list[str] = []
    if wanted and gateway is not None:
        ways = [f"{one} dev {OUT}" for one in _ranges(gateway.addresses)]
        ways += _ways_out(gateway.hops)
    if ways or held:
        give_routes(space, ways, table=FLOATING_TABLE)


def _ways_out(hops: Sequence[str]) -> list[str]:
    return [f"default via {hop} dev {OUT} onlink" for hop in hops if ":" not in hop][:1]


def _ranges(addresses: Sequence[str]) -> list[str]:
    return [str(ipaddress.ip_interface(one).network) for one in addresses if ":" not in one]


def ruleset(standing: Standing) -> str:
    gateway = standing.router.gateway
    arriving = [f"ip daddr {one.address} dnat ip to {one.fixed}" for one in standing.floating]
    leaving = [
        f'oifname "{OUT}" ip saddr {one.fixed} snat ip to {one.address}'
        for one in standing.floating
    ]
    guarded = []
    if standing.leads_out and gateway is not None and gateway.snat:
        own = [one.partition("/")[0] for one in gateway.addresses if ":" not in one]
        leaving += [f'oifname "{OUT}" meta nfproto ipv4 snat ip to {one}' for one in own[:1]]
    if standing.has_uplink and gateway is not None and gateway.snat:
        guarded.append(f'iifname "{OUT}" meta nfproto ipv4 ct state new ct status & dnat == 0 drop')
    if standing.has_uplink and not standing.leads_out:
        fixed = ", ".join(sorted(one.fixed for one in standing.floating))
        guarded.append(f'oifname "{OUT}" ip saddr != {{ {fixed} }} drop')
    # a guest asks for the floating address of another one behind the same router
    leaving.append(f'oifname != "{OUT}" iifname "in-*" ct status dnat masquerade')
    return RULE_TABLE % {
        "arriving": _indented(arriving),
        "leaving": _indented(leaving),
        "guarded": _indented(guarded),
    }


def _indented(lines: Sequence[str]) -> str:
    return "".join(f"    {line}\n" for line in lines)


def others_on(network: Network, host: str) -> frozenset[str]:
    """The other hosts that this one reaches on the network."""
    if network.network_type in OF_PROVIDERS:
        return frozenset(network.hosts) - {host}
    return frozenset(dict(network.tunnels))


def mac_from(text: str) -> str:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return "02:" + ":".join(digest[place : place + 2] for place in range(0, 10, 2))
