"""``/resource_providers/{provider_id}/inventories``"""

from __future__ import annotations

from typing import Any

import pytest

from servers.models import Inventory, ResourceProvider
from tests.placement_api.client import PlacementClient, error, new_uuid
from tests.world.hosts import make_host

DEFAULTS = {
    "reserved": 0,
    "min_unit": 1,
    "max_unit": 2147483647,
    "step_size": 1,
    "allocation_ratio": 1.0,
}


def test_all_inventories_are_replaced_at_once(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8, DISK_GB=100)
    path = f"/resource_providers/{rack}/inventories"
    wanted = {"VCPU": {"total": 4, "allocation_ratio": 16.0}, "MEMORY_MB": {"total": 64}}
    body = {"resource_provider_generation": 1, "inventories": wanted}
    shown = placement.put(path, body).expect(200).json
    assert shown == {
        "resource_provider_generation": 2,
        "inventories": {
            "VCPU": {**DEFAULTS, "total": 4, "allocation_ratio": 16.0},
            "MEMORY_MB": {**DEFAULTS, "total": 64},
        },
    }
    assert placement.get(path).json == shown


def test_one_inventory_is_made_changed_and_deleted(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack")
    path = f"/resource_providers/{rack}/inventories"
    made = placement.post(path, {"resource_class": "VCPU", "total": 8}).expect(201)
    assert made.headers["Location"].endswith(f"{path}/VCPU")
    assert made.json == {**DEFAULTS, "total": 8, "resource_provider_generation": 1}
    placement.post(path, {"resource_class": "VCPU", "total": 8}).expect(409)
    body = {"resource_provider_generation": 1, "total": 9, "reserved": 1}
    assert placement.put(f"{path}/VCPU", body).expect(200).json["reserved"] == 1
    assert placement.get(f"{path}/VCPU").json["total"] == 9
    placement.put(f"{path}/DISK_GB", {**body, "resource_provider_generation": 2}).expect(400)
    placement.delete(f"{path}/VCPU").expect(204)
    placement.delete(f"{path}/VCPU").expect(404)
    placement.get(f"{path}/VCPU").expect(404)
    assert placement.generation(rack) == 3


def test_a_stale_generation_changes_nothing(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    path = f"/resource_providers/{rack}/inventories"
    stale = {"resource_provider_generation": 0}
    for answer in (
        placement.put(path, {**stale, "inventories": {}}),
        placement.put(f"{path}/VCPU", {**stale, "total": 1}),
        placement.post(path, {**stale, "resource_class": "DISK_GB", "total": 1}),
        placement.put(f"/resource_providers/{rack}/traits", {**stale, "traits": []}),
        placement.put(f"/resource_providers/{rack}/aggregates", {**stale, "aggregates": []}),
    ):
        assert error(answer.expect(409))["code"] == "placement.concurrent_update"
    assert placement.generation(rack) == 1
    assert Inventory.objects.get(provider__uuid=rack).total == 8


def test_an_inventory_in_use_is_not_deleted(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    placement.allocate({rack: {"VCPU": 1}}).expect(204)
    path = f"/resource_providers/{rack}/inventories"
    placement.delete(f"{path}/VCPU").expect(409)
    in_use = "placement.inventory.inuse"
    assert error(placement.delete(path).expect(409))["code"] == in_use
    body = {"resource_provider_generation": 2, "inventories": {}}
    assert error(placement.put(path, body).expect(409))["code"] == in_use
    assert Inventory.objects.get(provider__uuid=rack).used == 1


def test_all_inventories_are_deleted_from_1_5_on(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8)
    path = f"/resource_providers/{rack}/inventories"
    answer = placement.delete(path, "1.4").expect(405)
    assert answer.headers["Allow"] == "GET, POST, PUT"
    placement.delete(path, "1.5").expect(204)
    assert placement.get(path).json["inventories"] == {}


def test_everything_may_be_reserved_from_1_26_on(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack")
    path = f"/resource_providers/{rack}/inventories"
    body = {"resource_class": "VCPU", "total": 8, "reserved": 8}
    placement.post(path, body, "1.25").expect(400)
    placement.post(path, body, "1.26").expect(201)


@pytest.mark.parametrize(
    ("stock", "field"),
    [
        ({}, "total"),
        ({"total": 0}, "total"),
        ({"total": "8"}, "total"),
        ({"total": True}, "total"),
        ({"total": 2147483648}, "total"),
        ({"total": 8, "reserved": 9}, "reserved"),
        ({"total": 8, "reserved": -1}, "reserved"),
        ({"total": 8, "step_size": 0}, "step_size"),
        ({"total": 8, "allocation_ratio": 0}, "allocation_ratio"),
        ({"total": 8, "allocation_ratio": -1.5}, "allocation_ratio"),
        ({"total": 8, "allocation_ratio": 3.4e38}, "allocation_ratio"),
        ({"total": 8, "colour": "red"}, "colour"),
    ],
)
def test_a_bad_inventory_is_refused_by_its_field(
    placement: PlacementClient, stock: dict[str, Any], field: str
) -> None:
    rack = placement.make_provider("rack")
    body = {"resource_provider_generation": 0, "inventories": {"VCPU": stock}}
    answer = placement.put(f"/resource_providers/{rack}/inventories", body).expect(400)
    assert error(answer)["detail"].startswith(f"inventories.VCPU.{field}: ")
    assert placement.generation(rack) == 0


def test_unknown_resource_classes_are_refused(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack")
    path = f"/resource_providers/{rack}/inventories"
    for name in ("CUSTOM_UNKNOWN", "vcpu"):
        body = {"resource_provider_generation": 0, "inventories": {name: {"total": 1}}}
        placement.put(path, body).expect(400)
        placement.post(path, {"resource_class": name, "total": 1}).expect(400)
        placement.delete(f"{path}/{name}").expect(404)


def test_unknown_providers_have_no_inventories(placement: PlacementClient) -> None:
    for name in (new_uuid(), "rack"):
        path = f"/resource_providers/{name}/inventories"
        placement.get(path).expect(404)
        placement.put(path, {}).expect(404)
        placement.post(path, {}).expect(404)
        placement.delete(path).expect(404)


def test_a_change_of_a_host_is_what_compute_sees(placement: PlacementClient) -> None:
    node = make_host("host1", vcpus=8)
    provider = ResourceProvider.objects.get(node=node)
    body = {"resource_provider_generation": provider.generation, "total": 3, "max_unit": 2}
    placement.put(f"/resource_providers/{provider.uuid}/inventories/VCPU", body).expect(200)
    node.refresh_from_db()
    assert (node.vcpus, node.free_vcpus, node.most_vcpus) == (3, 3, 2)
