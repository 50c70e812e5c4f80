"""The external network of a cloud on one machine: a bridge, and on it the address of the network's
gateway, from which floating IPs are reached. What comes from there reaches nothing here.
"""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from compute_site.quickstart.start import QuickstartError
from servers.agent.network.commands import ask, devices, run, spaces
from servers.agent.network.protocol import NetworkFailed

BRIDGE = "cs-uplink"
GATEWAY = "192.0.2.1/24"
"""Of the external network of the demo cloud."""
SPACE = "cs-outside"
OUTER, INNER = "cs-outer", "outside"
"""The devices that lead from the bridge into the namespace."""
TABLE = "cs_uplink"
NO_RULES = f"table inet {TABLE}\ndelete table inet {TABLE}\n"
RULES = f"""{NO_RULES}table inet {TABLE} {{
  chain input {{
    type filter hook input priority 0; policy accept;
    iifname != "{BRIDGE}" accept
    ct state established,related accept
    meta l4proto {{ icmp, ipv6-icmp }} accept
    drop
  }}
  chain forward {{
    type filter hook forward priority 0; policy accept;
    iifname "{BRIDGE}" oifname != "{BRIDGE}" drop
  }}
}}
"""


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    """What fails ends the quickstart."""
    try:
        yield
    except NetworkFailed as error:
        raise QuickstartError(str(error)) from error


@_in_words()
def make_uplink() -> tuple[str, ...]:
    """Returns what stands before a command that reaches floating IPs: nothing, or, where the
    machine uses these addresses itself, the words that lead into a namespace with the gateway.

    Raises:
        QuickstartError: it cannot be made; the text says why.
    """
    if BRIDGE not in devices():
        run("ip", "link", "add", "name", BRIDGE, "type", "bridge", "forward_delay", "0")
    run("nft", "-f", "-", told=RULES)
    if overlaps(GATEWAY, ask("route", "show")):
        _make_space()
        before: tuple[str, ...] = ("ip", "netns", "exec", SPACE)
    else:
        run("ip", "addr", "replace", GATEWAY, "dev", BRIDGE)
        before = ()
    run("ip", "link", "set", BRIDGE, "up")
    return before


@_in_words()
def remove_uplink() -> None:
    if BRIDGE in devices():
        run("ip", "link", "delete", BRIDGE)
        run("nft", "-f", "-", told=NO_RULES)
    if SPACE in spaces():
        run("ip", "netns", "delete", SPACE)


def overlaps(gateway: str, routes: Iterable[Mapping[str, Any]]) -> bool:
    """Does a route, other than the default one and our own, lead to addresses of the network?"""
    network = ipaddress.ip_interface(gateway).network
    others = (route["dst"] for route in routes if route.get("dev") != BRIDGE)
    known = (ipaddress.ip_network(one) for one in others if one[:1].isdecimal())
    return any(network.overlaps(one) for one in known)


def _make_space() -> None:
    if SPACE not in spaces():
        run("ip", "netns", "add", SPACE)
    if OUTER not in devices():
        run("ip", "link", "add", OUTER, "type", "veth", "peer", "name", INNER, "netns", SPACE)
    run("ip", "link", "set", OUTER, "master", BRIDGE, "up")
    run("ip", "-n", SPACE, "addr", "replace", GATEWAY, "dev", INNER)
    for device in ("lo", INNER):
        run("ip", "-n", SPACE, "link", "set", device, "up")
