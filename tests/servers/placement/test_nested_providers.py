"""What lies below a host's root is really placed: held once, moved with the server, given back."""

from __future__ import annotations

from typing import Any

import pytest

from compute_site.neighbours.network.models import Port
from servers.models import Allocation, Instance, Inventory, Service
from tests.servers.placement.rich_hosts import enrich, make_asking_port
from tests.world.client import ApiClient
from tests.world.factories import make_flavor, make_image
from tests.world.jobs import run_jobs
from tests.world.moving import (
    Rack,
    act,
    assert_books_balance,
    confirm,
    resize,
    revert,
    state,
)

APART = {"resources1:VGPU": "1", "resources2:VGPU": "1", "group_policy": "isolate"}
HAS = {
    "children": [
        {"name": "gpu-1", "inventories": {"VGPU": {"total": 2}}},
        {"name": "gpu-2", "inventories": {"VGPU": {"total": 2}}},
        {
            "name": "agent",
            "inventories": {"NET_PACKET_RATE_KILOPACKET_PER_SEC": {"total": 100}},
            "traits": ["CUSTOM_VNIC_TYPE_NORMAL"],
        },
        {
            "name": "eth-0",
            "parent": "agent",
            "inventories": {
                "NET_BW_EGR_KILOBIT_PER_SEC": {"total": 1000},
                "NET_BW_IGR_KILOBIT_PER_SEC": {"total": 1000},
            },
            "traits": ["CUSTOM_PHYSNET_ONE", "CUSTOM_VNIC_TYPE_NORMAL"],
        },
    ]
}
ENCRYPTING = {
    "children": [
        {
            "name": name,
            "inventories": {"MEM_ENCRYPTION_CONTEXT": {"total": 4}},
            "traits": [trait],
        }
        for name, trait in (("sev", "HW_CPU_X86_AMD_SEV"), ("sev-es", "HW_CPU_X86_AMD_SEV_ES"))
    ]
}
CARDS = {("gpu-1", "VGPU", 1), ("gpu-2", "VGPU", 1)}
NETWORK = {
    ("eth-0", "NET_BW_EGR_KILOBIT_PER_SEC", 1000),
    ("eth-0", "NET_BW_IGR_KILOBIT_PER_SEC", 1000),
    ("agent", "NET_PACKET_RATE_KILOPACKET_PER_SEC", 100),
}


@pytest.fixture
def rack(db: None) -> Rack:
    """Two hosts, each with two cards and a network agent with a NIC."""
    found = Rack()
    for node in found.hosts:
        enrich(node, HAS)
    return found


def with_cards(**sizes: Any) -> str:
    return make_flavor(extra_specs=APART, **sizes).flavorid


def with_bandwidth() -> list[dict[str, str]]:
    """A port that takes all bandwidth of a NIC, and all packets of the agent above it."""
    return [{"port": str(make_asking_port("both").pk)}]


def held(server: Instance, *, moving: bool = False) -> dict[str, set[tuple[str, str, int]]]:
    """What it holds of children, by host: name of the child, class, amount."""
    rows = Allocation.objects.filter(
        consumer__instance=server,
        consumer__migration__isnull=not moving,
        provider__parent__isnull=False,
    ).values_list("provider__name", "resource_class", "amount")
    found: dict[str, set[tuple[str, str, int]]] = {}
    for name, kind, amount in rows:
        host, child = name.split(" ")
        found.setdefault(host, set()).add((child, kind, amount))
    return found


def used() -> int:
    """How much of all children is given away."""
    stocks = Inventory.objects.filter(provider__parent__isnull=False)
    return sum(stocks.values_list("used", flat=True))


def other_host(server: Instance) -> str:
    return "host2" if server.host == "host1" else "host1"


def test_groups_apart_lie_on_two_children(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member, flavorRef=with_cards())
    assert held(server) == {str(server.host): CARDS}
    assert_books_balance()


def test_a_port_takes_of_a_nic_and_of_the_agent_above_it(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member, networks=with_bandwidth())
    assert held(server) == {str(server.host): NETWORK}
    assert_books_balance()


def test_several_at_once_fill_the_children_of_all_hosts_and_no_more(
    as_member: ApiClient, rack: Rack
) -> None:
    cards = with_cards()
    rack.shop.order(as_member, flavorRef=cards, min_count=4, max_count=4).expect(202)
    run_jobs()
    servers = list(Instance.objects.order_by("pk"))
    assert {server.vm_state for server in servers} == {"active"}
    assert [held(server) for server in servers] == [{str(one.host): CARDS} for one in servers]
    assert sorted(str(server.host) for server in servers) == ["host1"] * 2 + ["host2"] * 2
    assert set(Inventory.objects.filter(resource_class="VGPU").values_list("free", flat=True)) == {
        0
    }
    rack.shop.order(as_member, flavorRef=cards, name="late").expect(202)
    run_jobs()
    assert Instance.objects.get(display_name="late").vm_state == "error"
    assert_books_balance()


def test_all_or_none_of_several_take_of_children(as_member: ApiClient, rack: Rack) -> None:
    rack.shop.order(as_member, flavorRef=with_cards(), min_count=5, max_count=5).expect(202)
    run_jobs()
    assert {server.vm_state for server in Instance.objects.all()} == {"error"}
    assert used() == 0
    assert_books_balance()


@pytest.mark.parametrize("end", [confirm, revert])
def test_a_resize_takes_of_children_and_gives_back_once(
    as_member: ApiClient, rack: Rack, end: Any
) -> None:
    server = rack.server(as_member)
    flavor = make_flavor(vcpus=2, memory_mb=1024, root_gb=10, extra_specs=APART)
    resize(as_member, server, flavor).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)
    assert held(server) == {str(server.host): CARDS}
    end(as_member, server)
    run_jobs()
    assert state(server) == ("active", None)
    assert held(server) == ({str(server.host): CARDS} if end is confirm else {})
    assert held(server, moving=True) == {}
    assert used() == (2 if end is confirm else 0)
    assert_books_balance()


def test_a_cold_migration_holds_children_of_both_hosts_until_it_is_confirmed(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member, flavorRef=with_cards(), networks=with_bandwidth())
    old, new = str(server.host), other_host(server)
    act(as_admin, server, migrate=None).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)
    assert held(server) == {new: CARDS | NETWORK}
    assert held(server, moving=True) == {old: CARDS | NETWORK}
    confirm(as_member, server)
    run_jobs()
    assert held(server) == {new: CARDS | NETWORK}
    assert held(server, moving=True) == {}
    assert_books_balance()


def test_a_live_migration_takes_the_children_along(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member, flavorRef=with_cards())
    new = other_host(server)
    live = {"host": None, "block_migration": "auto"}
    act(as_admin, server, "2.68", **{"os-migrateLive": live}).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert held(server) == {new: CARDS}
    assert used() == 2
    assert_books_balance()


def test_an_evacuation_takes_of_the_children_of_the_new_host(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member, flavorRef=with_cards(), networks=with_bandwidth())
    new = other_host(server)
    Service.objects.filter(host=server.host).update(forced_down=True)
    act(as_admin, server, "2.68", evacuate={}).expect(200)
    run_jobs()
    assert state(server) == ("active", None)
    assert held(server) == {new: CARDS | NETWORK}
    assert_books_balance()


def test_without_room_on_children_a_server_stays(
    as_member: ApiClient, as_admin: ApiClient, rack: Rack
) -> None:
    server = rack.server(as_member, flavorRef=with_cards())
    full = Inventory.objects.filter(
        provider__name=f"{other_host(server)} gpu-2", resource_class="VGPU"
    )
    full.update(total=0)
    old = str(server.host)
    act(as_admin, server, migrate=None)
    run_jobs()
    assert state(server) == ("active", None)
    assert server.host == old
    assert held(server) == {old: CARDS}
    assert_books_balance()


def test_a_shelved_server_gives_back_and_takes_again(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member, flavorRef=with_cards(), networks=with_bandwidth())
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    assert (held(server), used()) == ({}, 0)
    bound = Port.objects.filter(device_id=str(server.uuid))
    columns = "binding_host", "vif_type", "status"
    assert list(bound.values_list(*columns)) == [("", "unbound", "DOWN")]
    act(as_member, server, unshelve=None).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert list(bound.values_list(*columns)) == [(server.host, "ovs", "ACTIVE")]
    assert held(server) == {str(server.host): CARDS | NETWORK}
    assert_books_balance()


def test_a_deleted_server_gives_back_once(as_member: ApiClient, rack: Rack) -> None:
    server = rack.server(as_member, flavorRef=with_cards(), networks=with_bandwidth())
    stays = rack.server(as_member, flavorRef=with_cards())
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert held(stays) == {str(stays.host): CARDS}
    assert used() == 2
    assert_books_balance()


@pytest.mark.parametrize("together", [True, False])
def test_a_port_may_want_its_nic_below_its_agent(as_member: ApiClient, together: bool) -> None:
    rack = Rack()
    agent, nic = HAS["children"][2:]
    beside = {"children": [agent, {name: nic[name] for name in nic if name != "parent"}]}
    for node in rack.hosts:
        enrich(node, beside)
    port = make_asking_port("both")
    if not together:
        port.resource_request = {**port.resource_request, "same_subtree": []}
        port.save()
    answer = rack.shop.order(as_member, networks=[{"port": str(port.pk)}]).expect(202)
    run_jobs()
    server = Instance.objects.get(uuid=answer.json["server"]["id"])
    assert server.vm_state == ("error" if together else "active")
    assert used() == (0 if together else 2100)


def test_encrypted_memory_is_of_the_provider_with_its_model(as_member: ApiClient) -> None:
    """A host may have contexts of several models, each below it with its trait."""
    rack = Rack()
    for node in rack.hosts:
        enrich(node, ENCRYPTING)
    rack.shop.image = make_image(properties={"hw_firmware_type": "uefi"})
    for model, child in (("amd-sev", "sev"), ("amd-sev-es", "sev-es")):
        specs = {"hw:mem_encryption": "true", "hw:mem_encryption_model": model}
        flavor = make_flavor(root_gb=10, extra_specs=specs)
        server = rack.server(as_member, flavorRef=flavor.flavorid)
        assert held(server) == {str(server.host): {(child, "MEM_ENCRYPTION_CONTEXT", 1)}}
    assert_books_balance()
