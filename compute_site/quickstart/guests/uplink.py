"""The external network of a cloud on one machine: a bridge, and on it the address of the network's
gateway, from which floating IPs are reached. What comes from there reaches nothing here.
"""

from __future__ import annotations

import ipaddress
import json
import subprocess
from collections.abc import Iterable, Mapping
from typing import Any

from compute_site.quickstart.start import QuickstartError

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


def make_uplink() -> tuple[str, ...]:
    """Returns what stands before a command that reaches floating IPs: nothing, or, where the
    machine uses these addresses itself, the words that lead into a namespace with the gateway.

    Raises:
        QuickstartError: it cannot be made; the text says why.
    """
    if _fails("ip", "link", "show", BRIDGE):
        _run("ip", "link", "add", "name", BRIDGE, "type", "bridge", "forward_delay", "0")
    _run("nft", "-f", "-", told=RULES)
    if overlaps(GATEWAY, json.loads(_run("ip", "-j", "route", "show"))):
        _make_space()
        before: tuple[str, ...] = ("ip", "netns", "exec", SPACE)
    else:
        _run("ip", "addr", "replace", GATEWAY, "dev", BRIDGE)
        before = ()
    _run("ip", "link", "set", BRIDGE, "up")
    return before


def remove_uplink() -> None:
    if not _fails("ip", "link", "show", BRIDGE):
        _run("ip", "link", "delete", BRIDGE)
        _run("nft", "-f", "-", told=NO_RULES)
    if not _fails("ip", "netns", "exec", SPACE, "true"):
        _run("ip", "netns", "delete", SPACE)


def overlaps(gateway: str, routes: Iterable[Mapping[str, Any]]) -> bool:
    """Does a route, other than the default one and our own, lead to addresses of the network?"""
    network = ipaddress.ip_interface(gateway).network
    others = (route["dst"] for route in routes if route.get("dev") != BRIDGE)
    known = (ipaddress.ip_network(one) for one in others if one[:1].isdecimal())
    return any(network.overlaps(one) for one in known)


def _make_space() -> None:
    if _fails("ip", "netns", "exec", SPACE, "true"):
        _run("ip", "netns", "add", SPACE)
    if _fails("ip", "link", "show", OUTER):
        _run("ip", "link", "add", OUTER, "type", "veth", "peer", "name", INNER, "netns", SPACE)
    _run("ip", "link", "set", OUTER, "master", BRIDGE, "up")
    _run("ip", "-n", SPACE, "addr", "replace", GATEWAY, "dev", INNER)
    for device in ("lo", INNER):
        _run("ip", "-n", SPACE, "link", "set", device, "up")


def _run(*words: str, told: str | None = None) -> str:
    done = _do(*words, told=told)
    if done.returncode:
        raise QuickstartError(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _fails(*words: str) -> bool:
    return _do(*words).returncode != 0


def _do(*words: str, told: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - words of ours
        words, input=told, capture_output=True, text=True, check=False
    )
