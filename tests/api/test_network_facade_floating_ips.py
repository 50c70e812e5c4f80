"""Floating IPs of the network API."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network import local
from compute_site.neighbours.network.models import FLOATING, FixedIp, FloatingIp, Network, Port
from compute_site.neighbours.network.protocol import NicRequest
from tests.world.cast import ALPHA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_router
from tests.world.services import make_caller, make_network, make_port, new_server_id

IPS = "//network/v2.0/floatingips"


@pytest.fixture
def public(cast: Cast) -> Network:
    return make_network(cast.beta, "192.0.2.0/24", external=True, name="public")


@pytest.fixture
def port(cast: Cast, public: Network) -> Port:
    network = make_network(cast.alpha, "10.1.0.0/24")
    make_router(network.subnets.get(), outside=public)
    made = make_port(network)
    for address in ("10.1.0.5", "10.1.0.6"):
        FixedIp.objects.create(
            port=made, network=network, subnet=network.subnets.get(), address=address
        )
    return made


def create(client: ApiClient, network: Network, **fields: Any) -> dict[str, Any]:
    body = {"floatingip": {"floating_network_id": str(network.pk), **fields}}
    created: dict[str, Any] = client.post(IPS, body).expect(201).json["floatingip"]
    return created


def test_an_address_is_held_lent_and_given_back(
    as_member: ApiClient, public: Network, port: Port
) -> None:
    made = create(as_member, public)
    assert made["floating_ip_address"].startswith("192.0.2.")
    assert (made["status"], made["port_id"], made["project_id"]) == ("DOWN", None, ALPHA)
    path = f"{IPS}/{made['id']}"
    asked = {"port_id": str(port.pk), "fixed_ip_address": "10.1.0.5"}
    lent = as_member.put(path, {"floatingip": asked}).json["floatingip"]
    assert (lent["status"], lent["fixed_ip_address"]) == ("ACTIVE", "10.1.0.5")
    kept = as_member.put(path, {"floatingip": {"description": "d"}}).json["floatingip"]
    assert (kept["description"], kept["port_id"]) == ("d", str(port.pk))
    back = as_member.put(path, {"floatingip": {"port_id": None}}).json["floatingip"]
    assert (back["status"], back["fixed_ip_address"]) == ("DOWN", None)
    as_member.delete(path).expect(204)
    assert not FloatingIp.objects.exists()
    assert not Port.objects.filter(network=public, device_owner=FLOATING).exists()


def test_address_and_fixed_address_may_be_chosen(
    as_manager: ApiClient, public: Network, port: Port
) -> None:
    made = create(
        as_manager,
        public,
        floating_ip_address="192.0.2.77",
        port_id=str(port.pk),
        fixed_ip_address="10.1.0.6",
    )
    assert (made["floating_ip_address"], made["fixed_ip_address"]) == ("192.0.2.77", "10.1.0.6")
    body = {"floating_network_id": str(public.pk), "floating_ip_address": "192.0.2.77"}
    as_manager.post(IPS, {"floatingip": body}).expect(409)


def test_a_fixed_address_has_one_floating_ip(
    as_member: ApiClient, public: Network, port: Port
) -> None:
    create(as_member, public, port_id=str(port.pk), fixed_ip_address="10.1.0.5")
    body = {
        "floating_network_id": str(public.pk),
        "port_id": str(port.pk),
        "fixed_ip_address": "10.1.0.5",
    }
    as_member.post(IPS, {"floatingip": body}).expect(409)
    assert FloatingIp.objects.count() == 1
    assert Port.objects.filter(network=public, device_owner=FLOATING).count() == 1


def test_lists_show_the_own_ones(
    as_member: ApiClient, as_outsider: ApiClient, public: Network, port: Port
) -> None:
    made = create(as_member, public, port_id=str(port.pk), fixed_ip_address="10.1.0.5")
    create(as_member, public)
    create(as_outsider, public)
    assert len(as_member.get(IPS).json["floatingips"]) == 2
    for query in (
        f"port_id={port.pk}",
        f"floating_ip_address={made['floating_ip_address']}",
        "fixed_ip_address=10.1.0.5",
    ):
        [found] = as_member.get(f"{IPS}?{query}").expect(200).json["floatingips"]
        assert found["id"] == made["id"]
    assert as_member.get(f"{IPS}?floating_ip_address=x").expect(200).json["floatingips"] == []
    as_outsider.get(f"{IPS}/{made['id']}").expect(404)


def test_an_inner_network_gives_none(as_member: ApiClient, port: Port) -> None:
    body = {"floating_network_id": str(port.network_id)}
    as_member.post(IPS, {"floatingip": body}).expect(400)


def test_a_foreign_port_gets_none(
    as_outsider: ApiClient, as_reader: ApiClient, public: Network, port: Port
) -> None:
    body = {
        "floating_network_id": str(public.pk),
        "port_id": str(port.pk),
        "fixed_ip_address": "10.1.0.5",
    }
    as_outsider.post(IPS, {"floatingip": body}).expect(404)
    as_reader.post(IPS, {"floatingip": body}).expect(403)
    assert not FloatingIp.objects.exists()


def test_the_address_outlives_the_server(as_member: ApiClient, public: Network, cast: Cast) -> None:
    network = make_network(cast.alpha, "10.2.0.0/24")
    make_router(network.subnets.get(), outside=public)
    server_id = new_server_id()
    [nic] = local.connect(
        make_caller(cast.alpha), server_id, "h", [NicRequest(network_id=str(network.pk))], []
    )
    made = create(as_member, public, port_id=nic.port_id)
    local.disconnect([server_id])
    shown = as_member.get(f"{IPS}/{made['id']}").expect(200).json["floatingip"]
    assert (shown["status"], shown["port_id"], shown["fixed_ip_address"]) == ("DOWN", None, None)
