"""What hosts let through, and what they tell by DHCP: from data to text, without a network."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from compute_site.neighbours.network.models import PROTOCOLS
from servers.agent.network import dhcp
from servers.agent.network.bridges import differ_in_filters
from servers.agent.network.routers import HOP, Standing, neighbours, routes
from servers.agent.network.routers import ruleset as router_rules
from servers.agent.network.rules import link_local, match_of, ruleset
from servers.agent.network.state import (
    Floating,
    Gateway,
    Interface,
    Network,
    Place,
    Port,
    Router,
    Rule,
    Subnet,
)
from servers.agent.network.tunnels import EVERYBODY, changes, entries

PORT = Port(
    id="11111111-1111-4111-8111-111111111111",
    server_id="5e55a111-1111-4111-8111-111111111111",
    mac="fa:16:3e:00:00:01",
    addresses=("10.0.0.11", "fd00::11"),
    rules=(
        Rule(direction="egress", ethertype="IPv4"),
        Rule(direction="ingress", ethertype="IPv4", protocol="tcp", port_min=22, port_max=22),
    ),
    hostname="one",
)
SUBNET = Subnet(id="s", cidr="10.0.0.0/24", version=4, gateway="10.0.0.1", dhcp=True)
NETWORK = Network(
    id="aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
    version="1",
    mtu=1450,
    network_type="vxlan",
    segmentation_id=7,
    subnets=(SUBNET,),
    ports=(PORT,),
    places=(
        Place(id=PORT.id, mac=PORT.mac, host="here", addresses=PORT.addresses),
        Place(id="far", mac="fa:16:3e:00:00:02", host="there", addresses=("10.0.0.12",)),
    ),
    tunnels=(("there", "192.0.2.2"),),
)
TAP = "tap11111111-11"


def chain(text: str, name: str) -> list[str]:
    """The lines of a chain, of whichever table has it first."""
    lines = [line.strip() for line in text.splitlines()]
    begin = lines.index(f"chain {name} {{")
    return lines[begin + 1 : lines.index("}", begin)]


def answers(verdict: str) -> list[str]:
    """What stateful ports let through by themselves."""
    return [
        f"ct state related {verdict}",
        f"ct state established ct direction reply {verdict}",
        "ct state invalid drop",
    ]


def rules_of(*ports: Port) -> str:
    numbers = {port.id: number for number, port in enumerate(ports, 1)}
    return ruleset({"csbaaaaaaaa-aa": ports}, numbers, {"csbaaaaaaaa-aa": 3})


# security groups


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({}, ""),
        ({"protocol": "any"}, ""),
        ({"protocol": "tcp"}, " meta l4proto 6"),
        ({"protocol": "tcp", "port_min": 22, "port_max": 22}, " tcp dport 22"),
        ({"protocol": "udp", "port_min": 1, "port_max": 9}, " udp dport 1-9"),
        ({"protocol": "17", "port_min": 5, "port_max": 5}, " udp dport 5"),
        ({"protocol": "icmp"}, " meta l4proto 1"),
        ({"protocol": "icmp", "port_min": 8}, " icmp type 8"),
        ({"protocol": "icmp", "port_min": 3, "port_max": 0}, " icmp type 3 icmp code 0"),
        ({"protocol": "vrrp"}, " meta l4proto 112"),
        ({"protocol": "47"}, " meta l4proto 47"),
        ({"remotes": ("10.1.0.0/16",)}, " ip saddr 10.1.0.0/16"),
        ({"remotes": ("0.0.0.0/0",)}, ""),
        # ranges that overlap make nft refuse a set
        ({"remotes": ("10.1.0.7", "10.1.0.0/24")}, " ip saddr 10.1.0.0/24"),
        ({"remotes": ("10.1.0.7", "10.1.0.9")}, " ip saddr { 10.1.0.7, 10.1.0.9 }"),
    ],
)
def test_a_rule_in_words(rule: dict[str, Any], words: str) -> None:
    told = Rule(**{"direction": "ingress", "ethertype": "IPv4"} | rule)
    assert match_of(told) == f"meta nfproto ipv4{words}"


def test_rules_of_ipv6_and_of_what_is_sent() -> None:
    sent = Rule(direction="egress", ethertype="IPv6", protocol="icmp", remotes=("fd00::/64",))
    assert match_of(sent) == "meta nfproto ipv6 ip6 daddr fd00::/64 meta l4proto 58"
    mixed = Rule(direction="egress", ethertype="IPv6", remotes=("10.0.0.1",))
    assert match_of(mixed) is None


@pytest.mark.parametrize("name", sorted(PROTOCOLS))
def test_hosts_know_each_name_that_the_network_api_takes(name: str) -> None:
    words = match_of(Rule(direction="ingress", ethertype="IPv4", protocol=name))
    expected = match_of(Rule(direction="ingress", ethertype="IPv4", protocol=str(PROTOCOLS[name])))
    assert words is not None
    assert words == expected


def test_a_protocol_that_nobody_knows_lets_nothing_in() -> None:
    for name in ("quantum", "256"):
        assert match_of(Rule(direction="ingress", ethertype="IPv4", protocol=name)) is None


def test_a_group_without_members_lets_nobody_in() -> None:
    alone = Rule(direction="ingress", ethertype="IPv4", remotes=())
    text = rules_of(dataclasses.replace(PORT, rules=(alone,)))
    assert chain(text, f"in-{TAP}") == [*answers("accept"), "drop"]
    assert chain(text, f"out-{TAP}") == [*answers("return"), "drop"]


def test_what_no_rule_names_is_dropped() -> None:
    text = rules_of(PORT)
    into = [*answers("accept"), "meta nfproto ipv4 tcp dport 22 accept", "drop"]
    assert chain(text, f"in-{TAP}") == into
    assert chain(text, f"out-{TAP}") == [*answers("return"), "meta nfproto ipv4 return", "drop"]
    assert chain(text, "pass")[-2:] == ["jump sent", "jump received"]


def test_answers_to_a_stateless_port_need_a_rule_and_no_track_is_kept() -> None:
    stateless = dataclasses.replace(PORT, stateful=False)
    text = rules_of(stateless)
    assert chain(text, f"in-{TAP}") == ["meta nfproto ipv4 tcp dport 22 accept", "drop"]
    assert chain(text, f"out-{TAP}") == ["meta nfproto ipv4 return", "drop"]
    bridge = 'iifname "csbaaaaaaaa-aa"'
    assert chain(text, "zones")[1:3] == [
        f"{bridge} meta mark & 0x0000ffff 1 notrack return",
        f"{bridge} ether daddr {PORT.mac} notrack return",
    ]


def test_a_stateful_neighbour_of_a_stateless_port_keeps_its_answers() -> None:
    stateless = dataclasses.replace(PORT, stateful=False)
    other = dataclasses.replace(PORT, id="2" * 36, mac="fa:16:3e:00:00:02")
    bridge = 'iifname "csbaaaaaaaa-aa"'
    assert chain(rules_of(stateless, other), "zones")[1:3] == [
        f"{bridge} meta mark & 0x0000ffff 1 ether daddr != {other.mac} notrack return",
        f"{bridge} ether daddr {PORT.mac} meta mark & 0x0000ffff != 2 notrack return",
    ]


# what ports may use


def test_limits_hold_each_way_with_room_for_a_segment() -> None:
    limited = dataclasses.replace(PORT, limits=(("egress", 8000, 0), ("ingress", 100, 0)))
    text = rules_of(limited)
    assert chain(text, f"from-{TAP}")[1] == (
        "limit rate over 1000000 bytes/second burst 800000 bytes drop"
    )
    assert chain(text, f"to-{TAP}")[0] == (
        "limit rate over 12500 bytes/second burst 70000 bytes drop"
    )
    burst = dataclasses.replace(PORT, limits=(("egress", 8000, 2000),))
    assert "burst 250000 bytes" in chain(rules_of(burst), f"from-{TAP}")[1]


def test_what_a_port_sends_is_marked() -> None:
    lines = chain(rules_of(dataclasses.replace(PORT, dscp=46)), f"from-{TAP}")
    assert lines[1:3] == ["ip dscp set 46", "ip6 dscp set 46"]


def test_a_port_that_is_down_neither_sends_nor_receives() -> None:
    for secure in (True, False):
        text = rules_of(dataclasses.replace(PORT, up=False, port_security=secure))
        assert chain(text, f"from-{TAP}") == chain(text, f"to-{TAP}") == ["drop"]


def test_networks_with_the_same_addresses_are_kept_apart() -> None:
    assert 'iifname "csbaaaaaaaa-aa" ct zone set 3' in chain(rules_of(PORT), "zones")


# spoofing


def test_a_guest_sends_from_its_own_addresses_alone() -> None:
    lines = chain(rules_of(PORT), f"from-{TAP}")
    assert lines[0] == "meta mark set 1"
    assert f"ether saddr != {PORT.mac} drop" in lines
    assert f"ether saddr {PORT.mac} ip saddr 10.0.0.11 return" in lines
    own = f"{{ fd00::11, {link_local(PORT.mac)} }}"
    assert f"ether saddr {PORT.mac} ip6 saddr {own} return" in lines
    assert lines.index("udp sport 67 udp dport 68 drop") < lines.index(
        "ip saddr 0.0.0.0 udp sport 68 udp dport 67 return"
    )
    assert lines[-1] == "drop"


def test_address_pairs_are_allowed_with_their_own_mac() -> None:
    pair = dataclasses.replace(PORT, pairs=(("10.9.0.0/24", "fa:16:3e:00:00:99"),))
    lines = chain(rules_of(pair), f"from-{TAP}")
    assert f"ether saddr != {{ {PORT.mac}, fa:16:3e:00:00:99 }} drop" in lines
    assert "ether saddr fa:16:3e:00:00:99 ip saddr 10.9.0.0/24 return" in lines
    assert f"ether saddr {PORT.mac} ip saddr 10.0.0.11 return" in lines


def test_without_port_security_nothing_is_filtered() -> None:
    text = rules_of(dataclasses.replace(PORT, port_security=False))
    assert chain(text, f"from-{TAP}") == ["meta mark set 1"]
    assert f"in-{TAP}" not in text
    assert f"out-{TAP}" not in text


def test_a_host_without_guests_has_a_ruleset_too() -> None:
    text = rules_of()
    assert "vmap" not in text
    assert text.startswith("table bridge compute_site\ndelete table bridge compute_site\n")


# DHCP


def test_a_guest_is_told_its_address_and_its_ways() -> None:
    plan = dhcp.plan_4(NETWORK, {"10.0.0.1"})
    assert plan is not None
    assert plan.hosts == f"{PORT.mac},set:p{PORT.id},10.0.0.11,one\n"
    assert "tag:s0,option:router,10.0.0.1" in plan.options
    assert "tag:s0,option:mtu,1450" in plan.options
    ways = "169.254.169.254/32,10.0.0.1,0.0.0.0/0,10.0.0.1"
    assert f"tag:s0,option:classless-static-route,{ways}" in plan.options


def test_without_a_gateway_the_metadata_are_on_the_link() -> None:
    alone = dataclasses.replace(SUBNET, gateway=None, routes=(("10.5.0.0/16", "10.0.0.9"),))
    plan = dhcp.plan_4(dataclasses.replace(NETWORK, subnets=(alone,)), set())
    assert plan is not None
    ways = "169.254.169.254/32,0.0.0.0,10.5.0.0/16,10.0.0.9"
    assert f"tag:s0,option:classless-static-route,{ways}\n" in plan.options
    assert "tag:s0,option:router\n" in plan.options
    quiet = dataclasses.replace(SUBNET, dhcp=False)
    assert dhcp.plan_4(dataclasses.replace(NETWORK, subnets=(quiet,)), set()) is None


def test_options_of_a_port_are_one_line_each() -> None:
    options = (("ntp-server", "1.2.3.4", 4), ("150", "x", 4), ("evil", "a\nb", 4), ("dns", "::", 6))
    port = dataclasses.replace(PORT, options=options)
    plan = dhcp.plan_4(dataclasses.replace(NETWORK, ports=(port,)), set())
    assert plan is not None
    own = [line for line in plan.options.splitlines() if line.startswith(f"tag:p{PORT.id}")]
    assert own == [
        f"tag:p{PORT.id},option:ntp-server,1.2.3.4",
        f"tag:p{PORT.id},150,x",
    ]


def test_ipv6_is_announced_as_the_subnet_says() -> None:
    subnets = tuple(
        Subnet(id=mode, cidr=f"fd0{place}::/64", version=6, gateway=None, dhcp=True, ra=mode)
        for place, mode in enumerate(("slaac", "dhcpv6-stateless", "dhcpv6-stateful"))
    )
    port = dataclasses.replace(PORT, addresses=("fd02::5",))
    network = dataclasses.replace(NETWORK, subnets=subnets, ports=(port,))
    plan = dhcp.plan_6([network], ["in-a"])
    assert plan is not None
    assert [word.split(",")[2] for word in plan.words if "range" in word] == [
        "ra-only",
        "ra-stateless",
        "static",
    ]
    assert plan.hosts == f"{PORT.mac},set:p{PORT.id},[fd02::5],one\n"
    assert dhcp.plan_6([NETWORK], ["in-a"]) is None


# several hosts, and routers


def test_guests_of_other_hosts_are_behind_their_tunnels() -> None:
    there = ("fa:16:3e:00:00:02", "192.0.2.2")
    assert entries(NETWORK) == {there, (EVERYBODY, "192.0.2.2")}
    lines = changes("csx", {(there[0], "192.0.2.9")}, {there})
    assert lines[0] == "fdb del fa:16:3e:00:00:02 dev csx dst 192.0.2.9 self"
    assert "fdb replace fa:16:3e:00:00:02 dev csx dst 192.0.2.2 self permanent" in lines
    assert changes("csx", {there}, {there}) == []


def test_a_guest_that_moves_here_is_looked_for_here() -> None:
    place = dataclasses.replace(NETWORK.places[0], host="there")
    moving = dataclasses.replace(NETWORK, places=(place,))
    assert entries(moving) == {(EVERYBODY, "192.0.2.2")}


def test_what_is_for_a_guest_that_moves_between_other_hosts_goes_to_all_of_them() -> None:
    moving = dataclasses.replace(NETWORK.places[1], moving=True)
    network = dataclasses.replace(NETWORK, places=(NETWORK.places[0], moving))
    assert entries(network) == {(EVERYBODY, "192.0.2.2")}


def standing(host: str, **more: Any) -> Standing:
    gateway = Gateway(
        network_id="out",
        mac="fa:16:3e:00:00:aa",
        addresses=("198.51.100.5/24",),
        hops=("198.51.100.1",),
        snat=True,
        host="here",
    )
    router = Router(
        id="bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb",
        interfaces=(
            Interface(network_id=NETWORK.id, mac="fa:16:3e:00:00:bb", addresses=("10.0.0.1/24",)),
        ),
        gateway=gateway,
        floating=(Floating(address="198.51.100.9", fixed="10.0.0.12", host="there"),),
        **more,
    )
    tunnels = (("here", "192.0.2.1"),) if host != "here" else NETWORK.tunnels
    network = dataclasses.replace(NETWORK, tunnels=tunnels)
    return Standing(router=router, networks={NETWORK.id: network}, host=host, uplink="br-ex")


def test_one_host_leads_out_and_the_others_hand_over_to_it() -> None:
    here, there = standing("here"), standing("there")
    assert routes(here) == ["default via 198.51.100.1 dev out onlink"]
    assert routes(there)[0] == f"default via {HOP} dev in-aaaaaaaa-aa onlink"
    [network] = there.networks.values()
    assert there.tunnel_entries(network) == {(there.handover_mac, "192.0.2.1")}
    assert here.tunnel_entries(network) == set()


def test_a_floating_address_leads_to_the_host_of_its_guest() -> None:
    assert "dnat" not in "".join(chain(router_rules(standing("here")), "arrive"))
    text = router_rules(standing("there"))
    assert "ip daddr 198.51.100.9 dnat ip to 10.0.0.12" in chain(text, "arrive")
    leaving = chain(text, "leave")
    assert leaving[1] == 'oifname "out" ip saddr 10.0.0.12 snat ip to 198.51.100.9'
    assert 'oifname "out" meta nfproto ipv4 snat ip to 198.51.100.5' not in leaving
    assert 'oifname "out" meta nfproto ipv4 snat ip to 198.51.100.5' in chain(
        router_rules(standing("here")), "leave"
    )


def test_routers_never_ask_for_the_metadata_of_hosts() -> None:
    assert "ip daddr 169.254.0.0/16 drop" in chain(router_rules(standing("here")), "forward")


def test_the_neighbours_of_an_interface_are_the_ports_that_it_reaches() -> None:
    assert neighbours(NETWORK, ["10.0.0.1/24"]) == {
        "10.0.0.11": "fa:16:3e:00:00:01",
        "10.0.0.12": "fa:16:3e:00:00:02",
    }
    assert neighbours(NETWORK, ["10.0.0.11/28"]) == {"10.0.0.12": "fa:16:3e:00:00:02"}


def test_what_changes_rules_alone_is_told_from_what_changes_more() -> None:
    port = {"id": "p", "mac": "m", "rules": [], "pairs": [], "up": True, "limits": []}
    told = {"id": "n", "version": "1", "mtu": 1450, "ports": [port], "routers": []}
    for new in ({"rules": [{}]}, {"pairs": [["a", "b"]]}, {"up": False}, {"limits": [[]]}):
        assert differ_in_filters(told, {**told, "version": "2", "ports": [port | new]})
    for more in ({"mtu": 1400}, {"routers": [{}]}, {"ports": [port | {"options": [[]]}]}):
        assert not differ_in_filters(told, told | more)
