"""``/allocations``, ``/usages`` and ``/reshaper``: who holds what of whom."""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import Allocation, Consumer, Instance, Inventory, ResourceProvider
from tests.placement_api.client import (
    CONSUMER,
    OTHER_CONSUMER,
    PlacementClient,
    error,
    new_uuid,
    order,
)
from tests.world.cast import ALPHA, BETA, Cast
from tests.world.client import ApiClient
from tests.world.factories import make_instance
from tests.world.hosts import assert_hosts_add_up, hold, make_host
from tests.world.jobs import run_jobs
from tests.world.orders import Shop


def used_of(provider: str) -> dict[str, int]:
    rows = Inventory.objects.filter(provider__uuid=provider)
    return dict(rows.values_list("resource_class", "used"))


def test_a_consumer_takes_changes_and_gives_back(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8, DISK_GB=100)
    placement.allocate({rack: {"VCPU": 3, "DISK_GB": 10}}).expect(204)
    assert used_of(rack) == {"VCPU": 3, "DISK_GB": 10}
    assert placement.get(f"/allocations/{CONSUMER}").expect(200).json == {
        "allocations": {rack: {"generation": 2, "resources": {"VCPU": 3, "DISK_GB": 10}}},
        "project_id": "p1",
        "user_id": "u1",
        "consumer_generation": 1,
        "consumer_type": "INSTANCE",
    }
    held = {"consumer_generation": 1, "resources": {"VCPU": 3, "DISK_GB": 10}}
    assert placement.get(f"/resource_providers/{rack}/allocations").json == {
        "allocations": {CONSUMER: held},
        "resource_provider_generation": 2,
    }
    placement.allocate({rack: {"VCPU": 8}}, generation=1, kind="OTHER").expect(204)
    assert used_of(rack) == {"VCPU": 8, "DISK_GB": 0}
    placement.allocate({}, generation=2).expect(204)
    assert used_of(rack) == {"VCPU": 0, "DISK_GB": 0}
    assert not Consumer.objects.exists()
    assert placement.get(f"/allocations/{CONSUMER}").json == {"allocations": {}}

    placement.allocate({rack: {"VCPU": 1}}).expect(204)
    placement.delete(f"/allocations/{CONSUMER}").expect(204)
    placement.delete(f"/allocations/{CONSUMER}").expect(404)
    assert used_of(rack) == {"VCPU": 0, "DISK_GB": 0}


def test_the_old_forms_are_lists_without_an_owner(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    held = [{"resource_provider": {"uuid": rack}, "resources": {"VCPU": 1}}]
    path = f"/allocations/{CONSUMER}"
    placement.put(path, {"allocations": held}, "1.7").expect(204)
    nobody = "00000000-0000-0000-0000-000000000000"
    consumer = Consumer.objects.get()
    assert (consumer.project_id, consumer.consumer_type) == (nobody, "unknown")
    owned = {"allocations": held, "project_id": "p1", "user_id": "u1"}
    placement.put(path, owned, "1.7").expect(400)
    placement.put(path, {"allocations": held}, "1.8").expect(400)
    placement.put(path, owned, "1.8").expect(204)
    assert Consumer.objects.get().project_id == "p1"
    by_provider = {**owned, "allocations": {rack: {"resources": {"VCPU": 2}}}}
    placement.put(path, by_provider, "1.11").expect(400)
    placement.put(path, by_provider, "1.12").expect(204)
    placement.put(path, {**owned, "allocations": {}}, "1.27").expect(400)
    assert used_of(rack) == {"VCPU": 2}


@pytest.mark.parametrize(
    ("held", "status"),
    [
        ({"VCPU": 9}, 409),
        ({"VCPU": 3}, 409),  # not in steps of 2
        ({"VCPU": 0}, 400),
        ({"VCPU": 99999999999}, 409),
        ({"DISK_GB": 1}, 409),  # no such inventory
        ({"CUSTOM_UNKNOWN": 1}, 400),
        ({"vcpu": 1}, 400),
        ({}, 400),
    ],
)
def test_what_a_provider_does_not_give_is_refused(
    placement: PlacementClient, held: dict[str, int], status: int
) -> None:
    rack = placement.make_provider("rack", VCPU={"total": 8, "step_size": 2})
    placement.allocate({rack: held}).expect(status)
    assert used_of(rack) == {"VCPU": 0}
    assert not Consumer.objects.exists()
    assert placement.generation(rack) == 1


def test_what_is_too_much_may_become_less(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    placement.allocate({rack: {"VCPU": 8}}).expect(204)
    placement.stock(rack, VCPU=2)
    placement.allocate({rack: {"VCPU": 6}}, generation=1).expect(204)
    placement.allocate({rack: {"VCPU": 7}}, generation=2).expect(409)
    assert used_of(rack) == {"VCPU": 6}


@pytest.mark.parametrize("generation", [None, 0, 2])
def test_a_stale_consumer_changes_nothing(
    placement: PlacementClient, generation: int | None
) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    placement.allocate({rack: {"VCPU": 1}}).expect(204)
    answer = placement.allocate({rack: {"VCPU": 2}}, generation=generation).expect(409)
    assert error(answer)["code"] == "placement.concurrent_update"
    assert used_of(rack) == {"VCPU": 1}


def test_several_consumers_change_together_or_not_at_all(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    placement.allocate({rack: {"VCPU": 8}}).expect(204)
    swap = {
        CONSUMER: order({rack: {"VCPU": 2}}, generation=1),
        OTHER_CONSUMER: order({rack: {"VCPU": 6}}),
    }
    placement.post("/allocations", swap).expect(204)
    assert used_of(rack) == {"VCPU": 8}
    assert placement.generation(rack) == 3
    more = {
        CONSUMER: order({}, generation=2),
        OTHER_CONSUMER: order({rack: {"VCPU": 9}}, generation=1),
    }
    placement.post("/allocations", more).expect(409)
    assert used_of(rack) == {"VCPU": 8}
    placement.post("/allocations", {}, "1.13").expect(400)
    placement.post("/allocations", swap, "1.12").expect(404)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"allocations": {"7": {"resources": {"VCPU": 1}}}}, "allocations"),
        ({"project_id": ""}, "project_id"),
        ({"user_id": 7}, "user_id"),
        ({"consumer_generation": "1"}, "consumer_generation"),
        ({"consumer_type": "instance"}, "consumer_type"),
        ({"mappings": {}}, "mappings"),
        ({"mappings": {"_A": []}}, "mappings._A"),
        ({"mappings": {"_A": ["7"]}}, "mappings._A"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_order_is_refused_by_its_field(
    placement: PlacementClient, change: dict[str, Any], field: str
) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    body = order({rack: {"VCPU": 1}}) | change
    told = error(placement.put(f"/allocations/{CONSUMER}", body).expect(400))
    assert told["detail"].startswith(f"{field}: ")
    told = error(placement.post("/allocations", {CONSUMER: body}).expect(400))
    assert told["detail"].startswith(f"{CONSUMER}.{field}: ")
    assert used_of(rack) == {"VCPU": 0}


def test_unknown_providers_and_odd_consumers_are_refused(placement: PlacementClient) -> None:
    placement.allocate({new_uuid(): {"VCPU": 1}}).expect(400)
    placement.allocate({}, consumer="seven").expect(400)
    placement.delete("/allocations/seven").expect(404)
    assert placement.get("/allocations/seven").expect(200).json == {"allocations": {}}
    placement.post("/allocations", {"seven": order({})}).expect(400)


def test_what_clients_hold_is_not_given_to_servers(
    placement: PlacementClient, as_member: ApiClient
) -> None:
    """One set of tables: the search for hosts sees what others hold."""
    node, shop = make_host("host1", vcpus=4, cpu_allocation_ratio=1.0), Shop()
    provider = str(node.provider.uuid)
    placement.allocate({provider: {"VCPU": 4}}).expect(204)
    server = shop.order(as_member).expect(202).json["server"]["id"]
    run_jobs()
    assert Instance.objects.get(uuid=server).vm_state == "error"

    placement.delete(f"/allocations/{CONSUMER}").expect(204)
    server = shop.order(as_member).expect(202).json["server"]["id"]
    run_jobs()
    assert Instance.objects.get(uuid=server).host == "host1"
    held = placement.get(f"/allocations/{server}").json
    assert held["allocations"][provider]["resources"]["VCPU"] == shop.flavor.vcpus
    assert (held["project_id"], held["consumer_type"]) == (ALPHA, "INSTANCE")


def test_what_servers_hold_is_changed_by_compute_only(placement: PlacementClient) -> None:
    node, server = make_host("host1"), make_instance()
    hold(server, node)
    provider = str(node.provider.uuid)
    consumer = str(server.uuid)
    placement.delete(f"/allocations/{consumer}").expect(409)
    for held in ({}, {provider: {"VCPU": 2, "MEMORY_MB": 512, "DISK_GB": 1}}):
        placement.allocate(held, consumer=consumer, generation=1).expect(409)
    same = {provider: {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1}}
    placement.allocate(same, consumer=consumer, generation=1).expect(204)
    known = server.consumers.get()
    assert (known.project_id, known.generation) == (server.project_id, 2)
    unplaced = make_instance()
    placement.allocate({provider: {"VCPU": 1}}, consumer=str(unplaced.uuid)).expect(409)
    node.refresh_from_db()
    assert node.running_vms == 1


def test_a_server_moves_to_another_provider_of_its_host(placement: PlacementClient) -> None:
    node, server = make_host("host1"), make_instance()
    hold(server, node)
    provider = str(node.provider.uuid)
    disks = placement.make_provider("host1_disks", provider, DISK_GB=1000)
    amounts = Inventory.objects.filter(provider=node.provider).exclude(resource_class="DISK_GB")
    stocks = dict(amounts.values_list("resource_class", "total"))
    body = {
        "inventories": {
            provider: {
                "resource_provider_generation": placement.generation(provider),
                "inventories": {name: {"total": total} for name, total in stocks.items()},
            },
        },
        "allocations": {
            str(server.uuid): order(
                {provider: {"VCPU": 1, "MEMORY_MB": 512}, disks: {"DISK_GB": 1}}, generation=1
            )
        },
    }
    placement.post("/reshaper", body).expect(204)
    assert used_of(disks) == {"DISK_GB": 1}
    assert "DISK_GB" not in used_of(provider)
    rows = Allocation.objects.filter(consumer__instance=server)
    names = dict(rows.values_list("resource_class", "provider__name"))
    assert names == {"VCPU": "host1", "MEMORY_MB": "host1", "DISK_GB": "host1_disks"}


def test_a_reshape_is_all_or_nothing(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    shelf = placement.make_provider("shelf", rack)
    placement.allocate({rack: {"VCPU": 3}}).expect(204)
    inventories = {
        rack: {"resource_provider_generation": 2, "inventories": {}},
        shelf: {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 8}}},
    }
    moved = {CONSUMER: order({shelf: {"VCPU": 3}}, generation=1)}
    for allocations, status in (({}, 409), (moved, 204)):
        body = {"inventories": inventories, "allocations": allocations}
        placement.post("/reshaper", body).expect(status)
    assert (used_of(rack), used_of(shelf)) == ({}, {"VCPU": 3})
    stale = placement.post("/reshaper", body).expect(409)
    assert error(stale)["code"] == "placement.concurrent_update"
    unknown = {"inventories": {new_uuid(): inventories[rack]}, "allocations": {}}
    answer = placement.post("/reshaper", unknown).expect(400)
    assert error(answer)["code"] == "placement.resource_provider.not_found"
    placement.post("/reshaper", body, "1.29").expect(404)


def test_usages_of_a_provider_and_of_a_project(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8, DISK_GB=100)
    placement.allocate({rack: {"VCPU": 3}}).expect(204)
    placement.allocate({rack: {"VCPU": 1}}, consumer=OTHER_CONSUMER, kind="OTHER").expect(204)
    assert placement.get(f"/resource_providers/{rack}/usages").json == {
        "resource_provider_generation": 3,
        "usages": {"VCPU": 4, "DISK_GB": 0},
    }
    old = placement.get("/usages?project_id=p1&user_id=u1", "1.37").expect(200).json
    assert old == {"usages": {"VCPU": 4}}
    assert placement.get("/usages?project_id=p1").json["usages"] == {
        "INSTANCE": {"VCPU": 3, "consumer_count": 1},
        "OTHER": {"VCPU": 1, "consumer_count": 1},
    }
    everything = {"all": {"VCPU": 4, "consumer_count": 2}}
    assert placement.get("/usages?project_id=p1&consumer_type=all").json["usages"] == everything
    other = placement.get("/usages?project_id=p1&consumer_type=OTHER").json["usages"]
    assert other == {"OTHER": {"VCPU": 1, "consumer_count": 1}}
    assert placement.get("/usages?project_id=p2").json == {"usages": {}}
    for query in ("", "project_id=", "project_id=p1&consumer_type=small", "project_id=p1&a=b"):
        placement.get(f"/usages?{query}").expect(400)
    placement.get("/usages?project_id=p1&consumer_type=all", "1.37").expect(400)


def test_readers_see_the_usages_of_their_project(cast: Cast) -> None:
    reader = PlacementClient(cast.reader)
    reader.get(f"/usages?project_id={ALPHA}").expect(200)
    reader.get(f"/usages?project_id={BETA}").expect(403)


def test_the_hosts_add_up_whatever_clients_do(placement: PlacementClient) -> None:
    node, server = make_host("host1"), make_instance()
    hold(server, node)
    provider = str(node.provider.uuid)
    placement.stock(provider, VCPU=16, MEMORY_MB=4096, DISK_GB=100)
    placement.allocate({provider: {"VCPU": 2, "DISK_GB": 7}}).expect(204)
    placement.allocate({provider: {"MEMORY_MB": 64}}, generation=1).expect(204)
    placement.delete(f"/allocations/{CONSUMER}").expect(204)
    assert_hosts_add_up()
    assert ResourceProvider.objects.get(uuid=provider).generation > 3
