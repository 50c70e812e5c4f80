"""Subnets that give addresses to ports of some owners alone, ports whose functions are trusted, and
what routers say of themselves.
"""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import Network, Port, Subnet
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import Answer, ApiClient
from tests.world.factories import make_network
from tests.world.hosts import make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop

V2 = "//network/v2.0"
SERVERS = "compute:nova"


@pytest.fixture
def network(cast: Cast) -> Network:
    return make_network(project_id=ALPHA, shared=False, subnet=False)


def new_subnet(client: ApiClient, network: Network, number: int, *owners: str) -> str:
    body = {"network_id": str(network.pk), "ip_version": 4, "cidr": f"10.{number}.0.0/24"}
    made = client.post(f"{V2}/subnets", {"subnet": body | {"service_types": list(owners)}})
    shown = made.expect(201).json["subnet"]
    assert shown["service_types"] == list(owners)
    return str(shown["id"])


def new_port(client: ApiClient, network: Network, **asked: Any) -> Answer:
    return client.post(f"{V2}/ports", {"port": {"network_id": str(network.pk), **asked}})


def subnets_of(answer: Answer) -> list[str]:
    return [one["subnet_id"] for one in answer.expect(201).json["port"]["fixed_ips"]]


def test_ports_get_addresses_of_subnets_for_their_owners(
    as_admin: ApiClient, as_member: ApiClient, network: Network
) -> None:
    servers = new_subnet(as_member, network, 1, SERVERS)
    new_port(as_member, network).expect(409)
    new_port(as_member, network, fixed_ips=[{"ip_address": "10.1.0.9"}]).expect(409)
    new_port(as_member, network, fixed_ips=[{"subnet_id": servers}]).expect(409)
    assert subnets_of(new_port(as_member, network, fixed_ips=[])) == []
    others = new_subnet(as_member, network, 2)
    assert subnets_of(new_port(as_member, network)) == [others]
    new_port(as_member, network, fixed_ips=[{"subnet_id": servers}]).expect(400)
    assert subnets_of(new_port(as_admin, network, device_owner=SERVERS)) == [servers]
    path = f"{V2}/subnets/{servers}"
    as_member.put(path, {"subnet": {"service_types": ["network:floatingip"]}}).expect(200)
    assert subnets_of(new_port(as_admin, network, device_owner=SERVERS)) == [others]
    assert Subnet.objects.get(pk=servers).service_types == ["network:floatingip"]


def test_servers_get_addresses_of_subnets_for_them(
    as_member: ApiClient, cast: Cast, network: Network
) -> None:
    new_subnet(as_member, network, 1, "network:router_gateway")
    servers = new_subnet(as_member, network, 2, SERVERS)
    make_host("host1")
    made = Shop().order(as_member, networks=[{"uuid": str(network.pk)}]).expect(202)
    run_jobs()
    port = Port.objects.of_servers([made.json["server"]["id"]]).get()
    assert [str(held.subnet_id) for held in port.fixed_ips.all()] == [servers]


def test_floating_ips_are_of_subnets_for_them(as_admin: ApiClient, as_member: ApiClient) -> None:
    outside = make_network(project_id=BETA, external=True, subnet=False)
    new_subnet(as_admin, outside, 1, "network:router_gateway")
    floating = {"floatingip": {"floating_network_id": str(outside.pk)}}
    as_member.post(f"{V2}/floatingips", floating).expect(409)
    new_subnet(as_admin, outside, 2, "network:floatingip")
    made = as_member.post(f"{V2}/floatingips", floating).expect(201).json["floatingip"]
    assert made["floating_ip_address"].startswith("10.2.0.")
    gateway = {"external_gateway_info": {"network_id": str(outside.pk)}}
    router = as_member.post(f"{V2}/routers", {"router": gateway}).expect(201).json["router"]
    [held] = router["external_gateway_info"]["external_fixed_ips"]
    assert held["ip_address"].startswith("10.1.0.")


def test_routers_stand_in_subnets_for_them(as_member: ApiClient, network: Network) -> None:
    theirs = new_subnet(as_member, network, 1, SERVERS)
    own = new_subnet(as_member, network, 2, "network:router_interface")
    router = as_member.post(f"{V2}/routers", {"router": {"name": "r"}}).expect(201).json["router"]
    path = f"{V2}/routers/{router['id']}/add_router_interface"
    as_member.put(path, {"subnet_id": theirs}).expect(409)
    as_member.put(path, {"subnet_id": own}).expect(200)


def test_admins_trust_functions_of_ports(
    as_admin: ApiClient, as_member: ApiClient, network: Network
) -> None:
    refused = new_port(as_member, network, trusted=True).expect(403)
    assert "create_port:trusted" in refused.json["NeutronError"]["message"]
    made = new_port(as_admin, network, trusted="true").expect(201).json["port"]
    assert made["trusted"] is True
    path = f"{V2}/ports/{made['id']}"
    as_admin.put(path, {"port": {"trusted": "maybe"}}).expect(400)
    changed = as_admin.put(path, {"port": {"trusted": False}}).expect(200)
    assert changed.json["port"]["trusted"] is False
    own = new_port(as_member, network).expect(201).json["port"]
    assert "trusted" not in own
    as_member.put(f"{V2}/ports/{own['id']}", {"port": {"trusted": False}}).expect(403)


@pytest.mark.parametrize("key", ["ha", "distributed"])
def test_no_router_is_highly_available_or_distributed(
    as_admin: ApiClient, as_member: ApiClient, key: str
) -> None:
    path = f"{V2}/routers"
    shown = as_member.post(path, {"router": {"name": "r"}}).expect(201).json["router"]
    assert shown[key] is False
    as_member.post(path, {"router": {key: False}}).expect(403)
    assert as_admin.post(path, {"router": {key: False}}).expect(201).json["router"][key] is False
    as_admin.post(path, {"router": {key: True}}).expect(400)
    as_admin.put(f"{path}/{shown['id']}", {"router": {key: True}}).expect(400)
    as_admin.put(f"{path}/{shown['id']}", {"router": {key: False}}).expect(200)


def test_quotas_of_a_project_are_found_by_its_name(
    as_admin: ApiClient, as_member: ApiClient
) -> None:
    path = f"{V2}/quotas"
    as_admin.put(f"{path}/beta", {"quota": {"port": 3}}).expect(200)
    assert as_admin.get(f"{path}/{BETA}").expect(200).json["quota"]["port"] == 3
    assert as_admin.get(f"{path}/beta").expect(200).json["quota"]["port"] == 3
    as_admin.delete(f"{path}/beta").expect(204)
    assert as_admin.get(f"{path}/{BETA}").json["quota"]["port"] == 500
    as_admin.get(f"{path}/nobody").expect(404)
    as_member.get(f"{path}/alpha").expect(200)
    for other in ("beta", "nobody"):
        as_member.get(f"{path}/{other}").expect(403)
