"""Servers follow what the network API changes on their NICs."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from compute_site.neighbours.network import local
from compute_site.neighbours.network.models import Port, SecurityGroup
from compute_site.neighbours.network.protocol import NicRequest
from servers.models import Instance
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance, make_router
from tests.world.services import make_caller, make_network

V2 = "//network/v2.0"


@pytest.fixture
def server(cast: Cast) -> Instance:
    """A server with one NIC and what it remembers of it."""
    network = make_network(cast.alpha, "10.1.0.0/24", name="inside")
    instance = make_instance(project=cast.alpha, user=cast.member.user)
    nics = local.connect(
        make_caller(cast.alpha),
        str(instance.uuid),
        "host",
        [NicRequest(network_id=str(network.pk), fixed_ip="10.1.0.5")],
        [],
    )
    instance.network_info = [dataclasses.asdict(nic) for nic in nics]
    instance.save()
    return instance


def nic_of(server: Instance) -> dict[str, Any]:
    server.refresh_from_db()
    [nic] = server.network_info
    found: dict[str, Any] = nic
    return found


def shown_addresses(client: ApiClient, server: Instance) -> list[tuple[str, str]]:
    shown = client.get(f"/servers/{server.uuid}").expect(200).json["server"]["addresses"]
    return [(entry["OS-EXT-IPS:type"], entry["addr"]) for entry in shown["inside"]]


def test_a_floating_ip_is_shown_while_it_is_lent(
    as_member: ApiClient, as_manager: ApiClient, server: Instance, cast: Cast
) -> None:
    public = make_network(cast.beta, "192.0.2.0/24", external=True)
    inside = Port.objects.get(pk=nic_of(server)["port_id"]).network
    make_router(inside.subnets.get(), outside=public)
    body = {
        "floating_network_id": str(public.pk),
        "floating_ip_address": "192.0.2.9",
        "port_id": nic_of(server)["port_id"],
    }
    made = as_manager.post(f"{V2}/floatingips", {"floatingip": body}).expect(201).json["floatingip"]
    assert shown_addresses(as_member, server) == [("fixed", "10.1.0.5"), ("floating", "192.0.2.9")]
    path = f"{V2}/floatingips/{made['id']}"
    as_member.put(path, {"floatingip": {"port_id": None}}).expect(200)
    assert shown_addresses(as_member, server) == [("fixed", "10.1.0.5")]
    as_member.put(path, {"floatingip": {"port_id": nic_of(server)["port_id"]}}).expect(200)
    as_member.delete(path).expect(204)
    assert shown_addresses(as_member, server) == [("fixed", "10.1.0.5")]


def test_new_groups_of_a_port_are_those_of_the_server(
    as_member: ApiClient, server: Instance, cast: Cast
) -> None:
    group = SecurityGroup.objects.create(name="web", project=cast.alpha)
    body = {"port": {"security_groups": [str(group.pk)]}}
    as_member.put(f"{V2}/ports/{nic_of(server)['port_id']}", body).expect(200)
    assert nic_of(server)["security_groups"] == ["web"]


def test_a_deleted_port_is_no_nic_any_more(as_admin: ApiClient, server: Instance) -> None:
    as_admin.delete(f"{V2}/ports/{nic_of(server)['port_id']}").expect(204)
    server.refresh_from_db()
    assert server.network_info == []
