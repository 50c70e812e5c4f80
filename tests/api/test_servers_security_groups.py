"""Security groups and addresses of a server that exists: the actions that change them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from compute_site.neighbours.network.models import FloatingIp, Network, Port, SecurityGroup
from servers.attachments.network_events import refresh_nics
from servers.models import Instance
from tests.world.cast import ALPHA, BETA
from tests.world.client import Answer, ApiClient
from tests.world.factories import (
    make_instance,
    make_network,
    make_port,
    make_router,
    make_security_group,
)


def make_server(*ports: Port, **fields: Any) -> Instance:
    """A server that has the ports."""
    server = make_instance(launched_at=timezone.now(), **fields)
    for port in ports:
        Port.objects.filter(pk=port.pk).update(
            device_id=str(server.uuid), device_owner="compute:nova"
        )
    refresh_nics([str(server.uuid)])
    return server


def make_held_port(network: Network | None = None, last: int = 9, **fields: Any) -> Port:
    """A port with an address."""
    port = make_port(network or make_network(), **fields)
    subnet = port.network.subnets.get()
    address = str(subnet.gateway_ip).rpartition(".")[0] + f".{last}"
    port.fixed_ips.create(network=port.network, subnet=subnet, address=address)
    return port


def act(client: ApiClient, server: Instance, version: str = "2.1", **body: Any) -> Answer:
    return client.post(f"/servers/{server.uuid}/action", body, microversion=version)


def shown(client: ApiClient, server: Instance) -> list[str]:
    """The names of the groups, as both URLs that tell of them agree."""
    one = client.get(f"/servers/{server.uuid}").expect(200).json["server"]
    listed = client.get(f"/servers/{server.uuid}/os-security-groups").json["security_groups"]
    names = sorted({group["name"] for group in one.get("security_groups", [])})
    assert names == sorted({group["name"] for group in listed})
    return names


@pytest.mark.parametrize("by", ["name", "pk"])
def test_a_group_goes_on_all_ports_and_off_again(as_member: ApiClient, by: str) -> None:
    server = make_server(make_held_port(), make_held_port())
    group = make_security_group(name="web")
    word = str(getattr(group, by))
    for _ in range(2):  # the second time changes nothing
        assert act(as_member, server, addSecurityGroup={"name": word}).expect(202).content == b""
    assert group.ports.count() == 2
    assert shown(as_member, server) == ["web"]
    act(as_member, server, removeSecurityGroup={"name": word}).expect(202)
    assert shown(as_member, server) == []
    act(as_member, server, removeSecurityGroup={"name": word}).expect(404)


def test_groups_that_are_unknown_foreign_or_unclear(as_member: ApiClient) -> None:
    server = make_server(make_held_port())
    make_security_group(name="theirs", project_id=BETA)
    for name in ("nosuch", "theirs"):
        act(as_member, server, addSecurityGroup={"name": name}).expect(404)
        act(as_member, server, removeSecurityGroup={"name": name}).expect(404)
    first, _ = make_security_group(name="twice"), make_security_group(name="twice")
    act(as_member, server, addSecurityGroup={"name": "twice"}).expect(409)
    act(as_member, server, removeSecurityGroup={"name": "twice"}).expect(409)
    act(as_member, server, addSecurityGroup={"name": str(first.pk)}).expect(202)


def test_a_server_without_ports_takes_no_group(as_member: ApiClient) -> None:
    make_security_group(name="web")
    server = make_server()
    act(as_member, server, addSecurityGroup={"name": "web"}).expect(404)
    act(as_member, server, removeSecurityGroup={"name": "web"}).expect(404)


def test_a_port_without_port_security_or_address_takes_no_group(as_member: ApiClient) -> None:
    group = make_security_group(name="web")
    for port in (make_held_port(port_security_enabled=False), make_port(make_network())):
        server = make_server(make_held_port(), port)
        act(as_member, server, addSecurityGroup={"name": "web"}).expect(400)
    assert not group.ports.exists()


@pytest.mark.parametrize("value", [None, {}, {"name": ""}, {"name": "  "}, {"name": 1}])
def test_bodies_that_name_no_group(as_member: ApiClient, value: Any) -> None:
    server = make_server()
    act(as_member, server, addSecurityGroup=value).expect(400)
    act(as_member, server, removeSecurityGroup=value).expect(400)


def test_who_may(as_reader: ApiClient, as_outsider: ApiClient) -> None:
    server = make_server(make_held_port())
    make_security_group(name="web")
    bodies: list[dict[str, Any]] = [
        {"addSecurityGroup": {"name": "web"}},
        {"removeSecurityGroup": {"name": "web"}},
    ]
    for body in bodies:
        act(as_reader, server, **body).expect(403)
        act(as_outsider, server, **body).expect(404)


def test_new_names_of_networks_and_groups_are_shown(as_member: ApiClient) -> None:
    port = make_held_port(make_network(name="old"))
    server = make_server(port)
    group = make_security_group(name="web")
    act(as_member, server, addSecurityGroup={"name": "web"}).expect(202)
    network = {"network": {"name": "new"}}
    as_member.put(f"//network/v2.0/networks/{port.network_id}", network).expect(200)
    renamed = {"security_group": {"name": "www"}}
    as_member.put(f"//network/v2.0/security-groups/{group.pk}", renamed).expect(200)
    assert shown(as_member, server) == ["www"]
    assert list(as_member.get(f"/servers/{server.uuid}/ips").json["addresses"]) == ["new"]


def test_a_new_name_costs_the_same_for_any_number_of_servers(
    as_member: ApiClient, statements: Any
) -> None:
    network = make_network()
    path = f"//network/v2.0/networks/{network.pk}"
    counts = []
    for number in range(1, 4):
        make_server(make_held_port(network, 10 + number))
        with statements() as seen:
            as_member.put(path, {"network": {"name": f"name-{number}"}}).expect(200)
        counts.append(len(seen))
    assert counts[1] == counts[2]


# addresses, as old clients asked for them


def addresses(client: ApiClient, server: Instance) -> list[tuple[str, str]]:
    found = client.get(f"/servers/{server.uuid}").json["server"]["addresses"]
    return [
        (entry["OS-EXT-IPS:type"], entry["addr"]) for entries in found.values() for entry in entries
    ]


def make_floating_ip(address: str = "192.0.2.9", **fields: Any) -> FloatingIp:
    outside = make_port(make_network(project_id=BETA, external=True))
    return FloatingIp.objects.create(
        **{"project_id": ALPHA, "outside": outside, "address": address} | fields
    )


def test_one_address_more_and_one_less(as_member: ApiClient) -> None:
    port = make_held_port()
    server = make_server(port)
    act(as_member, server, addFixedIp={"networkId": str(port.network_id)}).expect(202)
    [(_, first), (_, second)] = addresses(as_member, server)
    act(as_member, server, removeFixedIp={"address": first}).expect(202)
    assert addresses(as_member, server) == [("fixed", second)]
    act(as_member, server, removeFixedIp={"address": first}).expect(400)
    for network_id in (str(make_network().pk), "nosuch", 5):
        act(as_member, server, addFixedIp={"networkId": network_id}).expect(400)


def test_a_floating_ip_needs_a_router_that_leads_to_the_server(as_member: ApiClient) -> None:
    port, floating = make_held_port(), make_floating_ip()
    asked = {"address": floating.address}
    act(as_member, make_server(port), addFloatingIp=asked).expect(400)
    floating.refresh_from_db()
    assert floating.port is None


def test_a_floating_ip_is_lent_and_taken_back(as_member: ApiClient) -> None:
    first, second = make_held_port(), make_held_port()
    server, other = make_server(first), make_server(second)
    floating = make_floating_ip()
    subnets = (first.network.subnets.get(), second.network.subnets.get())
    make_router(*subnets, outside=floating.outside.network)
    asked = {"address": floating.address}
    act(as_member, other, addFloatingIp=asked).expect(202)
    act(as_member, server, addFloatingIp=asked).expect(202)
    [(_, fixed)] = addresses(as_member, other)
    assert fixed == second.fixed_ips.get().address
    assert ("floating", floating.address) in addresses(as_member, server)
    act(as_member, other, removeFloatingIp=asked).expect(409)
    act(as_member, server, removeFloatingIp=asked).expect(202)
    assert len(addresses(as_member, server)) == 1
    act(as_member, server, addFloatingIp={"address": "192.0.2.77"}).expect(404)
    act(as_member, server, removeFloatingIp={"address": "192.0.2.77"}).expect(404)
    wrong = {**asked, "fixed_address": "10.255.255.1"}
    act(as_member, server, addFloatingIp=wrong).expect(400)
    act(as_member, make_server(), addFloatingIp=asked).expect(400)


@pytest.mark.parametrize(
    "body",
    [
        {"addFixedIp": {"networkId": "x"}},
        {"removeFixedIp": {"address": "10.0.0.1"}},
        {"addFloatingIp": {"address": "10.0.0.1"}},
        {"removeFloatingIp": {"address": "10.0.0.1"}},
    ],
)
def test_addresses_are_the_business_of_the_network_service_from_2_44(
    as_member: ApiClient, as_reader: ApiClient, body: dict[str, Any]
) -> None:
    server = make_server()
    act(as_reader, server, "2.43", **body).expect(403)
    act(as_member, server, "2.44", **body).expect(404)


def test_a_name_in_use_does_not_hide_an_id(as_member: ApiClient) -> None:
    group = make_security_group(name="web")
    SecurityGroup.objects.create(name=str(group.pk), project_id=group.project_id)
    server = make_server(make_held_port())
    act(as_member, server, addSecurityGroup={"name": str(group.pk)}).expect(202)
    assert shown(as_member, server) == ["web"]
