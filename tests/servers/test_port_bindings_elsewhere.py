"""What ports of a Neutron elsewhere have of hosts, in their ``binding:profile``: from the binding
on, after each move, and no more when the server is gone.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from servers.drivers import fake
from servers.drivers.protocol import DriverFailed
from servers.models import Instance, PciDevice, ResourceProvider, Service
from tests.servers.placement.demand_cases import GROUP_1, PORTS
from tests.servers.placement.fit.factories import make_nic
from tests.servers.placement.rich_hosts import enrich
from tests.servers.placement.test_nested_providers import HAS, NETWORK, held, other_host
from tests.world.cast import Cast
from tests.world.client import Answer, ApiClient
from tests.world.cloud_services import Neighbours, neighbours_elsewhere
from tests.world.hosts import make_bound_host
from tests.world.jobs import queued, run_jobs
from tests.world.moving import act, assert_books_balance, confirm, revert, state
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


def migrate_live(admin: ApiClient, server: Instance) -> None:
    body = {"host": None, "block_migration": "auto"}
    act(admin, server, "2.68", **{"os-migrateLive": body}).expect(202)
    run_jobs()


def evacuate(admin: ApiClient, server: Instance) -> None:
    Service.objects.filter(host=server.host).update(forced_down=True)
    act(admin, server, "2.68", evacuate={}).expect(200)
    run_jobs()


def unshelve(admin: ApiClient, server: Instance) -> None:
    """To the other host."""
    to = other_host(server)
    act(admin, server, shelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    act(admin, server, "2.91", unshelve={"host": to}).expect(202)
    run_jobs()


Move = Callable[[ApiClient, Instance], None]
STAYS = {migrate_live: "active", evacuate: "error", unshelve: "shelved_offloaded"}
"""What becomes of the server where the move fails."""
FAILS = {migrate_live: "switch_live", evacuate: "spawn", unshelve: "perform"}
"""What the host does after the ports were bound there."""


def check_held(neighbours: Neighbours, server: Instance, *ports: str, taken: str = "ovs") -> None:
    """All of the ports, on its host and nowhere else."""
    server.refresh_from_db()
    for port in ports:
        shown = neighbours.ports[port]
        assert (shown["binding:host_id"], shown["device_id"]) == (
            server.host or "",
            str(server.uuid),
        )
        assert shown["binding:vif_type"] == (taken if server.host else "unbound")
    profile = dict(neighbours.ports[ports[-1]]["binding:profile"])
    given = set(profile.pop("allocation", {}).values())
    assert profile == OWN
    names = ("eth-0", "agent") if server.host else ()
    assert given == {provider(server, name) for name in names}
    assert held(server) == ({server.host: NETWORK} if server.host else {})
    assert held(server, moving=True) == {}
    assert not neighbours.bindings
    assert queued() == []
    assert_books_balance()


@pytest.mark.parametrize("second_bindings", [False, True])
@pytest.mark.parametrize("move", STAYS)
def test_what_is_guaranteed_to_a_port_is_held_where_its_server_comes_to(
    as_member: ApiClient,
    as_admin: ApiClient,
    neighbours: Neighbours,
    move: Move,
    second_bindings: bool,
) -> None:
    neighbours.second_bindings = second_bindings
    ports = make_port(neighbours, "plain"), make_port(neighbours, "both")
    server = build(as_member, *ports)
    to = other_host(server)
    move(as_admin, server)
    assert (state(server), server.host) == (("active", None), to)
    check_held(neighbours, server, *ports)


@pytest.mark.parametrize(
    "case",
    [*itertools.product(STAYS, ["binding", "host"], [False, True])],
    ids=lambda case: f"{case[0].__name__}-{case[1]}-{'second' if case[2] else 'one'}",
)
def test_nothing_of_it_is_left_where_the_server_does_not_come_to(
    as_member: ApiClient,
    as_admin: ApiClient,
    neighbours: Neighbours,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[Move, str, bool],
) -> None:
    move, fails, neighbours.second_bindings = case
    ports = make_port(neighbours, "plain"), make_port(neighbours, "both")
    server = build(as_member, *ports)
    first, to = server.host, other_host(server)

    def fail(*_: object, **__: object) -> None:
        if move is not unshelve or Instance.objects.get(pk=server.pk).host == to:
            raise DriverFailed("The power is off.")

    if fails == "binding":
        neighbours.unbound_hosts = {to}
    else:
        monkeypatch.setattr(fake, FAILS[move], fail)
    move(as_admin, server)
    assert (state(server), server.host) == (
        (STAYS[move], None),
        None if move is unshelve else first,
    )
    check_held(neighbours, server, *ports)
    told = as_admin.get(f"/servers/{server.uuid}/os-instance-actions", microversion="2.84")
    assert told.json["instanceActions"][0]["message"] == "Error"


@pytest.mark.parametrize(
    "case", [*itertools.product(["move", "revert"], ["binding", "host"], [False, True])]
)
def test_ports_are_where_a_server_is_that_failed_to_start_after_a_move(
    as_member: ApiClient,
    as_admin: ApiClient,
    neighbours: Neighbours,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, str, bool],
) -> None:
    move, fails, neighbours.second_bindings = case
    back = move == "revert"
    ports = make_port(neighbours, "plain"), make_port(neighbours, "both")
    server = build(as_member, *ports)
    first, to = server.host, other_host(server)
    if back:
        act(as_admin, server, migrate=None).expect(202)
        run_jobs()
        assert (state(server), server.host) == (("resized", None), to)
    refusing = str(first if back else to)

    def fail(*_: object, **__: object) -> None:
        raise DriverFailed("The power is off.")

    if fails == "binding":
        neighbours.unbound_hosts = {refusing}
    else:
        monkeypatch.setattr(fake, "take_back" if back else "receive", fail)
    if back:
        revert(as_member, server)
    else:
        act(as_admin, server, migrate=None).expect(202)
    run_jobs()
    assert (state(server), server.host) == (("error", None), refusing)
    told = as_admin.get(f"/servers/{server.uuid}/os-instance-actions", microversion="2.84")
    assert told.json["instanceActions"][0]["message"] == "Error"
    taken = "ovs" if fails == "host" else "binding_failed"
    check_held(neighbours, server, *ports, taken=taken)


def test_a_binding_that_is_left_of_an_earlier_move_is_given_what_it_has_now(
    as_member: ApiClient, as_admin: ApiClient, neighbours: Neighbours
) -> None:
    neighbours.second_bindings = True
    port = make_port(neighbours, "both")
    server = build(as_member, port)
    stale = {"allocation": {GROUP_1: "of an earlier one"}}
    to = other_host(server)
    left = {"host": to, "vnic_type": "normal", "profile": stale, "vif_type": "ovs"}
    neighbours.bindings[port, to] = left
    migrate_live(as_admin, server)
    assert server.host != to
    check_held(neighbours, server, port)
    assert server.host == to
