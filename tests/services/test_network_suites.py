"""What clients' own test suites expect of the network API beyond single requests."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import FloatingIp, Network, Port, Subnet
from tests.world.cast import ALPHA, UNKNOWN_ID, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network, make_router, make_security_group

V2 = "//network/v2.0"
MAC = "fa:16:3e:00:00:01"
OWN = "fd00:7::f816:3eff:fe00:1"
"""The address that a guest with this MAC address makes itself."""


@pytest.fixture
def network(cast: Cast) -> Network:
    return make_network(project_id=ALPHA, shared=False)


@pytest.fixture
def six(network: Network) -> Subnet:
    """A subnet in which guests make their addresses themselves."""
    modes = {"ipv6_address_mode": "slaac", "ipv6_ra_mode": "slaac"}
    return six_of(network, "fd00:7::/64", gateway_ip="fd00:7::1", **modes)


def six_of(network: Network, cidr: str, **fields: Any) -> Subnet:
    return Subnet.objects.create(
        network=network,
        project_id=ALPHA,
        cidr=cidr,
        ip_version=6,
        allocation_pools=[{"start": cidr.replace("/64", "2"), "end": cidr.replace("/64", "ff")}],
        **fields,
    )


def make_port(client: ApiClient, network: Network, **fields: Any) -> Answer:
    asked = {"network_id": str(network.pk), "mac_address": MAC, **fields}
    return client.post(f"{V2}/ports", {"port": asked})


def addresses(answer: Answer) -> dict[str, str]:
    held = answer.json["port"]["fixed_ips"]
    return {one["subnet_id"]: one["ip_address"] for one in held}


def test_own_addresses_come_beside_others(
    as_member: ApiClient, network: Network, six: Subnet
) -> None:
    [four] = network.subnets.filter(ip_version=4)
    given = six_of(network, "fd00:8::/64", ipv6_address_mode="dhcpv6-stateful")
    made = make_port(as_member, network).expect(201)
    assert addresses(made).keys() == {str(one.pk) for one in (four, six, given)}
    assert addresses(made)[str(six.pk)] == OWN
    path = f"{V2}/ports/{made.json['port']['id']}"
    asked = {"port": {"fixed_ips": [{"subnet_id": str(four.pk)}]}}
    changed = as_member.put(path, asked).expect(200)
    assert addresses(changed) == {
        str(four.pk): addresses(made)[str(four.pk)],  # kept, as no other is named
        str(six.pk): OWN,
    }
    as_member.put(path, {"port": {"fixed_ips": []}}).expect(200)
    asked = {"port": {"fixed_ips": [{"subnet_id": str(six.pk)}]}}
    assert addresses(as_member.put(path, asked).expect(200)) == {str(six.pk): OWN}
    asked = {"port": {"fixed_ips": [{"ip_address": OWN}]}}
    assert addresses(as_member.put(path, asked).expect(200)) == {str(six.pk): OWN}


def test_a_subnet_goes_with_the_addresses_that_guests_made(
    as_member: ApiClient, network: Network, six: Subnet
) -> None:
    [four] = network.subnets.filter(ip_version=4)
    port = make_port(as_member, network).expect(201).json["port"]["id"]
    as_member.delete(f"{V2}/subnets/{six.pk}").expect(204)
    shown = as_member.get(f"{V2}/ports/{port}").expect(200)
    assert list(addresses(shown)) == [str(four.pk)]
    as_member.delete(f"{V2}/subnets/{four.pk}").expect(409)
    as_member.delete(f"{V2}/networks/{network.pk}").expect(409)


def test_a_subnet_stays_with_its_router(as_member: ApiClient, six: Subnet) -> None:
    make_router(six)
    as_member.delete(f"{V2}/subnets/{six.pk}").expect(409)


def test_the_port_of_a_router_keeps_its_subnet(as_member: ApiClient, network: Network) -> None:
    [four] = network.subnets.all()
    make_router(four)
    [port] = Port.objects.filter(network=network)
    path = f"{V2}/ports/{port.pk}"

    def ask(**asked: str) -> Answer:
        return as_member.put(path, {"port": {"fixed_ips": [asked]}})

    before = port.fixed_ips.get().address
    assert addresses(ask(subnet_id=str(four.pk)).expect(200)) == {str(four.pk): before}
    other = four.cidr.replace(".0/24", ".99")
    assert addresses(ask(ip_address=other).expect(200)) == {str(four.pk): other}
    ask(subnet_id=str(six_of(network, "fd00:9::/64").pk)).expect(409)
    as_member.put(path, {"port": {"fixed_ips": []}}).expect(409)
    assert port.fixed_ips.get().address == other


def test_others_see_the_subnets_of_an_external_network(
    as_outsider: ApiClient, as_admin: ApiClient, cast: Cast
) -> None:
    network = make_network(external=True, shared=False, project_id=ALPHA)
    path = f"{V2}/networks/{network.pk}"
    [subnet] = as_outsider.get(path).expect(200).json["network"]["subnets"]
    shown = as_outsider.get(f"{V2}/subnets?router:external=true").json["subnets"]
    assert [one["id"] for one in shown] == [subnet]
    as_outsider.get(f"{V2}/subnets/{subnet}").expect(200)
    as_outsider.put(f"{V2}/subnets/{subnet}", {"subnet": {"name": "n"}}).expect(403)
    asked = {"floating_network_id": str(network.pk), "subnet_id": subnet}
    as_outsider.post(f"{V2}/floatingips", {"floatingip": asked}).expect(201)
    as_outsider.post(
        f"{V2}/floatingips", {"floatingip": {**asked, "subnet_id": UNKNOWN_ID}}
    ).expect(404)


def test_unused_floating_ips_go_with_their_network(
    as_admin: ApiClient, as_outsider: ApiClient, cast: Cast
) -> None:
    network = make_network(external=True, project_id=ALPHA)
    asked = {"floatingip": {"floating_network_id": str(network.pk)}}
    as_outsider.post(f"{V2}/floatingips", asked).expect(201)
    as_admin.delete(f"{V2}/networks/{network.pk}").expect(204)
    assert not FloatingIp.objects.exists()


def test_an_address_that_is_taken(as_member: ApiClient, network: Network) -> None:
    made = make_port(as_member, network).expect(201)
    [address] = addresses(made).values()
    taken = make_port(
        as_member, network, mac_address="fa:16:3e:00:00:02", fixed_ips=[{"ip_address": address}]
    )
    assert taken.expect(409).json["NeutronError"]["type"] == "IpAddressAlreadyAllocated"


def test_zero_is_the_usual_mtu(as_member: ApiClient) -> None:
    made = as_member.post(f"{V2}/networks", {"network": {"mtu": 0}}).expect(201).json["network"]
    assert made["mtu"] == 1450
    path = f"{V2}/networks/{made['id']}"
    assert as_member.put(path, {"network": {"mtu": "1400"}}).json["network"]["mtu"] == 1400
    as_member.put(path, {"network": {"mtu": -1}}).expect(400)


@pytest.mark.parametrize(
    "asked",
    [
        {"dns_nameservers": ["fd00::1"]},
        {"host_routes": [{"destination": "10.9.0.0/24", "nexthop": "fd00::1"}]},
        {"host_routes": [{"destination": "fd00:9::/64", "nexthop": "10.0.0.1"}]},
    ],
)
def test_a_subnet_names_nothing_of_the_other_ip_version(
    as_member: ApiClient, network: Network, asked: dict[str, Any]
) -> None:
    path = f"{V2}/subnets/{network.subnets.get().pk}"
    as_member.put(path, {"subnet": asked}).expect(400)


def test_no_groups_are_none(as_member: ApiClient, network: Network) -> None:
    made = make_port(as_member, network, security_groups=None).expect(201).json["port"]
    assert made["security_groups"] == []


def test_rules_are_found_by_ranges(as_member: ApiClient, cast: Cast) -> None:
    path = f"{V2}/security-group-rules?remote_ip_prefix"
    as_member.get(f"{path}=true").expect(400)
    assert as_member.get(f"{path}=10.0.0.0/8").expect(200).json["security_group_rules"] == []


def test_rules_are_found_by_their_revision(as_member: ApiClient, cast: Cast) -> None:
    as_member.post(f"{V2}/security-groups", {"security_group": {"name": "web"}}).expect(201)
    path = f"{V2}/security-group-rules?revision_number"
    rules = as_member.get(f"{path}=0").expect(200).json["security_group_rules"]
    assert {rule["revision_number"] for rule in rules} == {0}
    assert as_member.get(f"{path}=22").expect(200).json["security_group_rules"] == []
    as_member.get(f"{path}=x").expect(400)


def test_a_group_is_named_once(as_member: ApiClient, network: Network) -> None:
    group = str(make_security_group(project_id=ALPHA).pk)
    make_port(as_member, network, security_groups=[group, group]).expect(400)


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"port_range_min": -16, "port_range_max": 80}, 400, "Invalid value for port -16"),
        ({"port_range_min": 80, "port_range_max": 65536}, 400, "Invalid value for port 65536"),
        ({"port_range_min": 80, "port_range_max": 79}, 400, "port_range_min must be <= port_ra"),
        ({"port_range_max": 6}, 400, "port_range_min must be <= port_range_max"),
        (
            {"protocol": "icmp", "port_range_min": 1, "port_range_max": 256},
            *(400, "Invalid value for ICMP code"),
        ),
        (
            {"protocol": "icmp", "port_range_min": 300, "port_range_max": 1},
            *(400, "Invalid value for ICMP type"),
        ),
        (
            {"protocol": "icmp", "port_range_max": 6},
            *(400, "ICMP type (port-range-min) is missing"),
        ),
        ({"protocol": "no_known_protocol"}, 400, "key protocol: give a number or one of"),
        ({"remote_ip_prefix": "fd00::/64"}, 400, "Conflicting value ethertype"),
        ({"remote_group_id": "no id"}, 404, "no id"),
        ({"security_group_id": "no id"}, 404, "no id"),
    ],
)
def test_a_wrong_rule_is_refused_with_the_reason(
    as_member: ApiClient, cast: Cast, asked: dict[str, Any], status: int, words: str
) -> None:
    group = make_security_group(project_id=ALPHA)
    rule = {"security_group_id": str(group.pk), "direction": "ingress", "protocol": "tcp", **asked}
    refused = as_member.post(f"{V2}/security-group-rules", {"security_group_rule": rule})
    assert words in refused.expect(status).json["NeutronError"]["message"]
