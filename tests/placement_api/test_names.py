"""Resource classes, traits, and the aggregates of providers."""

from __future__ import annotations

import os_traits
from os_resource_classes import STANDARDS

from servers.hosts.register import mirror_aggregates
from servers.models import Aggregate, Allocation, Inventory, ProviderAggregate
from tests.placement_api.client import AGGREGATE, PlacementClient, new_uuid
from tests.world.hosts import make_host


def test_resource_classes_are_listed_made_and_deleted(placement: PlacementClient) -> None:
    placement.put("/resource_classes/CUSTOM_GOLD").expect(201)
    placement.put("/resource_classes/CUSTOM_GOLD").expect(204)
    placement.post("/resource_classes", {"name": "CUSTOM_GOLD"}).expect(409)
    placement.post("/resource_classes", {"name": "CUSTOM_IRON"}).expect(201)
    listed = placement.get("/resource_classes").expect(200).json["resource_classes"]
    assert [row["name"] for row in listed] == [*STANDARDS, "CUSTOM_GOLD", "CUSTOM_IRON"]
    placement.get("/resource_classes/VCPU").expect(200)
    placement.delete("/resource_classes/VCPU").expect(400)
    placement.delete("/resource_classes/CUSTOM_GOLD").expect(204)
    placement.get("/resource_classes/CUSTOM_GOLD").expect(404)
    for name in ("GOLD", "CUSTOM_gold", "CUSTOM_"):
        placement.put(f"/resource_classes/{name}").expect(400)


def test_a_resource_class_that_is_used_stays(placement: PlacementClient) -> None:
    placement.put("/resource_classes/CUSTOM_GOLD").expect(201)
    placement.make_provider("rack", CUSTOM_GOLD=2)
    placement.delete("/resource_classes/CUSTOM_GOLD").expect(409)


def test_until_1_6_a_resource_class_is_renamed_with_all_that_is_held(
    placement: PlacementClient,
) -> None:
    placement.put("/resource_classes/CUSTOM_GOLD").expect(201)
    rack = placement.make_provider("rack", CUSTOM_GOLD=2)
    placement.allocate({rack: {"CUSTOM_GOLD": 1}}).expect(204)
    body = {"name": "CUSTOM_SILVER"}
    placement.put("/resource_classes/CUSTOM_GOLD", body, "1.6").expect(200)
    assert Inventory.objects.get().resource_class == "CUSTOM_SILVER"
    assert Allocation.objects.get().resource_class == "CUSTOM_SILVER"
    placement.put("/resource_classes/VCPU", body, "1.6").expect(400)
    placement.put("/resource_classes/CUSTOM_GOLD", body, "1.6").expect(404)


def test_traits_are_listed_made_and_deleted(placement: PlacementClient) -> None:
    placement.put("/traits/CUSTOM_FAST").expect(201)
    again = placement.put("/traits/CUSTOM_FAST").expect(204)
    assert again.headers["Location"] == "http://testserver/placement/traits/CUSTOM_FAST"
    listed = placement.get("/traits").expect(200).json["traits"]
    assert set(listed) == {*os_traits.get_traits(), "CUSTOM_FAST"}
    for query, names in {
        "name=startswith:CUSTOM_": ["CUSTOM_FAST"],
        "name=in:CUSTOM_FAST,HW_CPU_X86_AVX,NOTHING": ["HW_CPU_X86_AVX", "CUSTOM_FAST"],
        "associated=true": [],
        "associated=False&name=startswith:CUSTOM_": ["CUSTOM_FAST"],
    }.items():
        assert placement.get(f"/traits?{query}").expect(200).json["traits"] == names, query
    for query in ("name=CUSTOM_FAST", "associated=perhaps", "colour=red"):
        placement.get(f"/traits?{query}").expect(400)
    placement.get("/traits/CUSTOM_FAST").expect(204)
    placement.delete("/traits/CUSTOM_FAST").expect(204)
    placement.get("/traits/CUSTOM_FAST").expect(404)
    placement.delete("/traits/CUSTOM_FAST").expect(404)
    placement.delete("/traits/HW_CPU_X86_AVX").expect(400)
    placement.put("/traits/FAST").expect(400)


def test_traits_of_a_provider_are_replaced(placement: PlacementClient) -> None:
    placement.put("/traits/CUSTOM_FAST").expect(201)
    rack = placement.make_provider("rack")
    path = f"/resource_providers/{rack}/traits"
    body = {"resource_provider_generation": 0, "traits": ["CUSTOM_FAST", "HW_CPU_X86_AVX"]}
    shown = placement.put(path, body).expect(200).json
    assert sorted(shown["traits"]) == body["traits"]
    assert shown["resource_provider_generation"] == 1
    same = {**body, "resource_provider_generation": 1}
    assert placement.put(path, same).json["resource_provider_generation"] == 1
    placement.delete("/traits/CUSTOM_FAST").expect(409)
    placement.put(path, {**same, "traits": ["CUSTOM_SLOW"]}).expect(400)
    placement.delete(path).expect(204)
    empty = {"traits": [], "resource_provider_generation": 2}
    assert placement.get(path).json == empty


def test_aggregates_of_a_provider_are_replaced(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack")
    path = f"/resource_providers/{rack}/aggregates"
    assert placement.put(path, [AGGREGATE], "1.18").expect(200).json == {"aggregates": [AGGREGATE]}
    assert placement.generation(rack) == 0
    shown = {"aggregates": [AGGREGATE], "resource_provider_generation": 0}
    assert placement.get(path).json == shown
    other = new_uuid()
    body = {"aggregates": [other], "resource_provider_generation": 0}
    answer = placement.put(path, body).expect(200).json
    assert answer == {"aggregates": [other], "resource_provider_generation": 1}
    for wrong in (["7"], [other, other], "7"):
        placement.put(path, {**body, "aggregates": wrong}).expect(400)


def test_a_host_leaves_its_host_aggregates_in_compute_only(placement: PlacementClient) -> None:
    node = make_host("host1")
    aggregate = Aggregate.objects.create(name="rack")
    aggregate.hosts.add(node.service)
    mirror_aggregates([node.service_id])
    provider = str(node.provider.uuid)
    path = f"/resource_providers/{provider}/aggregates"
    generation = placement.generation(provider)
    body = {"aggregates": [AGGREGATE], "resource_provider_generation": generation}
    placement.put(path, body).expect(409)
    both = {**body, "aggregates": [AGGREGATE, str(aggregate.uuid)]}
    placement.put(path, both).expect(200)
    assert ProviderAggregate.objects.filter(provider=node.provider).count() == 2
