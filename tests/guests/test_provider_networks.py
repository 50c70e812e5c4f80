"""Guests on networks that lie outside of the hosts: packets on a wire between two hosts, with tags
and without. Namespaces stand for the guests; ``outside`` is a machine that no host knows.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.guests.test_networks import ROUTER, SSH, Guest, Net, World
from tests.guests.wired import HostFailed, WiredHost, hosts, join

pytestmark = [
    pytest.mark.guests,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are made by root"),
]

OUTSIDE, GATEWAY, NUMBER = "10.60.0.1", "10.60.0.5", 5
PLACES = "flat1:br-ex,trunk:trunk0"


class Provided(World):
    """``flat`` lies on a bridge of both hosts, ``tagged`` and ``other`` on a wire between them."""

    def __init__(self, a: WiredHost, b: WiredHost) -> None:
        self.hosts = {"a": a, "b": b}
        self.flat = Net(1, "10.60.0.0/24", kind="flat", physical="flat1")
        self.tagged = Net(5, "10.61.0.0/24", kind="vlan", physical="trunk", routed=True)
        self.other = Net(6, "10.62.0.0/24", kind="vlan", physical="trunk", routed=True)
        self.near = self._guest(1, "a", self.flat, "10.60.0.11")
        self.far = self._guest(2, "b", self.flat, "10.60.0.12")
        self.one = self._guest(3, "a", self.tagged, "10.61.0.13")
        self.two = self._guest(4, "b", self.tagged, "10.61.0.14")
        self.third = self._guest(5, "b", self.other, "10.62.0.15")
        self.versions = 0

    @property
    def networks(self) -> list[Net]:
        return [self.flat, self.tagged, self.other]

    @property
    def router(self) -> dict[str, Any]:
        gateway = {
            "network_id": self.flat.id,
            "mac": "fa:16:3e:ff:00:aa",
            "addresses": [f"{GATEWAY}/24"],
            "hops": [OUTSIDE],
            "snat": True,
            "host": "a",
        }
        told = {"id": ROUTER, "interfaces": self.interfaces, "routes": [], "floating": []}
        return {**told, "gateway": gateway}


def make_vlan(host: WiredHost, net: Net) -> None:
    """The agent makes the device where the kernel can; elsewhere a program stands for it."""
    name = f"csv{net.id[:11]}"
    trial = "ip link add link trunk0 name trial type vlan id 9 && ip link delete trial"
    if host.fails(trial):
        program = f"{sys.executable} -m tests.guests.tagging trunk0 {name} {net.number}"
        host.run(f"{program} </dev/null >/tmp/tagging 2>&1 &")
        deadline = time.monotonic() + 20
        while host.fails(f"ip link show dev {name}"):
            assert time.monotonic() < deadline, host.run("cat /tmp/tagging")


@pytest.fixture(scope="module")
def world() -> Iterator[Provided]:
    settings = {"physical_networks": PLACES, "uplink": "br-ex"}
    with hosts(("a", settings), ("b", settings)) as [a, b]:
        join(a, b, "under0")
        join(a, b, "trunk0")
        made = Provided(a, b)
        for host in (a, b):
            host.uplink(name="br-ex", device="under0", address="10.60.0.200/24")
        b.run("ip addr flush dev br-ex")
        a.run("ip netns add outside && ip link add out0 type veth peer name eth0 netns outside")
        a.run(f"ip -n outside addr add {OUTSIDE}/24 dev eth0 && ip -n outside link set eth0 up")
        a.run("ip link set out0 master br-ex up")
        made.tell()
        for guest in made.flat.guests:
            made.plug(guest)
        for host in (a, b):
            for net in (made.tagged, made.other):
                make_vlan(host, net)
        for guest in (made.one, made.two, made.third):
            made.plug(guest)
        for net in made.networks:
            for guest in net.guests:
                status, text = made.hosts[guest.host].dhcp(guest=guest.id)
                assert status == 0, text
        yield made


def test_hosts_say_on_which_physical_networks_they_are(world: Provided) -> None:
    for host in world.hosts.values():
        assert host.missing() == []
        assert host.facts()["physical_networks"] == ["flat1", "trunk"]


def test_guests_of_a_flat_network_reach_each_other_and_what_is_outside(world: Provided) -> None:
    assert world.pings(world.near, world.far.address)
    assert world.pings(world.far, world.near.address)
    for guest in (world.near, world.far):
        assert world.pings(guest, OUTSIDE)
        seen = json.loads(world.run(guest, "ip -j route"))
        ways = {way["dst"]: way.get("gateway") for way in seen}
        assert ways["default"] == OUTSIDE
    host = world.hosts["a"]
    host.run(f"ip netns exec outside busybox ping -c 1 -W 3 {world.far.address}")


def watch(world: Provided, pairs: list[tuple[Guest, Guest]]) -> set[tuple[str, str]]:
    """Tags and MACs of what is on the wire while the first of each pair pings the other."""
    host, file = world.hosts["b"], "/run/seen"
    program = f"exec timeout 20 {sys.executable} -m tests.guests.watching trunk0"
    host.run(f"rm -f {file}; ({program} >{file}) </dev/null >/dev/null 2>&1 &")
    host.run(f"while [ ! -s {file} ]; do sleep 0.1; done")
    for sender, receiver in pairs:
        assert world.pings(sender, receiver.address)
    wanted = 2 * len(pairs)  # questions and answers
    host.run(f"while [ $(grep -c icmp {file}) -lt {wanted} ]; do sleep 0.1; done")
    lines = [line.split() for line in host.run(f"grep icmp {file}").splitlines()]
    return {(tag, mac) for _, tag, mac, _ in lines}


def test_frames_of_a_vlan_bear_its_tag_on_the_wire(world: Provided) -> None:
    seen = watch(world, [(world.one, world.two), (world.two, world.one)])
    assert seen == {(str(NUMBER), world.one.mac), (str(NUMBER), world.two.mac)}


def test_vlans_do_not_meet_but_by_a_router(world: Provided) -> None:
    world.run(world.third, "ip addr add 10.61.0.99/24 dev eth0")
    assert not world.pings(world.third, world.one.address, "-I 10.61.0.99")
    world.run(world.third, "ip addr del 10.61.0.99/24 dev eth0")
    assert world.pings(world.one, world.third.address)
    assert world.pings(world.third, world.two.address)


def test_guests_of_a_vlan_lead_out_from_one_host(world: Provided) -> None:
    for guest in (world.one, world.two, world.third):
        assert world.pings(guest, OUTSIDE), guest.number
    seen = world.hosts["a"].run("ip -n outside neigh show dev eth0")
    assert GATEWAY in seen
    assert "10.61." not in seen


def test_a_router_shows_itself_to_no_other_host(world: Provided) -> None:
    """Its interface has the same MAC on both hosts, which switches must not see."""
    seen = watch(world, [(world.one, world.third), (world.third, world.one)])
    assert {tag for tag, _ in seen} == {"5", "6"}
    routers = {f"fa:16:3e:ff:00:0{net.number}" for net in world.networks}
    assert not routers & {mac for _, mac in seen}


def test_groups_hold_on_networks_that_lie_outside(world: Provided) -> None:
    for sender, receiver in ((world.near, world.far), (world.one, world.two)):
        world.serve(receiver, 22)
        assert not world.connects(sender, receiver.address)
        receiver.rules.append(SSH)
        world.update(receiver.network)
        world.until_connects(sender, receiver.address)
        receiver.rules.remove(SSH)
        world.update(receiver.network)
        assert not world.connects(sender, receiver.address)


def test_nothing_spoofed_leaves_to_a_physical_network(world: Provided) -> None:
    host = world.hosts["a"]
    outside = json.loads(host.run("ip -n outside -j link show dev eth0"))[0]["address"]
    for address, mac in (("10.60.0.99", world.near.mac), (world.near.address, "fa:16:3e:00:00:77")):
        world.run(world.near, f"ip addr replace {address}/24 dev eth0")
        world.run(world.near, f"ip link set eth0 address {mac}")
        world.run(world.near, f"ip neigh replace {OUTSIDE} lladdr {outside} dev eth0 nud permanent")
        known = f"ip -n outside neigh replace {address} lladdr {mac} dev eth0 nud permanent"
        host.run(known)
        assert not world.pings(world.near, OUTSIDE, f"-I {address}")
        host.run("ip -n outside neigh flush all nud permanent")
        world.run(world.near, f"ip link set eth0 address {world.near.mac}")
    world.run(world.near, "ip addr del 10.60.0.99/24 dev eth0; ip neigh flush all nud permanent")
    world.until_pings(world.near, OUTSIDE)


def test_metadata_are_those_of_the_host_and_of_nobody_outside(world: Provided) -> None:
    host = world.hosts["a"]
    host.run("ip -n outside addr add 169.254.169.254/32 dev eth0")
    for guest in (world.near, world.far, world.one, world.third):
        status, text = world.asks(guest, "/openstack/latest/meta_data.json")
        assert (status, json.loads(text)["uuid"]) == (200, guest.server_id)
    host.run("ip -n outside addr del 169.254.169.254/32 dev eth0")


def test_the_host_on_a_physical_network_is_out_of_reach(world: Provided) -> None:
    assert not world.pings(world.near, "10.60.0.200")
    host = world.hosts["a"]
    host.run("ip netns exec outside busybox ping -c 1 -W 3 10.60.0.200")


def test_what_this_host_is_not_on_is_refused_by_name(world: Provided) -> None:
    host = world.hosts["a"]
    nic = {"port_id": "a-port", "network_id": "a-network", "network_type": "vlan"}
    with pytest.raises(HostFailed, match="lies on the physical network elsewhere"):
        host.plug(server_id="s", nic=nic | {"physical_network": "elsewhere"})
    with pytest.raises(HostFailed, match="a-network of the type vlan has no number"):
        host.plug(server_id="s", nic=nic | {"physical_network": "trunk"})


def test_the_last_guest_leaves_the_devices_of_the_operator_alone(world: Provided) -> None:
    """The last test: it leaves the hosts empty."""
    for net in world.networks:
        for guest in net.guests:
            world.hosts[guest.host].unplug(server_id=guest.server_id, port_id=guest.id)
    for host in world.hosts.values():
        left = {one["ifname"] for one in json.loads(host.run("ip -j link show")) if one}
        assert [one for one in left if one.startswith("cs")] == []
        assert {"br-ex", "trunk0", "under0"} <= left
