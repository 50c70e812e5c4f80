"""What ports say of their guests, seen in packets: stateless groups, limits, marks, being down, and
what DHCP and routers tell. Namespaces stand for the guests, on one host.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.guests.spoofing import frames
from tests.guests.test_networks import ROUTER, SSH, Guest, Net, World
from tests.guests.wired import WiredHost, hosts

pytestmark = [
    pytest.mark.guests,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are made by root"),
]

KBPS, SECONDS = 4000, 2
EXPEDITED = 46
"""A DSCP mark; it is in the upper six bits of a byte."""
SIX = {"slaac": "fd01::", "dhcpv6-stateless": "fd02::", "dhcpv6-stateful": "fd03::"}


class OneHost(World):
    def __init__(self, host: WiredHost) -> None:
        self.hosts = {"a": host}
        self.net = Net(1, "10.0.0.0/24", mtu=1400)
        self.one = self._guest(1, "a", self.net, "10.0.0.11")
        self.two = self._guest(2, "a", self.net, "10.0.0.12")
        self.third = self._guest(3, "a", self.net, "10.0.0.13")
        self.versions = 0

    @property
    def networks(self) -> list[Net]:
        return [self.net]

    @property
    def router(self) -> dict[str, Any]:
        told = {"id": ROUTER, "interfaces": self.interfaces, "routes": [], "floating": []}
        return {**told, "gateway": None}

    def change(self, guest: Guest, **about: Any) -> None:
        """The port of the guest is like this from now on."""
        guest.about = about
        self.update(self.net)

    def floods(self, sender: Guest, receiver: Guest) -> int:
        """Kilobits a second that arrive while one sends as fast as it can."""
        program = f"{sys.executable} -m tests.guests.flood"
        count = f"rm -f /run/flood; ({program} count {SECONDS} >/run/flood)"
        self.run(receiver, f"({count}) </dev/null >/dev/null 2>&1 & sleep 0.5")
        self.run(sender, f"{program} {receiver.address} {SECONDS}")
        self.run(receiver, "while [ ! -s /run/flood ]; do sleep 0.1; done")
        return int(self.run(receiver, "cat /run/flood"))


@pytest.fixture(scope="module")
def world() -> Iterator[OneHost]:
    with hosts(("a", {})) as [host]:
        made = OneHost(host)
        made.tell()
        for guest in made.net.guests:
            made.plug(guest)
            status, text = host.dhcp(guest=guest.id)
            assert status == 0, text
        yield made


# security groups without state


def test_answers_to_a_stateless_port_need_a_rule(world: OneHost) -> None:
    world.serve(world.two, 22)
    world.two.rules.append(SSH)
    world.change(world.one, stateful=False)
    assert not world.connects(world.one, world.two.address)
    back = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp"}
    world.one.rules.append(back)
    world.change(world.one, stateful=False)
    world.until_connects(world.one, world.two.address)
    tracked = world.hosts["a"].run("cat /proc/net/nf_conntrack")
    assert world.one.address in tracked  # its neighbour is stateful, and needs it
    world.two.about = {"stateful": False}
    world.two.rules.append(back)
    world.change(world.one, stateful=False)
    world.hosts["a"].run("conntrack -F 2>/dev/null || true")
    world.until_connects(world.one, world.two.address)
    world.one.rules.remove(back)
    world.two.rules.remove(back)
    world.two.about = {}
    world.change(world.one)
    world.until_connects(world.one, world.two.address)
    world.two.rules.remove(SSH)
    world.update(world.net)


def test_no_track_is_kept_of_stateless_ports(world: OneHost) -> None:
    let_in = {"direction": "ingress", "ethertype": "IPv4", "protocol": "udp"}
    world.two.rules.append(let_in)
    for guest in world.net.guests:
        guest.about = {"stateful": False}
    world.update(world.net)
    before = f"udp .* dst={world.two.address} .* dport=99 "
    world.floods(world.one, world.two)
    assert not re.search(before, world.hosts["a"].run("cat /proc/net/nf_conntrack"))
    for guest in world.net.guests:
        guest.about = {}
    world.update(world.net)
    world.floods(world.one, world.two)
    world.two.rules.remove(let_in)
    assert re.search(before, world.hosts["a"].run("cat /proc/net/nf_conntrack"))


# spoofing


def test_no_spoofed_frame_leaves_a_guest(world: OneHost) -> None:
    """Who hears them takes everything; so does the sender at first, so that all of them come."""
    world.third.about = {"port_security": False}
    world.change(world.one, port_security=False)
    sent = set(frames(bytes(6), world.one.address))
    assert heard(world, last="qinq") == sent
    world.change(world.one)
    assert heard(world, last="allowed-6") == {"allowed", "allowed-6"}
    world.third.about = {}
    world.update(world.net)
    for guest in world.net.guests:  # they believed the first ones
        world.run(guest, "ip neigh flush all")
    world.until_pings(world.two, world.one.address)


def heard(world: OneHost, *, last: str) -> set[str]:
    """The names of the frames that come, until ``last`` has come twice."""
    program, file = f"{sys.executable} -m tests.guests.spoofing", "/run/heard"
    background = f"(exec timeout 20 {program} hear {file}) </dev/null >/dev/null 2>&1 &"
    world.run(world.third, f"rm -f {file}; {background}")
    world.run(world.third, f"while [ ! -s {file} ]; do sleep 0.1; done")
    for _ in range(2):  # what comes late was sent in the first round
        world.run(world.one, f"{program} send {world.one.mac} {world.one.address}")
    world.run(world.third, f"while [ $(grep -cx {last} {file}) -lt 2 ]; do sleep 0.1; done")
    return set(world.run(world.third, f"cat {file}").split()) - {"listening"}


# what ports may use


def test_a_port_that_runs_is_limited_both_ways(world: OneHost) -> None:
    world.two.rules.append({"direction": "ingress", "ethertype": "IPv4", "protocol": "udp"})
    world.update(world.net)
    free = world.floods(world.one, world.two)
    assert free > 3 * KBPS
    for direction, guest in (("egress", world.one), ("ingress", world.two)):
        world.change(guest, limits=[[direction, KBPS, 800]])
        seen = world.floods(world.one, world.two)
        assert KBPS // 4 < seen < 2 * KBPS, direction
        world.change(guest)
    world.two.rules.pop()
    world.update(world.net)


def test_what_a_guest_sends_is_marked(world: OneHost) -> None:
    program = f"exec timeout 20 {sys.executable} -m tests.guests.watching tap{world.two.id[:11]}"
    host = world.hosts["a"]
    host.run(f"({program} >/run/seen) </dev/null >/dev/null 2>&1 &")
    host.run("while [ ! -s /run/seen ]; do sleep 0.1; done")
    for about, mark in (({}, 0), ({"dscp": EXPEDITED}, EXPEDITED << 2)):
        world.change(world.one, **about)
        assert world.pings(world.one, world.two.address)
        host.run(f"while ! grep -q '{world.one.mac} {mark}$' /run/seen; do sleep 0.1; done")
    world.change(world.one)


def test_a_port_or_network_that_is_down_carries_nothing(world: OneHost) -> None:
    for about in ({"up": False}, {"up": False, "port_security": False}):
        world.change(world.one, **about)
        assert not world.pings(world.one, world.two.address)
        assert not world.pings(world.two, world.one.address)
        assert world.pings(world.two, world.third.address)
        world.change(world.one)
        assert world.pings(world.two, world.one.address)


def test_without_port_security_anything_passes(world: OneHost) -> None:
    world.run(world.one, "ip addr add 10.0.0.99/24 dev eth0")
    world.run(world.third, "ip addr add 10.0.0.98/24 dev eth0")
    assert not world.pings(world.one, "10.0.0.98", "-I 10.0.0.99")
    world.third.about = {"port_security": False}
    world.change(world.one, port_security=False)
    world.until_pings(world.one, "10.0.0.98")
    assert world.pings(world.one, "10.0.0.98", "-I 10.0.0.99")
    world.third.about = {}
    world.change(world.one)
    assert not world.pings(world.one, "10.0.0.98", "-I 10.0.0.99")
    world.run(world.one, "ip addr del 10.0.0.99/24 dev eth0; ip neigh flush all")
    world.run(world.third, "ip addr del 10.0.0.98/24 dev eth0")
    world.until_pings(world.one, world.third.address)


# what guests are told


def test_dhcp_tells_options_of_the_port_its_name_and_routes_of_the_subnet(world: OneHost) -> None:
    options = [["bootfile-name", "boot.ipxe", 4], ["tftp-server", "10.0.0.250", 4]]
    options += [["ntp-server", "10.0.0.251", 4], ["42424242", "x", 4], ["no-such-option", "x", 4]]
    world.net.routes = [["10.9.0.0/16", "10.0.0.12"]]
    world.change(world.one, options=options, hostname="web")
    told = world.hosts["a"].leased(guest=world.one.id)
    assert told["hostname"] == "web"
    assert told["bootfile"] == "boot.ipxe", told
    assert told["tftp"] == "10.0.0.250"
    assert told["ntpsrv"] == "10.0.0.251"
    assert told["dns"] == "9.9.9.9"
    assert told["mtu"] == "1400"
    assert "10.9.0.0/16 10.0.0.12" in told["staticroutes"]
    # of the others nothing has changed
    told = world.hosts["a"].leased(guest=world.two.id)
    assert (told["hostname"], told.get("bootfile")) == ("guest2", None)
    world.net.routes = []
    world.change(world.one)


def test_the_mtu_of_the_network_is_kept(world: OneHost) -> None:
    [seen] = json.loads(world.run(world.one, "ip -j link show dev eth0"))
    assert seen["mtu"] == 1400
    assert world.pings(world.one, world.two.address, f"-s {1400 - 28}")
    world.run(world.one, "ip link set eth0 mtu 1500")
    assert not world.pings(world.one, world.two.address, f"-s {1500 - 28}")
    world.run(world.one, "ip link set eth0 mtu 1400")


@pytest.mark.parametrize("mode", SIX)
def test_ipv6_comes_as_the_subnet_says(world: OneHost, mode: str) -> None:
    prefix, guest = SIX[mode], world.one
    own = f"{prefix}f816:3eff:fe00:1" if mode != "dhcpv6-stateful" else f"{prefix}77"
    subnet = {"id": "six", "cidr": f"{prefix}/64", "version": 6, "gateway": f"{prefix}1"}
    world.net.more = [{**subnet, "dhcp": True, "dns": ["fd09::53"], "routes": [], "ra": mode}]
    world.net.routed, guest.more = True, [own]
    world.update(world.net)
    world.run(guest, "sysctl -q -w net.ipv6.conf.eth0.accept_ra=2")
    world.run(guest, "ip -6 addr flush dev eth0 scope global; ip link set eth0 down")
    world.run(guest, "ip link set eth0 up")
    if mode == "dhcpv6-stateful":
        until(lambda: "default" in world.run(guest, "ip -6 route"))
        told = world.hosts["a"].dhcp6(guest=guest.id, mac=guest.mac)
        assert told["address"] == own
        world.run(guest, f"ip addr add {own}/64 dev eth0 nodad")
    else:
        until(lambda: own in world.run(guest, "ip -6 addr show dev eth0"))
        told = world.hosts["a"].dhcp6(guest=guest.id, mac=guest.mac, only_asks=True)
    assert told["dns"] == (None if mode == "slaac" else "fd09::53")
    world.until_pings(guest, f"{prefix}1")
    [way] = json.loads(world.run(guest, "ip -6 -j route show default"))
    assert way["protocol"] == "ra"
    world.run(guest, "ip -6 addr flush dev eth0 scope global")
    world.net.more, world.net.routed, guest.more = [], False, []
    world.update(world.net)


def until(holds: Any) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
