"""``/resource_providers``"""

from __future__ import annotations

import pytest

from servers.models import PciDevice, ResourceProvider
from tests.placement_api.client import AGGREGATE, PlacementClient, error, new_uuid
from tests.world.factories import make_instance
from tests.world.hosts import hold, make_host


def test_a_provider_lives_from_creation_to_deletion(placement: PlacementClient) -> None:
    own_id = new_uuid()
    made = placement.post("/resource_providers", {"name": "rack", "uuid": own_id}).expect(200)
    assert made.headers["Location"] == f"http://testserver/placement/resource_providers/{own_id}"
    assert made.json["generation"] == 0
    assert made.json["parent_provider_uuid"] is None
    assert made.json["root_provider_uuid"] == own_id
    assert made.json["links"][0] == {
        "rel": "self",
        "href": f"/placement/resource_providers/{own_id}",
    }

    path = f"/resource_providers/{own_id}"
    shown = placement.put(path, {"name": "shelf"}).expect(200).json
    assert shown["name"] == "shelf"
    assert placement.get(path).expect(200).json == shown
    assert placement.delete(path).expect(204).content == b""
    assert not ResourceProvider.objects.filter(uuid=own_id).exists()
    assert error(placement.get(path).expect(404))["title"] == "Not Found"


def test_until_1_19_a_new_provider_is_not_shown(placement: PlacementClient) -> None:
    answer = placement.post("/resource_providers", {"name": "rack"}, "1.19").expect(201)
    assert answer.content == b""
    assert "Location" in answer.headers


def test_a_name_and_a_uuid_stand_once(placement: PlacementClient) -> None:
    made = placement.make_provider("rack")
    for body in ({"name": "rack"}, {"name": "other", "uuid": made}):
        answer = placement.post("/resource_providers", body).expect(409)
        assert error(answer)["code"] == "placement.duplicate_name"
    other = placement.make_provider("other")
    placement.put(f"/resource_providers/{other}", {"name": "rack"}).expect(409)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "a", "uuid": "7"}, "uuid"),
        ({"name": "a", "generation": 1}, "generation"),
        ({"name": "a", "parent_provider_uuid": "7"}, "parent_provider_uuid"),
    ],
)
def test_a_bad_provider_is_refused_by_its_field(
    placement: PlacementClient, body: dict[str, object], field: str
) -> None:
    told = error(placement.post("/resource_providers", body).expect(400))
    assert told["detail"].startswith(f"{field}: ")
    assert not ResourceProvider.objects.exists()


def test_an_unknown_parent_and_oneself_are_no_parents(placement: PlacementClient) -> None:
    own_id = new_uuid()
    for parent in (new_uuid(), own_id):
        body = {"name": "a", "uuid": own_id, "parent_provider_uuid": parent}
        placement.post("/resource_providers", body).expect(400)


def test_a_provider_with_children_is_not_deleted(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack")
    placement.make_provider("shelf", rack)
    answer = placement.delete(f"/resource_providers/{rack}").expect(409)
    assert error(answer)["code"] == "placement.resource_provider.cannot_delete_parent"


def test_a_provider_moves_with_all_below_it_from_1_37_on(placement: PlacementClient) -> None:
    rack, other = placement.make_provider("rack"), placement.make_provider("other")
    shelf = placement.make_provider("shelf", rack)
    board = placement.make_provider("board", shelf)
    body = {"name": "shelf", "parent_provider_uuid": other}
    placement.put(f"/resource_providers/{shelf}", body, "1.36").expect(400)
    placement.put(f"/resource_providers/{shelf}", body).expect(200)
    shown = placement.get(f"/resource_providers/{board}").json
    assert (shown["parent_provider_uuid"], shown["root_provider_uuid"]) == (shelf, other)

    body = {"name": "shelf", "parent_provider_uuid": None}
    placement.put(f"/resource_providers/{shelf}", body).expect(200)
    assert placement.get(f"/resource_providers/{board}").json["root_provider_uuid"] == shelf


def test_a_provider_is_not_below_itself(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack")
    shelf = placement.make_provider("shelf", rack)
    body = {"name": "rack", "parent_provider_uuid": shelf}
    placement.put(f"/resource_providers/{rack}", body).expect(400)


def test_filters_of_the_list(placement: PlacementClient) -> None:
    rack = placement.make_provider("rack", VCPU=8, MEMORY_MB={"total": 64, "step_size": 8})
    shelf = placement.make_provider("shelf", rack, VCPU=2)
    placement.make_provider("other", DISK_GB=10)
    placement.set_traits(shelf, "HW_CPU_X86_AVX")
    placement.set_aggregates(rack, AGGREGATE)
    for query, names in {
        "": ["rack", "shelf", "other"],
        "?name=shelf": ["shelf"],
        f"?uuid={rack}": ["rack"],
        f"?in_tree={shelf}": ["rack", "shelf"],
        f"?in_tree={new_uuid()}": [],
        "?resources=VCPU:4": ["rack"],
        "?resources=VCPU:2": ["rack", "shelf"],
        "?resources=VCPU:2,MEMORY_MB:8": ["rack"],
        "?resources=MEMORY_MB:9": [],
        "?resources=VCPU:99999999999999999999": [],
        "?required=HW_CPU_X86_AVX": ["shelf"],
        "?required=!HW_CPU_X86_AVX": ["rack", "other"],
        "?required=in:HW_CPU_X86_AVX,HW_CPU_X86_SSE": ["shelf"],
        f"?member_of={AGGREGATE}": ["rack"],
        f"?member_of=!{AGGREGATE}": ["shelf", "other"],
        f"?member_of=in:{AGGREGATE},{new_uuid()}&resources=VCPU:1": ["rack"],
    }.items():
        assert placement.names(query) == names, query


@pytest.mark.parametrize(
    "query",
    [
        *("colour=red", "uuid=7", "in_tree=7", "resources=", "resources=VCPU", "resources=VCPU:0"),
        *("resources=VCPU:x", "resources=NOTHING:1", "required=", "required=CUSTOM_UNKNOWN"),
        *("required=in:A,!B", "member_of=7", f"member_of={AGGREGATE},{AGGREGATE}"),
    ],
)
def test_bad_filters_are_refused(placement: PlacementClient, query: str) -> None:
    told = error(placement.get(f"/resource_providers?{query}").expect(400))
    assert told["code"] == "placement.undefined_code"


@pytest.mark.parametrize(
    ("query", "since"),
    [
        (f"member_of={AGGREGATE}", 3),
        ("resources=VCPU:1", 4),
        (f"in_tree={AGGREGATE}", 14),
        ("required=HW_CPU_X86_AVX", 18),
        ("required=!HW_CPU_X86_AVX", 22),
        (f"member_of={AGGREGATE}&member_of={AGGREGATE}", 24),
        (f"member_of=!{AGGREGATE}", 32),
        ("required=in:HW_CPU_X86_AVX,HW_CPU_X86_SSE", 39),
    ],
)
def test_each_filter_has_its_microversion(
    placement: PlacementClient, query: str, since: int
) -> None:
    placement.get(f"/resource_providers?{query}", f"1.{since}").expect(200)
    placement.get(f"/resource_providers?{query}", f"1.{since - 1}").expect(400)


def test_the_provider_of_a_host_stays(placement: PlacementClient) -> None:
    node = make_host("host1")
    path = f"/resource_providers/{node.provider.uuid}"
    answer = placement.delete(path).expect(409)
    assert error(answer)["code"] == "placement.resource_provider.inuse"
    rack = placement.make_provider("rack")
    body = {"name": "host1", "parent_provider_uuid": rack}
    placement.put(path, body).expect(400)
    node.provider.refresh_from_db()
    assert node.provider.parent_id is None


def test_what_counts_devices_of_a_host_stays(placement: PlacementClient) -> None:
    node = make_host("host1")
    child = placement.make_provider("host1_0000:81:00.0", str(node.provider.uuid))
    provider = ResourceProvider.objects.get(uuid=child)
    PciDevice.objects.create(
        node=node, provider=provider, address="0000:81:00.0", dev_type="type-PCI"
    )
    placement.delete(f"/resource_providers/{child}").expect(409)
    assert PciDevice.objects.filter(provider=provider).exists()


def test_what_servers_hold_does_not_leave_their_host(placement: PlacementClient) -> None:
    node, server = make_host("host1"), make_instance()
    hold(server, node)
    child = placement.make_provider("card", str(node.provider.uuid), VCPU=8)
    server.consumers.get().allocations.filter(resource_class="VCPU").update(
        provider=ResourceProvider.objects.get(uuid=child)
    )
    body = {"name": "card", "parent_provider_uuid": None}
    placement.put(f"/resource_providers/{child}", body).expect(409)
    assert ResourceProvider.objects.get(uuid=child).root == node.provider
