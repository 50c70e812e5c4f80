"""CPUs, pages and devices of hosts: each is given to one server, and given back once."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from flavors.models import Flavor
from servers.drivers import fake
from servers.drivers.protocol import DriverFailed, Guest
from servers.holdings.audit import find_wrongs
from servers.models import HardwareClaim, Instance, PciDevice, Service
from tests.world.client import ApiClient
from tests.world.factories import make_flavor
from tests.world.hosts import (
    assert_hardware_adds_up,
    assert_hosts_add_up,
    make_bound_host,
    make_host,
)
from tests.world.jobs import run_jobs
from tests.world.moving import act, confirm, resize, revert, state
from tests.world.orders import Shop

HUGE = 2048
CELLS = [
    {
        "id": number,
        "shared_cpus": [6 * number, 6 * number + 1],
        "dedicated_cpus": list(range(6 * number + 2, 6 * number + 6)),
        "siblings": [[6 * number + 2, 6 * number + 3], [6 * number + 4, 6 * number + 5]],
        "memory_mb": 8192,
        "pages": [{"size_kb": 4, "total": 1 << 20}, {"size_kb": HUGE, "total": 2048}],
    }
    for number in (0, 1)
]
DEDICATED = {"hw:cpu_policy": "dedicated"}
CARD = {"pci_passthrough:alias": "card:1"}


def device(number: int, **values: Any) -> dict[str, Any]:
    address = f"0000:3b:00.{number}"
    return {"address": address, "vendor_id": "8086", "product_id": "154c", **values}


HARDWARE: dict[str, Any] = {
    "cells": CELLS,
    "devices": [device(0, numa_node=0), device(1, numa_node=1)],
}


@pytest.fixture(autouse=True)
def _with_alias() -> Iterator[None]:
    alias = {"name": "card", "vendor_id": "8086", "product_id": "154c"}
    with override_settings(OPTIONS=dataclasses.replace(settings.OPTIONS, pci_alias=(alias,))):
        yield


@pytest.fixture(autouse=True)
def _adds_up_in_the_end(db: None) -> Iterator[None]:
    yield
    assert_hosts_add_up()
    assert_hardware_adds_up()
    assert [wrong.text for wrong in find_wrongs()] == []


def flavor(specs: dict[str, str], **sizes: Any) -> Flavor:
    return make_flavor(**{"vcpus": 2, "memory_mb": 1024, "extra_specs": specs, **sizes})


def build(client: ApiClient, shop: Shop, chosen: Flavor, **order: Any) -> Instance:
    answer = shop.order(client, flavorRef=chosen.flavorid, **order).expect(202)
    run_jobs()
    return Instance.objects.get(uuid=answer.json["server"]["id"])


def topology(client: ApiClient, server: Instance) -> dict[str, Any]:
    shown = client.get(f"/servers/{server.uuid}/topology", microversion="2.78").expect(200)
    found: dict[str, Any] = shown.json
    return found


def pins(client: ApiClient, server: Instance) -> set[int]:
    """The host's CPUs of the server, as an admin sees them."""
    nodes = topology(client, server)["nodes"]
    return {cpu for node in nodes for cpu in node["cpu_pinning"].values()}


def devices(server: Instance) -> list[tuple[str, str]]:
    """Hosts and addresses of all that the server and its moves have."""
    held = PciDevice.objects.filter(consumer__instance=server)
    return sorted(held.values_list("node__hypervisor_hostname", "address"))


def test_each_server_has_cpus_of_its_own_until_the_host_is_full(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    pinned = flavor(DEDICATED)
    servers = [build(as_member, shop, pinned) for _ in range(4)]
    assert [server.vm_state for server in servers] == ["active"] * 4
    taken = [pins(as_admin, server) for server in servers]
    assert sorted(cpu for cpus in taken for cpu in cpus) == [2, 3, 4, 5, 8, 9, 10, 11]
    refused = build(as_member, shop, pinned)
    assert (refused.vm_state, refused.host) == ("error", None)
    act(as_member, servers[1], forceDelete=None).expect(202)
    run_jobs()
    last = build(as_member, shop, pinned)
    assert pins(as_admin, last) == taken[1]


def test_a_layout_is_shown_as_it_lies_on_the_host(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    specs = {**DEDICATED, "hw:numa_nodes": "2", "hw:mem_page_size": "large"}
    server = build(as_member, shop, flavor(specs, vcpus=4))
    plain = {"siblings": [], "memory_mb": 512}
    nodes = [{"vcpu_set": [0, 1], **plain}, {"vcpu_set": [2, 3], **plain}]
    assert topology(as_member, server) == {"nodes": nodes, "pagesize_kb": HUGE}
    shown = topology(as_admin, server)["nodes"]
    assert sorted(node["host_node"] for node in shown) == [0, 1]
    for node in shown:
        first = 6 * node["host_node"] + 2
        cpus = [str(cpu) for cpu in node["vcpu_set"]]
        assert node["cpu_pinning"] == {cpus[0]: first, cpus[1]: first + 1}


def test_a_host_that_tells_of_no_cells_takes_a_layout_and_binds_nothing(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_host("host1")
    server = build(as_member, shop, flavor({"hw:numa_nodes": "2"}))
    assert server.vm_state == "active"
    nodes = topology(as_admin, server)["nodes"]
    assert [(node["host_node"], node["cpu_pinning"]) for node in nodes] == [(0, {}), (1, {})]
    assert not HardwareClaim.objects.exists()


def test_large_pages_end(as_member: ApiClient, shop: Shop) -> None:
    make_bound_host("host1", HARDWARE)
    large = flavor({"hw:mem_page_size": "large"}, vcpus=1, memory_mb=3072)
    assert [build(as_member, shop, large).vm_state for _ in range(3)] == [
        "active",
        "active",
        "error",
    ]


def test_each_server_has_a_device_of_its_own_near_its_cell(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    specs = {**DEDICATED, **CARD, "hw:pci_numa_affinity_policy": "required"}
    servers = [build(as_member, shop, flavor(specs)) for _ in range(3)]
    assert [server.vm_state for server in servers] == ["active", "active", "error"]
    for server in servers[:2]:
        [node] = topology(as_admin, server)["nodes"]
        assert devices(server) == [("host1", f"0000:3b:00.{node['host_node']}")]
    for _ in range(2):  # the second time there is nothing to give back
        as_member.delete(f"/servers/{servers[0].uuid}")
        run_jobs()
    assert build(as_member, shop, flavor(CARD)).vm_state == "active"
    assert PciDevice.objects.filter(consumer=None).count() == 0


def test_a_reservation_gets_all_or_nothing(as_member: ApiClient, shop: Shop) -> None:
    make_bound_host("host1", HARDWARE)
    both = flavor({**DEDICATED, **CARD})
    build(as_member, shop, both, min_count=3, max_count=3, name="three")
    assert not HardwareClaim.objects.exists()
    build(as_member, shop, both, min_count=2, max_count=2, name="two")
    assert HardwareClaim.objects.count() == 2
    assert not PciDevice.objects.filter(consumer=None).exists()


@pytest.mark.parametrize("outcome", ["confirmed", "reverted"])
def test_a_resize_takes_anew_and_gives_back_what_is_left(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop, outcome: str
) -> None:
    for name in ("host1", "host2"):
        make_bound_host(name, HARDWARE)
    server = build(as_member, shop, flavor({**DEDICATED, **CARD}))
    source, before = server.host, (pins(as_admin, server), devices(server))
    larger = flavor({**DEDICATED, **CARD}, vcpus=4)
    resize(as_member, server, larger).expect(202)
    run_jobs()
    assert state(server) == ("resized", None)
    assert server.host != source
    assert len(pins(as_admin, server)) == 4
    assert [host for host, _ in devices(server)] == ["host1", "host2"]
    assert HardwareClaim.objects.filter(consumer__instance=server).count() == 2
    (confirm if outcome == "confirmed" else revert)(as_member, server)
    run_jobs()
    assert state(server) == ("active", None)
    [held] = HardwareClaim.objects.filter(consumer__instance=server)
    assert held.node.hypervisor_hostname == server.host
    if outcome == "confirmed":
        assert len(pins(as_admin, server)) == 4
        assert [host for host, _ in devices(server)] == [server.host]
    else:
        assert (pins(as_admin, server), devices(server)) == before


def test_a_resized_server_that_is_deleted_leaves_nothing_on_either_host(
    as_member: ApiClient, shop: Shop
) -> None:
    for name in ("host1", "host2"):
        make_bound_host(name, HARDWARE)
    server = build(as_member, shop, flavor({**DEDICATED, **CARD}))
    resize(as_member, server, flavor({**DEDICATED, **CARD}, vcpus=4)).expect(202)
    run_jobs()
    as_member.delete(f"/servers/{server.uuid}").expect(204)
    run_jobs()
    assert not HardwareClaim.objects.exists()
    assert PciDevice.objects.filter(consumer=None).count() == 4


@pytest.mark.parametrize("step", ["send", "receive"])
def test_a_resize_that_fails_leaves_what_the_server_lies_on(
    as_member: ApiClient,
    as_admin: ApiClient,
    shop: Shop,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
) -> None:
    for name in ("host1", "host2"):
        make_bound_host(name, HARDWARE)
    server = build(as_member, shop, flavor({**DEDICATED, **CARD}))
    source = server.host

    def fail(*_: Any, **__: Any) -> None:
        raise DriverFailed("The host is out of order.")

    monkeypatch.setattr(fake, step, fail)
    resize(as_member, server, flavor({**DEDICATED, **CARD}, vcpus=4)).expect(202)
    run_jobs()
    server.refresh_from_db()
    stays = step == "send"
    assert (server.host == source) is stays
    assert len(pins(as_admin, server)) == (2 if stays else 4)
    assert [host for host, _ in devices(server)] == [server.host]


def test_a_resize_on_the_same_host_finds_room_beside_itself(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    server = build(as_member, shop, flavor(DEDICATED))
    before = pins(as_admin, server)
    options = dataclasses.replace(settings.OPTIONS, allow_resize_to_same_host=True)
    with override_settings(OPTIONS=options):
        resize(as_member, server, flavor(DEDICATED, vcpus=4)).expect(202)
        run_jobs()
    assert state(server) == ("resized", None)
    assert not pins(as_admin, server) & before
    revert(as_member, server).expect(202)
    run_jobs()
    assert pins(as_admin, server) == before


def test_a_cold_migration_moves_all_of_it(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    server = build(as_member, shop, flavor({**DEDICATED, **CARD}))
    make_bound_host("host2", HARDWARE)
    act(as_admin, server, migrate=None).expect(202)
    run_jobs()
    confirm(as_admin, server).expect(204)
    run_jobs()
    assert (state(server), server.host) == (("active", None), "host2")
    assert [host for host, _ in devices(server)] == ["host2"]
    assert len(pins(as_admin, server)) == 2


def test_a_live_migration_moves_cpus(as_member: ApiClient, as_admin: ApiClient, shop: Shop) -> None:
    make_bound_host("host1", HARDWARE)
    server = build(as_member, shop, flavor(DEDICATED))
    make_bound_host("host2", HARDWARE)
    other = build(as_admin, shop, flavor(DEDICATED), availability_zone="nova:host2")
    body = {"host": "host2", "block_migration": "auto"}
    act(as_admin, server, "2.30", **{"os-migrateLive": body}).expect(202)
    run_jobs()
    assert (state(server), server.host) == (("active", None), "host2")
    assert len(pins(as_admin, server)) == 2
    assert not pins(as_admin, server) & pins(as_admin, other)


def test_an_evacuated_server_has_its_place_elsewhere(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    server = build(as_member, shop, flavor({**DEDICATED, **CARD}))
    make_bound_host("host2", HARDWARE)
    Service.objects.filter(host="host1").update(forced_down=True)
    act(as_admin, server, "2.14", evacuate={}).expect(200)
    run_jobs()
    assert (state(server), server.host) == (("active", None), "host2")
    assert [host for host, _ in devices(server)] == ["host2"]


def test_a_shelved_server_lets_go_and_takes_again(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    both = flavor({**DEDICATED, **CARD})
    server = build(as_member, shop, both)
    act(as_member, server, shelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    assert not HardwareClaim.objects.exists()
    others = [build(as_member, shop, both) for _ in range(2)]
    act(as_member, server, unshelve=None).expect(202)
    run_jobs()
    assert state(server) == ("shelved_offloaded", None)
    as_member.delete(f"/servers/{others[0].uuid}").expect(204)
    run_jobs()
    act(as_member, server, unshelve=None).expect(202)
    run_jobs()
    assert state(server) == ("active", None)
    assert len(pins(as_admin, server)) == 2


def test_a_host_that_fails_gives_back_what_the_next_one_takes(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("host1", "host2"):
        make_bound_host(name, HARDWARE)
    guests: list[Guest] = []

    def spawn(guest: Guest) -> None:
        guests.append(guest)
        if len(guests) == 1:
            raise DriverFailed("The host is out of order.")

    monkeypatch.setattr(fake, "spawn", spawn)
    server = build(as_member, shop, flavor({**DEDICATED, **CARD}))
    assert server.vm_state == "active"
    assert server.host == guests[1].node != guests[0].node
    assert devices(server) == [(server.host, "0000:3b:00.0")]
    placement = guests[1].placement
    assert placement is not None
    assert set(placement["cells"][0]["pinning"].values()) == pins(as_admin, server)
    assert placement["devices"] == [{"name": "card", "addresses": ["0000:3b:00.0"]}]


def test_a_build_that_fails_for_good_gives_everything_back(
    as_member: ApiClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_bound_host("host1", HARDWARE)

    def spawn(_: Guest) -> None:
        raise DriverFailed("The host is out of order.")

    monkeypatch.setattr(fake, "spawn", spawn)
    assert build(as_member, shop, flavor({**DEDICATED, **CARD})).vm_state == "error"
    assert not HardwareClaim.objects.exists()
    assert PciDevice.objects.filter(consumer=None).count() == 2


def test_a_trial_tells_the_layout_and_takes_no_device(
    as_member: ApiClient, as_admin: ApiClient, shop: Shop
) -> None:
    make_bound_host("host1", HARDWARE)
    chosen = flavor(DEDICATED | CARD | {"hw:numa_nodes": "2"})
    body = shop.body(flavorRef=chosen.flavorid)
    tried = as_member.post("/servers/dry-run", body, microversion="2.90").expect(200).json
    servers = tried["dry_run"]["servers"]
    assert tried["dry_run"]["placement"]["outcome"] == "placed"
    cells = servers["numa"]["cells"]
    assert [(cell["memory_mb"], cell["cpu_policy"]) for cell in cells] == [(512, "dedicated")] * 2
    assert [(one["alias"], one["count"]) for one in servers["pci"]] == [("card", 1)]
    assert not PciDevice.objects.filter(consumer__isnull=False).exists()
    built = build(as_member, shop, chosen)
    assert len(pins(as_admin, built)) == 2
    assert len(devices(built)) == 1
