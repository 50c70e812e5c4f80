"""What ports of a Neutron elsewhere have of hosts, in their ``binding:profile``: from the binding
on, after each move, and no more when the server is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from servers.models import Instance, PciDevice, ResourceProvider
from tests.servers.placement.demand_cases import GROUP_1, PORTS
from tests.servers.placement.fit.factories import make_nic
from tests.servers.placement.rich_hosts import enrich
from tests.servers.placement.test_nested_providers import HAS
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.cloud_services import Neighbours, neighbours_elsewhere
from tests.world.hosts import make_bound_host
from tests.world.jobs import run_jobs
from tests.world.moving import act, confirm, revert
from tests.world.orders import Shop

pytestmark = pytest.mark.django_db(transaction=True)

OWN = {"capabilities": ["switchdev"]}
"""What an admin has written into the profile of the port."""
VIRTUAL_FUNCTIONS = {"devices": make_nic(1, functions=1, physical_network="one")}


@pytest.fixture
def neighbours(cast: Cast) -> Iterator[Neighbours]:
    for name in ("host1", "host2"):
        node = make_bound_host(name, VIRTUAL_FUNCTIONS, vcpus=8, memory_mb=8192)
        enrich(node, HAS)
    with neighbours_elsewhere() as there:
        yield there


def make_port(neighbours: Neighbours, kind: str) -> str:
    network_id = neighbours.make_network()
    neighbours.networks[network_id] |= {
        "provider:network_type": "vlan",
        "provider:physical_network": "one",
    }
    values = {"binding:profile": dict(OWN), "port_security_enabled": True}
    return neighbours.make_port(network_id, **{**values, **PORTS[kind]})


def build(client: ApiClient, *ports: str) -> Instance:
    answer = Shop().order(client, networks=[{"port": port} for port in ports])
    run_jobs()
    server = Instance.objects.get(uuid=answer.expect(202).json["server"]["id"])
    assert server.vm_state == "active", server.faults.values_list("message", flat=True)
    return server


def provider(server: Instance, name: str) -> str:
    return str(ResourceProvider.objects.get(name=f"{server.node} {name}").uuid)


def device(server: Instance) -> dict[str, Any]:
    found = PciDevice.objects.get(
        node__hypervisor_hostname=server.node, consumer__instance=server, dev_type="type-VF"
    )
    return {
        "pci_slot": found.address,
        "pci_vendor_info": f"{found.vendor_id}:{found.product_id}",
        "physical_network": "one",
    }


def test_what_a_port_was_given_goes_with_its_binding(
    as_member: ApiClient, neighbours: Neighbours
) -> None:
    asking = {kind: make_port(neighbours, kind) for kind in ("bandwidth", "direct", "plain")}
    server = build(as_member, *asking.values())
    profiles = {kind: neighbours.ports[port]["binding:profile"] for kind, port in asking.items()}
    assert profiles == {
        "bandwidth": OWN | {"allocation": {GROUP_1: provider(server, "eth-0")}},
        "direct": OWN | device(server),
        "plain": OWN,
    }
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    for port in asking.values():
        shown = neighbours.ports[port]
        assert (shown["binding:profile"], shown["binding:host_id"]) == (OWN, "")


def test_a_port_without_groups_names_one_provider(
    as_member: ApiClient, neighbours: Neighbours
) -> None:
    port = make_port(neighbours, "old bandwidth")
    server = build(as_member, port)
    profile = neighbours.ports[port]["binding:profile"]
    assert profile == OWN | {"allocation": provider(server, "eth-0")}


@pytest.mark.parametrize("second_bindings", [False, True])
@pytest.mark.parametrize("end", [confirm, revert])
def test_it_follows_the_server(
    as_member: ApiClient,
    as_admin: ApiClient,
    neighbours: Neighbours,
    end: Callable[..., Answer],
    second_bindings: bool,
) -> None:
    neighbours.second_bindings = second_bindings
    bandwidth, function = make_port(neighbours, "both"), make_port(neighbours, "direct")
    server = build(as_member, bandwidth, function)

    def check() -> None:
        server.refresh_from_db()
        assert neighbours.ports[bandwidth]["binding:host_id"] == server.host
        allocation = neighbours.ports[bandwidth]["binding:profile"]["allocation"]
        assert set(allocation.values()) == {provider(server, "eth-0"), provider(server, "agent")}
        assert neighbours.ports[function]["binding:profile"] == OWN | device(server)
        assert not neighbours.bindings

    check()
    first = server.host
    act(as_admin, server, migrate=None).expect(202)
    run_jobs()
    server.refresh_from_db()
    assert server.host != first
    check()
    end(as_member, server)
    run_jobs()
    server.refresh_from_db()
    assert (server.host == first) == (end is revert)
    check()


def test_a_port_that_asks_for_something_comes_with_the_server_alone(
    as_member: ApiClient, neighbours: Neighbours
) -> None:
    server = build(as_member)
    for kind in ("bandwidth", "direct"):
        port = make_port(neighbours, kind)
        body = {"interfaceAttachment": {"port_id": port}}
        path = f"/servers/{server.uuid}/os-interface"
        refused = as_member.post(path, body, microversion="2.72").expect(400)
        assert "when the server is made" in refused.message
        assert neighbours.ports[port]["device_id"] == ""
