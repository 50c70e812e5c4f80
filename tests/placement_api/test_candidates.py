"""``/allocation_candidates``"""

from __future__ import annotations

from typing import Any

import pytest

from servers.placement.resources import candidates
from tests.placement_api.client import AGGREGATE, CONSUMER, PlacementClient, error, new_uuid

Way = dict[str, dict[str, int]]


class Cloud:
    """Two hosts: one with two cards below it, one without; and a disk farm that both share."""

    def __init__(self, placement: PlacementClient) -> None:
        self.placement = placement
        self.names: dict[str, str] = {}
        self.add("host1", VCPU=8, MEMORY_MB=64)
        self.add("host2", VCPU=4, MEMORY_MB=64, DISK_GB=10)
        self.add("card1", "host1", SRIOV_NET_VF=4)
        self.add("card2", "host1", SRIOV_NET_VF=2)
        self.add("farm", DISK_GB=1000)
        placement.set_traits(self.names["card1"], "HW_NIC_OFFLOAD_TSO")
        placement.set_traits(self.names["host1"], "HW_CPU_X86_AVX")

    def add(self, name: str, parent: str | None = None, **stocks: Any) -> None:
        above = None if parent is None else self.names[parent]
        self.names[name] = self.placement.make_provider(name, above, **stocks)

    def share(self) -> None:
        self.placement.set_traits(self.names["farm"], "MISC_SHARES_VIA_AGGREGATE")
        for name in ("farm", "host1", "host2"):
            self.placement.set_aggregates(self.names[name], AGGREGATE)

    def ways(self, query: str) -> list[Way]:
        """Amounts by the names of the providers."""
        known = {key: name for name, key in self.names.items()}
        found = self.placement.get(f"/allocation_candidates?{query}").expect(200).json
        ways = [
            {known[key]: one["resources"] for key, one in way["allocations"].items()}
            for way in found["allocation_requests"]
        ]
        return sorted(ways, key=str)


@pytest.fixture
def cloud(placement: PlacementClient) -> Cloud:
    return Cloud(placement)


CPU = {"VCPU": 2}


def test_one_provider_gives_all(cloud: Cloud) -> None:
    assert cloud.ways("resources=VCPU:2") == [{"host1": CPU}, {"host2": CPU}]
    assert cloud.ways("resources=VCPU:5") == [{"host1": {"VCPU": 5}}]
    assert cloud.ways("resources=VCPU:9") == []
    assert cloud.ways("resources=VCPU:2&required=HW_CPU_X86_AVX") == [{"host1": CPU}]
    assert cloud.ways("resources=VCPU:2&required=!HW_CPU_X86_AVX") == [{"host2": CPU}]
    assert cloud.ways(f"resources=VCPU:2&in_tree={cloud.names['card1']}") == [{"host1": CPU}]
    assert cloud.ways(f"resources=VCPU:2&in_tree={new_uuid()}") == []
    assert len(cloud.ways("resources=VCPU:2&limit=1")) == 1


def test_children_of_the_tree_give_their_part(cloud: Cloud) -> None:
    assert cloud.ways("resources=VCPU:2,SRIOV_NET_VF:1") == [
        {"host1": CPU, "card1": {"SRIOV_NET_VF": 1}},
        {"host1": CPU, "card2": {"SRIOV_NET_VF": 1}},
    ]
    assert cloud.ways("resources=VCPU:2&resources1=SRIOV_NET_VF:3") == [
        {"host1": CPU, "card1": {"SRIOV_NET_VF": 3}}
    ]
    assert cloud.ways(
        "resources=VCPU:2&resources1=SRIOV_NET_VF:1&required1=HW_NIC_OFFLOAD_TSO"
    ) == [{"host1": CPU, "card1": {"SRIOV_NET_VF": 1}}]


def test_groups_are_isolated_or_not(cloud: Cloud) -> None:
    asked = "resources1=SRIOV_NET_VF:1&resources2=SRIOV_NET_VF:2&group_policy="
    assert cloud.ways(f"{asked}isolate") == [
        {"card1": {"SRIOV_NET_VF": 1}, "card2": {"SRIOV_NET_VF": 2}},
        {"card1": {"SRIOV_NET_VF": 2}, "card2": {"SRIOV_NET_VF": 1}},
    ]
    # on card2 alone there is no room for both
    assert {"card1": {"SRIOV_NET_VF": 3}} in cloud.ways(f"{asked}none")
    assert {"card2": {"SRIOV_NET_VF": 3}} not in cloud.ways(f"{asked}none")


def test_what_is_held_is_not_there(cloud: Cloud) -> None:
    held = {cloud.names["host1"]: {"VCPU": 7}}
    cloud.placement.allocate(held, consumer=CONSUMER).expect(204)
    assert cloud.ways("resources=VCPU:2") == [{"host2": CPU}]


def test_a_sharing_provider_helps_out(cloud: Cloud) -> None:
    assert cloud.ways("resources=VCPU:2,DISK_GB:5") == [{"host2": {"VCPU": 2, "DISK_GB": 5}}]
    cloud.share()
    disk = {"DISK_GB": 5}
    assert cloud.ways("resources=VCPU:2,DISK_GB:5") == [
        {"host1": CPU, "farm": disk},
        {"host2": {"VCPU": 2, "DISK_GB": 5}},
        {"host2": CPU, "farm": disk},
    ]
    assert cloud.ways("resources=VCPU:2&resources1=DISK_GB:500") == [
        {"host1": CPU, "farm": {"DISK_GB": 500}},
        {"host2": CPU, "farm": {"DISK_GB": 500}},
    ]
    within = f"in_tree={cloud.names['host2']}"
    assert cloud.ways(f"resources=VCPU:2,DISK_GB:5&{within}") == [
        {"host2": {"VCPU": 2, "DISK_GB": 5}}
    ]


@pytest.mark.parametrize("shared", [False, True])
def test_a_limit_finds_the_same_ways_tree_by_tree(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    if shared:
        cloud.share()
    queries = [
        *("resources=VCPU:2", "resources=DISK_GB:5", "resources=VCPU:2,DISK_GB:5"),
        *("resources=VCPU:2&resources1=DISK_GB:500", f"resources=DISK_GB:5&member_of={AGGREGATE}"),
        *("resources=SRIOV_NET_VF:1", "resources=VCPU:2&required=HW_CPU_X86_AVX"),
        "resources=VCPU:2&root_required=HW_CPU_X86_AVX",
        "resources=VCPU:2&root_required=!MISC_SHARES_VIA_AGGREGATE",
        f"resources=VCPU:2&in_tree={cloud.names['host2']}",
    ]
    all_ways = [cloud.ways(query) for query in queries]
    monkeypatch.setattr(candidates, "TREES_AT_FIRST", 1)
    monkeypatch.setattr(candidates, "TREES_FOR_ONE", 0)
    assert [cloud.ways(f"{query}&limit=100") for query in queries] == all_ways
    assert any(all_ways)


def test_aggregates_of_the_root_count_for_its_tree(cloud: Cloud) -> None:
    cloud.placement.set_aggregates(cloud.names["host1"], AGGREGATE)
    member = f"member_of={AGGREGATE}"
    assert cloud.ways(f"resources=SRIOV_NET_VF:3&{member}") == [{"card1": {"SRIOV_NET_VF": 3}}]
    # but not for a group with a suffix
    assert cloud.ways(f"resources1=SRIOV_NET_VF:3&{member.replace('of=', 'of1=')}") == []
    assert cloud.ways(f"resources=VCPU:2&member_of=!{AGGREGATE}") == [{"host2": CPU}]


def test_root_traits_and_subtrees(cloud: Cloud) -> None:
    assert cloud.ways("resources=VCPU:2&root_required=HW_CPU_X86_AVX") == [{"host1": CPU}]
    assert cloud.ways("resources=VCPU:2&root_required=!HW_CPU_X86_AVX") == [{"host2": CPU}]
    cards = "resources_A=SRIOV_NET_VF:1&resources_B=SRIOV_NET_VF:2&group_policy=none"
    assert cloud.ways(f"{cards}&same_subtree=_A,_B") == [{"card1": {"SRIOV_NET_VF": 3}}]
    # a group without resources: the host itself must have a trait
    named = "required_C=HW_CPU_X86_AVX&same_subtree=_A,_C"
    assert len(cloud.ways(f"resources_A=SRIOV_NET_VF:1&{named}&group_policy=none")) == 2


def test_the_answer_at_the_newest_microversion(cloud: Cloud) -> None:
    host, card = cloud.names["host1"], cloud.names["card1"]
    asked = "resources=VCPU:2&resources_NIC=SRIOV_NET_VF:3"
    found = cloud.placement.get(f"/allocation_candidates?{asked}").expect(200).json
    assert found["allocation_requests"] == [
        {
            "allocations": {
                host: {"resources": CPU},
                card: {"resources": {"SRIOV_NET_VF": 3}},
            },
            "mappings": {"": [host], "_NIC": [card]},
        }
    ]
    summaries = found["provider_summaries"]
    assert summaries[card] == {
        "resources": {"SRIOV_NET_VF": {"capacity": 4, "used": 0}},
        "traits": ["HW_NIC_OFFLOAD_TSO"],
        "parent_provider_uuid": host,
        "root_provider_uuid": host,
    }
    assert summaries.keys() == {host, card, cloud.names["card2"]}


def test_a_candidate_can_be_taken_as_it_is(cloud: Cloud) -> None:
    asked = "/allocation_candidates?resources=VCPU:2,SRIOV_NET_VF:4"
    (way,) = cloud.placement.get(asked).json["allocation_requests"]
    body = way | {
        "project_id": "p1",
        "user_id": "u1",
        "consumer_generation": None,
        "consumer_type": "INSTANCE",
    }
    cloud.placement.put(f"/allocations/{CONSUMER}", body).expect(204)
    assert cloud.placement.get(asked).json["allocation_requests"] == []


def test_old_answers_know_no_trees(cloud: Cloud) -> None:
    def ask(query: str, version: str) -> Any:
        return cloud.placement.get(f"/allocation_candidates?{query}", version).expect(200).json

    assert ask("resources=VCPU:2,SRIOV_NET_VF:1", "1.28")["allocation_requests"] == []
    assert len(ask("resources=VCPU:2,SRIOV_NET_VF:1", "1.29")["allocation_requests"]) == 2
    old = ask("resources=VCPU:5", "1.10")
    host = cloud.names["host1"]
    resources = {"VCPU": {"capacity": 8, "used": 0}}
    assert old == {
        "allocation_requests": [
            {"allocations": [{"resource_provider": {"uuid": host}, "resources": {"VCPU": 5}}]}
        ],
        "provider_summaries": {host: {"resources": resources}},
    }


@pytest.mark.parametrize(
    ("query", "since"),
    [
        ("resources=VCPU:1", 10),
        ("resources=VCPU:1&limit=1", 16),
        ("resources=VCPU:1&required=HW_CPU_X86_AVX", 17),
        (f"resources=VCPU:1&member_of={AGGREGATE}", 21),
        ("resources1=VCPU:1", 25),
        (f"resources=VCPU:1&in_tree={AGGREGATE}", 31),
        ("resources_A=VCPU:1", 33),
        ("resources=VCPU:1&root_required=HW_CPU_X86_AVX", 35),
        ("resources_A=VCPU:1&same_subtree=_A", 36),
    ],
)
def test_each_parameter_has_its_microversion(
    placement: PlacementClient, query: str, since: int
) -> None:
    placement.get(f"/allocation_candidates?{query}", f"1.{since}").expect(200)
    before = 404 if since == 10 else 400
    placement.get(f"/allocation_candidates?{query}", f"1.{since - 1}").expect(before)


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "placement.query.missing_value"),
        ("required=HW_CPU_X86_AVX", "placement.query.missing_value"),
        ("resources=VCPU:1&required_A=HW_CPU_X86_AVX", "placement.query.bad_value"),
        ("resources_A=VCPU:1&same_subtree=_B", "placement.query.bad_value"),
        ("resources_A=VCPU:1&same_subtree=", "placement.query.bad_value"),
        ("resources=VCPU:1&root_required=FOO,!FOO", "placement.query.bad_value"),
        ("resources=VCPU:1&root_required=A&root_required=B", "placement.query.duplicate_key"),
        ("resources=VCPU:1&limit=0", "placement.undefined_code"),
        ("resources=VCPU:1&group_policy=both", "placement.undefined_code"),
        ("resources_A=VCPU:1&resources_B=VCPU:1", "placement.undefined_code"),
        ("resources=VCPU:1&required=HW_CPU_X86_AVX,!HW_CPU_X86_AVX", "placement.undefined_code"),
        ("resources=VCPU:1&in_tree=7", "placement.undefined_code"),
        ("resources=VCPU:1&colour=red", "placement.undefined_code"),
        ("resources=NOTHING:1", "placement.undefined_code"),
        ("resources=VCPU:1&root_required=CUSTOM_UNKNOWN", "placement.undefined_code"),
    ],
)
def test_bad_questions_are_refused(placement: PlacementClient, query: str, code: str) -> None:
    told = error(placement.get(f"/allocation_candidates?{query}").expect(400))
    assert told["code"] == code
