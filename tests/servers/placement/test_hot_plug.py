"""NICs that come to a server that runs take devices and bandwidth of its host, and give them back
when they go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from compute_site.neighbours.network.models import Port
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.models import Instance, PciDevice
from tests.servers.placement.fit.factories import make_nic
from tests.servers.placement.rich_hosts import enrich, make_asking_port
from tests.servers.placement.test_nested_providers import HAS, NETWORK, held, other_host, used
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.hosts import assert_hardware_adds_up, make_bound_host
from tests.world.jobs import run_jobs
from tests.world.moving import Rack, act, assert_books_balance, confirm, revert
from tests.world.orders import Shop

VIRTUAL_FUNCTIONS = {"devices": make_nic(1, functions=1, physical_network="one")}


def attach(client: ApiClient, server: Instance, port: Port) -> Answer:
    body = {"interfaceAttachment": {"port_id": str(port.pk)}}
    answer = client.post(f"/servers/{server.uuid}/os-interface", body, microversion="2.70")
    run_jobs()
    return answer


def detach(client: ApiClient, server: Instance, port: Port) -> None:
    client.delete(f"/servers/{server.uuid}/os-interface/{port.pk}").expect(202)
    run_jobs()


def delete_port(port: Port) -> None:
    ApiClient(Cast.admin).delete(f"//network/v2.0/ports/{port.pk}").expect(204)


def holders() -> list[Any]:
    """Who has the devices: their servers."""
    devices = PciDevice.objects.filter(consumer__isnull=False)
    return list(devices.values_list("consumer__instance", flat=True))


@pytest.fixture
def rack(db: None) -> Rack:
    """Two hosts, each with a network agent with a NIC."""
    found = Rack()
    for node in found.hosts:
        enrich(node, HAS)
    return found


@pytest.fixture
def with_cards(db: None) -> Shop:
    """Two hosts, each with one function of a card."""
    for name in ("host1", "host2"):
        make_bound_host(name, VIRTUAL_FUNCTIONS, vcpus=8, memory_mb=8192)
    return Shop()


def run_server(client: ApiClient, shop: Shop, **order: Any) -> Instance:
    answer = shop.order(client, **order).expect(202)
    run_jobs()
    return Instance.objects.get(uuid=answer.json["server"]["id"], vm_state="active")


class TestBandwidth:
    def test_it_is_taken_when_the_port_comes_and_given_back_when_it_goes(
        self, as_member: ApiClient, rack: Rack
    ) -> None:
        server, port = rack.server(as_member), make_asking_port("both")
        attach(as_member, server, port).expect(200)
        assert held(server) == {str(server.host): NETWORK}
        assert_books_balance()
        detach(as_member, server, port)
        assert (held(server), used()) == ({}, 0)
        assert_books_balance()

    def test_it_moves_with_the_server(
        self, as_member: ApiClient, as_admin: ApiClient, rack: Rack
    ) -> None:
        server, port = rack.server(as_member), make_asking_port("both")
        attach(as_member, server, port).expect(200)
        elsewhere = other_host(server)
        act(as_admin, server, migrate=None).expect(202)
        run_jobs()
        confirm(as_member, server).expect(204)
        run_jobs()
        assert held(server) == {elsewhere: NETWORK}
        detach(as_member, server, port)
        assert (held(server), used()) == ({}, 0)
        assert_books_balance()

    def test_a_port_of_the_order_gives_it_back_and_leaves_that_of_others(
        self, as_member: ApiClient, rack: Rack
    ) -> None:
        ports = [make_asking_port("packet rate"), make_asking_port("old bandwidth")]
        server = rack.server(as_member, networks=[{"port": str(port.pk)} for port in ports])
        detach(as_member, server, ports[1])
        agent = ("agent", "NET_PACKET_RATE_KILOPACKET_PER_SEC", 100)
        assert held(server) == {str(server.host): {agent}}
        assert_books_balance()

    @pytest.mark.parametrize("end", [confirm, revert])
    def test_a_port_that_is_deleted_while_the_server_moves_gives_both_back_at_once(
        self, as_member: ApiClient, as_admin: ApiClient, rack: Rack, end: Callable[..., Answer]
    ) -> None:
        server, port = rack.server(as_member), make_asking_port("both")
        attach(as_member, server, port).expect(200)
        act(as_admin, server, migrate=None).expect(202)
        run_jobs()
        assert used() == 2 * sum(amount for *_, amount in NETWORK)
        delete_port(port)
        assert used() == 0
        end(as_member, server)
        run_jobs()
        assert (held(server), used()) == ({}, 0)
        assert server.request_spec.requested_resources == []
        assert_books_balance()

    def test_a_host_without_enough_refuses_and_nothing_changes(
        self, as_member: ApiClient, rack: Rack
    ) -> None:
        server = rack.server(as_member)
        port = make_asking_port("too much bandwidth")
        answer = attach(as_member, server, port).expect(400)
        assert answer.errors[0]["code"] == "port_not_usable"
        assert "10001 NET_BW_EGR_KILOBIT_PER_SEC" in answer.message
        assert (held(server), used()) == ({}, 0)
        assert Port.objects.get(pk=port.pk).device_id == ""
        assert server.request_spec.requested_resources == []

    def test_a_host_that_cannot_plug_the_nic_gives_it_back(
        self, as_member: ApiClient, rack: Rack, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise DriverFailed("no slot")

        monkeypatch.setattr(fake, "attach_nic", fail)
        server = rack.server(as_member)
        attach(as_member, server, make_asking_port("both")).expect(200)
        assert (held(server), used()) == ({}, 0)
        assert_books_balance()


class TestDevices:
    def test_a_function_is_taken_when_the_port_comes_and_given_back_when_it_goes(
        self, as_member: ApiClient, with_cards: Shop
    ) -> None:
        server, port = run_server(as_member, with_cards), make_asking_port("direct")
        attach(as_member, server, port).expect(200)
        assert holders() == [server.pk]
        assert_hardware_adds_up()
        server.refresh_from_db()
        assert [request["requester_id"] for request in server.pci_requests] == [str(port.pk)]
        detach(as_member, server, port)
        assert holders() == []
        server.refresh_from_db()
        assert server.pci_requests == server.request_spec.pci_requests == []
        assert_hardware_adds_up()

    def test_the_function_of_a_port_of_the_order_is_given_back(
        self, as_member: ApiClient, with_cards: Shop
    ) -> None:
        port = make_asking_port("direct")
        server = run_server(as_member, with_cards, networks=[{"port": str(port.pk)}])
        assert holders() == [server.pk]
        detach(as_member, server, port)
        assert holders() == []
        assert_hardware_adds_up()

    def test_it_moves_with_the_server(
        self, as_member: ApiClient, as_admin: ApiClient, with_cards: Shop
    ) -> None:
        server = run_server(as_member, with_cards)
        attach(as_member, server, make_asking_port("direct")).expect(200)
        act(as_admin, server, migrate=None).expect(202)
        run_jobs()
        confirm(as_member, server).expect(204)
        run_jobs()
        device = PciDevice.objects.get(consumer__isnull=False)
        assert device.node.hypervisor_hostname == other_host(server)
        assert_hardware_adds_up()

    def test_a_host_without_a_free_function_refuses(
        self, as_member: ApiClient, with_cards: Shop
    ) -> None:
        server = run_server(as_member, with_cards)
        attach(as_member, server, make_asking_port("direct")).expect(200)
        second = make_asking_port("direct")
        answer = attach(as_member, server, second).expect(400)
        assert answer.errors[0]["code"] == "port_not_usable"
        assert holders() == [server.pk]
        assert Port.objects.get(pk=second.pk).device_id == ""
        assert_hardware_adds_up()

    @pytest.mark.parametrize("end", [confirm, revert])
    def test_a_port_that_is_deleted_while_the_server_moves_gives_both_back_at_once(
        self,
        as_member: ApiClient,
        as_admin: ApiClient,
        with_cards: Shop,
        end: Callable[..., Answer],
    ) -> None:
        server, port = run_server(as_member, with_cards), make_asking_port("direct")
        attach(as_member, server, port).expect(200)
        act(as_admin, server, migrate=None).expect(202)
        run_jobs()
        assert holders() == [server.pk, server.pk]
        delete_port(port)
        assert holders() == []
        end(as_member, server)
        run_jobs()
        server.refresh_from_db()
        assert server.pci_requests == server.request_spec.pci_requests == []
        assert_hardware_adds_up()
