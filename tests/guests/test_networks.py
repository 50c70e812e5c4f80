"""Packets of guests on two hosts in namespaces. Namespaces stand for the guests, too, so that
nothing boots; the site is a dictionary.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.guests.wired import HostFailed, WiredHost, hosts, join

pytestmark = [
    pytest.mark.guests,
    pytest.mark.skipif(os.geteuid() != 0, reason="namespaces are made by root"),
]

RULES = [
    {"direction": "egress", "ethertype": "IPv4"},
    {"direction": "egress", "ethertype": "IPv6"},
    {"direction": "ingress", "ethertype": "IPv4", "protocol": "icmp"},
    {"direction": "ingress", "ethertype": "IPv6", "protocol": "ipv6-icmp"},
]
SSH = {"direction": "ingress", "ethertype": "IPv4", "protocol": "tcp", "port_min": 22} | {
    "port_max": 22
}
ROUTER = "77777777-0000-4000-8000-000000000001"
OUTSIDE, GATEWAY, FLOATING = "198.51.100.1", "198.51.100.5", "198.51.100.9"
TUNNELS = {"a": "192.0.2.1", "b": "192.0.2.2"}


@dataclasses.dataclass
class Guest:
    number: int
    host: str
    network: Net
    address: str
    rules: list[dict[str, Any]] = dataclasses.field(default_factory=lambda: list(RULES))
    pairs: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    more: list[str] = dataclasses.field(default_factory=list)
    """Further addresses."""
    about: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What else the site tells of the port."""
    comes_to: str = ""
    """The host that it moves to."""

    @property
    def id(self) -> str:
        return f"{self.number:08d}-0000-4000-8000-00000000000{self.number}"

    @property
    def server_id(self) -> str:
        return f"5e000000-0000-4000-8000-00000000000{self.number}"

    @property
    def mac(self) -> str:
        return f"fa:16:3e:00:00:0{self.number}"

    @property
    def addresses(self) -> list[str]:
        return [self.address, *self.more]


@dataclasses.dataclass
class Net:
    number: int
    cidr: str
    more: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    """Further subnets."""
    routed: bool = False
    kind: str = "vxlan"
    physical: str | None = None
    """The physical network that it lies on."""
    mtu: int = 1450
    routes: list[list[str]] = dataclasses.field(default_factory=list)
    guests: list[Guest] = dataclasses.field(default_factory=list)

    @property
    def id(self) -> str:
        return f"{self.number}1111111-2222-4333-8444-555555555555"

    @property
    def gateway(self) -> str:
        return self.cidr.replace(".0/24", ".1")

    @property
    def subnets(self) -> list[dict[str, Any]]:
        first = {"id": "four", "cidr": self.cidr, "version": 4, "gateway": self.gateway}
        return [{**first, "dhcp": True, "dns": ["9.9.9.9"], "routes": self.routes}, *self.more]


class World:
    """The two hosts, and what the site would tell them."""

    def __init__(self, a: WiredHost, b: WiredHost) -> None:
        self.hosts = {"a": a, "b": b}
        slaac = {"id": "six", "cidr": "fd00:2::/64", "version": 6, "gateway": "fd00:2::1"}
        announced = {**slaac, "dhcp": True, "dns": [], "routes": [], "ra": "slaac"}
        self.blue, self.green = Net(1, "10.0.0.0/24", routed=True), Net(2, "10.0.2.0/24")
        self.green.more, self.green.routed = [announced], True
        self.apart = Net(3, "10.0.0.0/24")
        six = "fd00:2::f816:3eff:fe00"
        self.one = self._guest(1, "a", self.blue, "10.0.0.11")
        self.two = self._guest(2, "a", self.blue, "10.0.0.12")
        self.far = self._guest(3, "b", self.blue, "10.0.0.13")
        self.green_far = self._guest(4, "b", self.green, "10.0.2.14", more=[f"{six}:4"])
        self.green_near = self._guest(5, "a", self.green, "10.0.2.15", more=[f"{six}:5"])
        self.stranger = self._guest(6, "a", self.apart, "10.0.0.12")
        self.versions = 0

    def _guest(self, number: int, host: str, network: Net, address: str, **more: Any) -> Guest:
        guest = Guest(number, host, network, address, **more)
        network.guests.append(guest)
        return guest

    @property
    def networks(self) -> list[Net]:
        return [self.blue, self.green, self.apart]

    @property
    def interfaces(self) -> list[dict[str, Any]]:
        """Of the router."""
        return [
            {
                "network_id": net.id,
                "mac": f"fa:16:3e:ff:00:0{net.number}",
                "addresses": [
                    f"{one['gateway']}/{one['cidr'].partition('/')[2]}" for one in net.subnets
                ],
            }
            for net in self.networks
            if net.routed
        ]

    @property
    def router(self) -> dict[str, Any]:
        gateway = {
            "network_id": "out",
            "mac": "fa:16:3e:ff:00:aa",
            "addresses": [f"{GATEWAY}/24"],
            "hops": [OUTSIDE],
            "snat": True,
            "host": "a",
        }
        floating = [{"address": FLOATING, "fixed": self.green_far.address, "host": "b"}]
        return {
            "id": ROUTER,
            "interfaces": self.interfaces,
            "routes": [],
            "gateway": gateway,
            "floating": floating,
        }

    def told(self, net: Net, host: str) -> dict[str, Any]:
        self.versions += 1
        return {
            "id": net.id,
            "version": str(self.versions),
            "mtu": net.mtu,
            "network_type": net.kind,
            "physical_network": net.physical,
            "segmentation_id": net.number,
            "subnets": net.subnets,
            "hosts": sorted({one.host for other in self.networks for one in other.guests}),
            "places": [
                {"id": one.id, "mac": one.mac, "host": one.host, "addresses": one.addresses}
                | {"moving": bool(one.comes_to)}
                for one in net.guests
            ],
            "ports": [
                {
                    "id": one.id,
                    "server_id": one.server_id,
                    "mac": one.mac,
                    "addresses": one.addresses,
                    "port_security": True,
                    "rules": one.rules,
                    "pairs": one.pairs,
                    "options": [],
                    "hostname": f"guest{one.number}",
                    **one.about,
                }
                for one in net.guests
                if host in (one.host, one.comes_to)
            ],
            "tunnels": {name: to for name, to in TUNNELS.items() if name != host},
            "routers": [self.router] if net.routed else [],
        }

    def tell(self, *nets: Net) -> None:
        """What the site knows by now."""
        for net in nets or self.networks:
            for name, host in self.hosts.items():
                host.network(told=self.told(net, name))

    def update(self, net: Net) -> float:
        """The hosts hear of a change; the seconds that it took them."""
        self.tell(net)
        return sum(host.update(network_id=net.id) for host in self.hosts.values())

    def plug(self, guest: Guest) -> None:
        host, net = self.hosts[guest.host], guest.network
        subnets = copy.deepcopy(net.subnets)
        subnets[0]["addresses"] = [guest.address]
        for further in subnets[1:]:
            further["addresses"] = guest.more
        nic = {
            "port_id": guest.id,
            "network_id": net.id,
            "mac": guest.mac,
            "mtu": net.mtu,
            "network_type": net.kind,
            "physical_network": net.physical,
            "segmentation_id": net.number,
            "subnets": subnets,
            "port_security": True,
            "rules": guest.rules,
            "address_pairs": guest.pairs,
            "floating": [],
        }
        told = {"server_id": guest.server_id, "hostname": f"guest{guest.number}"}
        host.guest(server_id=guest.server_id, told={**told, "user_data": "aGVsbG8="})
        host.plug(server_id=guest.server_id, nic=nic)

    # what guests do

    def run(self, guest: Guest, command: str) -> str:
        return self.hosts[guest.host].run(command, guest.id)

    def fails(self, guest: Guest, command: str) -> bool:
        return self.hosts[guest.host].fails(command, guest.id)

    def pings(self, guest: Guest, address: str, words: str = "") -> bool:
        command = f"busybox ping{'6' if ':' in address else ''} -c 1 -W 2 {words} {address}"
        return not self.fails(guest, command)

    def until_pings(self, guest: Guest, address: str) -> None:
        deadline = time.monotonic() + 20
        while not self.pings(guest, address):
            assert time.monotonic() < deadline, f"{guest.number} never reached {address}"

    def serve(self, guest: Guest, port: int) -> None:
        """Say hello to everybody who connects."""
        loop = f"while :; do echo hello | busybox nc -l -p {port} -w 5; done"
        self.run(guest, f"({loop}) </dev/null >/dev/null 2>&1 & sleep 0.3")

    def connects(self, guest: Guest, address: str, port: int = 22) -> bool:
        told = f"busybox nc -w 2 {address} {port} </dev/null"
        _, text = self.hosts[guest.host].sh(command=told, guest=guest.id)
        return "hello" in text

    def until_connects(self, guest: Guest, address: str, port: int = 22) -> None:
        """What listens begins anew after each connection."""
        deadline = time.monotonic() + 20
        while not self.connects(guest, address, port):
            assert time.monotonic() < deadline, f"{guest.number} never reached {address}:{port}"

    def asks(self, guest: Guest, path: str, body: str = "") -> tuple[int, str]:
        """Status and text of what the guest is told at 169.254.169.254."""
        head = (
            f"POST {path} HTTP/1.0\\r\\nContent-Length: {len(body)}"
            if body
            else (f"GET {path} HTTP/1.0")
        )
        sends = f"printf '{head}\\r\\n\\r\\n{body}' | busybox nc -w 5 169.254.169.254 80"
        _, text = self.hosts[guest.host].sh(command=sends, guest=guest.id)
        head, _, told = text.partition("\n\n" if "\n\n" in text else "\r\n\r\n")
        return (int(head.split(" ")[1]) if head.startswith("HTTP") else 0), told


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    told = {name: {"tunnel_address": to, "uplink": "uplink"} for name, to in TUNNELS.items()}
    with hosts(("a", told["a"]), ("b", told["b"])) as [a, b]:
        join(a, b, "under0")
        join(a, b, "outer0")
        for name, host in (("a", a), ("b", b)):
            host.run(f"ip addr add {TUNNELS[name]}/24 dev under0")
        a.uplink(name="uplink", device="outer0", address=f"{OUTSIDE}/24")
        b.uplink(name="uplink", device="outer0", address="198.51.100.2/24")
        made = World(a, b)
        made.tell()
        for net in made.networks:
            for guest in net.guests:
                made.plug(guest)
                status, text = made.hosts[guest.host].dhcp(guest=guest.id)
                assert status == 0, text
        yield made


def test_a_guest_that_moves_answers_at_its_new_place_before_the_old_host_lets_go_of_it(
    world: World,
) -> None:
    """Its NIC on the old host is there still, and nobody answers behind it."""
    one, two = world.one, world.two
    assert world.pings(one, two.address)
    two.comes_to = "b"
    world.update(two.network)
    there = dataclasses.replace(two, host="b", comes_to="")
    world.plug(there)
    world.run(two, "ip addr flush dev eth0")
    assert not world.pings(one, two.address)
    world.run(there, f"ip addr add {two.address}/24 dev eth0")
    assert world.pings(there, one.address)
    assert world.pings(one, two.address)

    world.hosts["b"].unplug(server_id=two.server_id, port_id=two.id)
    two.comes_to = ""
    world.update(two.network)
    assert world.hosts["a"].dhcp(guest=two.id)[0] == 0
    world.until_pings(one, two.address)


def test_nothing_is_missing(world: World) -> None:
    assert [host.missing() for host in world.hosts.values()] == [[], []]


def test_a_network_that_lies_outside_is_refused_by_name(world: World) -> None:
    nic = {"port_id": "a-port", "network_id": "a-network", "network_type": "vlan"}
    with pytest.raises(HostFailed, match="a-network of the type vlan lies on"):
        world.hosts["a"].plug(server_id="a-server", nic=nic)


def test_dhcp_tells_addresses_ways_and_the_mtu(world: World) -> None:
    for guest in (world.one, world.far, world.stranger):
        seen = json.loads(world.run(guest, "ip -j addr show dev eth0"))[0]
        assert seen["mtu"] == 1450
        assert guest.address in [one["local"] for one in seen["addr_info"]]
        ways = {
            way["dst"]: way.get("gateway") for way in json.loads(world.run(guest, "ip -j route"))
        }
        assert ways["default"] == ways["169.254.169.254"] == guest.network.gateway


def test_guests_of_a_network_reach_each_other_and_the_gateway(world: World) -> None:
    assert world.pings(world.one, world.two.address)
    assert world.pings(world.one, world.blue.gateway)
    assert world.pings(world.stranger, world.apart.gateway)


def test_what_no_group_allows_is_dropped_until_one_does_and_afterwards(world: World) -> None:
    world.serve(world.two, 22)
    assert not world.connects(world.one, world.two.address)
    world.two.rules.append(SSH)
    seconds = world.update(world.blue)
    world.until_connects(world.one, world.two.address)
    assert seconds < 10  # under a second on a quiet machine
    # a connection that is there is cut as well
    talk = "(sleep 3; echo late) | busybox nc -w 6 10.0.0.12 23 >/dev/null 2>&1 &"
    heard = "/run/heard"
    world.two.rules.append({**SSH, "port_min": 23, "port_max": 23})
    world.update(world.blue)
    world.run(
        world.two, f"rm -f {heard}; (busybox nc -l -p 23 >{heard}) </dev/null >/dev/null 2>&1 &"
    )
    world.run(world.one, f"sleep 0.3; ({talk}) </dev/null >/dev/null 2>&1 & sleep 1")
    del world.two.rules[-2:]
    world.update(world.blue)
    assert not world.connects(world.one, world.two.address)
    assert world.run(world.two, f"sleep 4; cat {heard}; rm -f {heard}") == ""


def test_a_guest_cannot_use_what_is_not_its_own(world: World) -> None:
    world.run(world.one, "ip addr add 10.0.0.99/24 dev eth0")
    # the other one would know where to answer
    known = f"10.0.0.99 lladdr {world.one.mac} dev eth0"
    world.run(world.two, f"ip neigh replace {known} nud permanent")
    there = f"{world.two.address} lladdr {world.two.mac} dev eth0"
    world.run(world.one, f"ip neigh replace {there} nud permanent")
    assert not world.pings(world.one, world.two.address, "-I 10.0.0.99")
    world.run(world.one, f"ip neigh del {there}")
    world.run(world.two, f"ip neigh del {known}")
    assert not world.pings(world.one, world.blue.gateway, "-I 10.0.0.99")
    # it says that it has the address of another one
    world.run(world.two, "ip neigh flush all")
    says = "busybox arping -c 1 -U -I eth0 -s 10.0.0.99 10.0.0.99 || true"
    world.run(world.one, says)
    assert "10.0.0.99" not in world.run(world.two, "ip neigh")
    world.one.pairs.append(("10.0.0.99", world.one.mac))
    world.update(world.blue)
    assert world.pings(world.one, world.two.address, "-I 10.0.0.99")
    world.one.pairs.clear()
    world.update(world.blue)
    world.run(world.one, "ip addr del 10.0.0.99/24 dev eth0")
    world.run(world.one, "ip link set eth0 address fa:16:3e:00:00:77")
    assert not world.pings(world.one, world.two.address)
    world.run(world.one, f"ip link set eth0 address {world.one.mac}")
    world.until_pings(world.one, world.two.address)


def test_a_guest_is_told_of_itself_alone(world: World) -> None:
    for guest in (world.one, world.far, world.stranger, world.green_near):
        status, text = world.asks(guest, "/openstack/latest/meta_data.json")
        assert (status, json.loads(text)["uuid"]) == (200, guest.server_id)
    assert world.asks(world.one, "/openstack/latest/user_data") == (200, "hello")
    assert world.asks(world.one, "/latest/meta-data/instance-id") == (200, world.one.server_id)
    assert "meta_data.json" in world.asks(world.one, "/openstack/latest")[1]
    assert "2009-04-04" in world.asks(world.one, "/")[1]
    assert world.asks(world.one, "/openstack/latest/nothing")[0] == 404


def test_a_guest_hands_its_password_in(world: World) -> None:
    assert world.asks(world.one, "/openstack/latest/password", "c2VjcmV0")[0] == 200
    path = f"metadata/{world.one.server_id}/password"
    assert world.hosts["a"].passwords() == {path: "c2VjcmV0"}
    assert world.asks(world.one, "/openstack/latest/password", "x" * 2000)[0] == 400


def test_the_site_may_be_away(world: World) -> None:
    host = world.hosts["a"]
    assert world.asks(world.two, "/openstack/latest/user_data")[0] == 200
    host.away(away=True)
    try:
        host.restart()
        assert world.pings(world.one, world.two.address)
        assert world.asks(world.two, "/openstack/latest/user_data") == (200, "hello")
    finally:
        host.away(away=False)


def test_a_guest_reaches_nothing_of_its_host(world: World) -> None:
    host, guest = world.hosts["a"], world.stranger
    bridge = json.loads(host.run("ip -j link show dev csb31111111-22"))[0]["address"]
    assert not world.pings(guest, TUNNELS["a"])
    # a frame to the bridge itself, which the host would answer or send on
    host.run("sysctl -q -w net.ipv4.ip_forward=1")
    # the host would know where to answer
    host.run(f"ip route add {guest.address} dev csb31111111-22")
    host.run(f"ip neigh add {guest.address} lladdr {guest.mac} dev csb31111111-22 nud permanent")
    world.hosts["b"].run(f"ip route add {guest.address} via {TUNNELS['a']}")
    world.run(guest, "ip route replace 192.0.2.0/24 via 10.0.0.200 onlink dev eth0")
    world.run(guest, f"ip neigh replace 10.0.0.200 lladdr {bridge} dev eth0 nud permanent")
    assert not world.pings(guest, TUNNELS["a"])
    assert not world.pings(guest, TUNNELS["b"])
    host.run("sysctl -q -w net.ipv4.ip_forward=0")
    host.run(f"ip route del {guest.address} dev csb31111111-22")
    world.hosts["b"].run(f"ip route del {guest.address} via {TUNNELS['a']}")
    world.run(guest, "ip route del 192.0.2.0/24; ip neigh del 10.0.0.200 dev eth0")


def test_a_guest_reaches_nothing_of_its_host_by_ipv6(world: World) -> None:
    """Nor a guest of another project, whose address it knows."""
    host, guest = world.hosts["a"], world.stranger
    bridge = json.loads(host.run("ip -j link show dev csb31111111-22"))[0]["address"]
    assert "inet6" not in host.run("ip addr show dev csb31111111-22")
    host.run("ip addr add fd00:5::1/128 dev lo && sysctl -q -w net.ipv6.conf.all.forwarding=1")
    guest.pairs.append(("fd00::/16", guest.mac))
    world.update(world.apart)
    world.run(guest, "ip addr add fd00:2::77/64 dev eth0 nodad")
    world.run(guest, "ip route add fd00:5::/64 via fd00:2::c dev eth0 onlink")
    world.run(guest, f"ip neigh replace fd00:2::c lladdr {bridge} dev eth0 nud permanent")
    assert not world.pings(guest, "fd00:5::1")
    assert not world.pings(guest, world.green_near.more[0])
    host.run("ip addr del fd00:5::1/128 dev lo && sysctl -q -w net.ipv6.conf.all.forwarding=0")
    world.run(guest, "ip route del fd00:5::/64; ip addr del fd00:2::77/64 dev eth0")
    world.run(guest, "ip neigh del fd00:2::c dev eth0")
    guest.pairs.clear()
    world.update(world.apart)


def test_networks_with_the_same_addresses_do_not_meet(world: World) -> None:
    world.serve(world.two, 25)
    world.two.rules.append({**SSH, "port_min": 25, "port_max": 25})
    world.update(world.blue)
    world.until_connects(world.one, world.two.address, 25)
    assert not world.pings(world.stranger, world.one.address)
    assert not world.connects(world.stranger, world.one.address, 25)
    world.two.rules.pop()
    world.update(world.blue)


def test_guests_on_two_hosts_are_on_one_network(world: World) -> None:
    assert world.pings(world.one, world.far.address)
    assert world.pings(world.far, world.two.address)
    world.serve(world.far, 22)
    assert not world.connects(world.one, world.far.address)
    world.far.rules.append({**SSH, "remotes": [world.one.address]})
    world.update(world.blue)
    world.until_connects(world.one, world.far.address)
    assert not world.connects(world.two, world.far.address)
    world.far.rules.pop()
    world.update(world.blue)


def test_a_router_joins_networks_on_one_host_and_on_two(world: World) -> None:
    assert world.pings(world.one, world.green_near.address)
    assert world.pings(world.one, world.green_far.address)
    assert world.pings(world.green_far, world.two.address)
    assert world.pings(world.far, world.green_far.address)


def test_guests_lead_out_from_one_host_whichever_they_are_on(world: World) -> None:
    host = world.hosts["a"]
    host.run("(busybox nc -ll -p 99 -e sh -c 'echo hello') </dev/null >/dev/null 2>&1 & sleep 0.3")
    for guest in (world.one, world.far, world.green_near):
        assert world.pings(guest, OUTSIDE), guest.number
    seen = host.run("ip neigh show dev uplink")
    assert GATEWAY in seen
    assert "10.0." not in seen


def test_the_metadata_of_hosts_are_out_of_reach(world: World) -> None:
    host = world.hosts["a"]
    host.run("ip addr add 169.254.169.254/32 dev uplink")
    world.run(world.one, f"ip route replace 169.254.0.0/16 via {world.blue.gateway}")
    assert not world.pings(world.one, "169.254.1.9")
    status, text = world.asks(world.one, "/openstack/latest/meta_data.json")
    assert (status, json.loads(text)["uuid"]) == (200, world.one.server_id)
    host.run("ip addr del 169.254.169.254/32 dev uplink")


def test_a_floating_address_leads_both_ways(world: World) -> None:
    host = world.hosts["a"]
    host.run(f"busybox ping -c 1 -W 3 {FLOATING}")
    world.serve(world.green_far, 22)
    knocks = f"busybox nc -w 2 {FLOATING} 22 </dev/null"
    assert "hello" not in host.sh(command=knocks)[1]
    world.green_far.rules.append(SSH)
    world.update(world.green)
    assert "hello" in host.sh(command=knocks)[1]
    host.run("ip neigh flush dev uplink")
    assert world.pings(world.green_far, OUTSIDE)
    assert FLOATING in host.run("ip neigh show dev uplink")
    # inside it goes the way of all others
    assert world.pings(world.green_far, world.one.address)
    world.green_far.rules.pop()
    world.update(world.green)


def test_ipv6_addresses_come_by_announcement(world: World) -> None:
    for guest in (world.green_far, world.green_near):
        world.run(guest, "sysctl -q -w net.ipv6.conf.eth0.accept_ra=2")
        world.run(guest, "ip link set eth0 down; ip link set eth0 up")
        deadline = time.monotonic() + 20
        while guest.more[0] not in world.run(guest, "ip -6 addr show dev eth0"):
            assert time.monotonic() < deadline, world.run(guest, "ip -6 addr show dev eth0")
        status, text = world.hosts[guest.host].dhcp(guest=guest.id)
        assert status == 0, text
    world.until_pings(world.green_near, world.green_far.more[0])
    world.until_pings(world.green_near, "fd00:2::1")
    world.run(world.green_near, "ip addr add fd00:2::99/64 dev eth0 nodad")
    assert not world.pings(world.green_near, world.green_far.more[0], "-I fd00:2::99")
    world.run(world.green_near, "ip addr del fd00:2::99/64 dev eth0")


def test_nothing_stops_while_the_agent_begins_again(world: World) -> None:
    host = world.hosts["a"]
    before = host.run("pgrep dnsmasq | sort; ip -j link show | wc -c")
    host.restart()
    assert host.run("pgrep dnsmasq | sort; ip -j link show | wc -c") == before
    for guest, address in ((world.one, world.far.address), (world.far, OUTSIDE)):
        assert world.pings(guest, address)
    assert world.asks(world.one, "/openstack/latest/user_data") == (200, "hello")


def test_the_last_guest_takes_the_network_with_it(world: World) -> None:
    """The last test: it leaves the hosts empty."""
    for net in world.networks:
        for guest in net.guests:
            world.hosts[guest.host].unplug(server_id=guest.server_id, port_id=guest.id)
    for host in world.hosts.values():
        left = [one for one in json.loads(host.run("ip -j link show")) if one]
        assert [one["ifname"] for one in left if one["ifname"].startswith("cs")] == []
        assert host.run("ip netns list") == ""
        assert host.run("pgrep -x -r S,R dnsmasq || true") == ""
