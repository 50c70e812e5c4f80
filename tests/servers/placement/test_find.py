"""Which hosts will do for a demand, which of them is chosen, and what is said when none will."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from servers.models import (
    Aggregate,
    ComputeNode,
    HostHardware,
    Instance,
    ProviderTrait,
    RequestSpec,
    ResourceProvider,
    ServerGroup,
    ServerGroupMember,
    Service,
)
from servers.placement import candidates
from servers.placement.checks import check_weights
from servers.placement.find import find_hosts
from servers.placement.report import NoValidHost
from tests.world.cast import Cast
from tests.world.factories import make_instance
from tests.world.hosts import make_host, make_zone, set_inventory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("cast")]

SMALL = {"vcpus": 1, "memory_mb": 1024, "root_gb": 10, "ephemeral_gb": 0, "swap": 0}
SIZES = {"vcpus": 4, "local_gb": 100, "cpu_allocation_ratio": 1.0}
HINTED = "5f5a0000-0000-4000-8000-000000000001"


def host(number: int = 1, **values: Any) -> ComputeNode:
    """4 vCPUs, 4 GiB, 100 GiB; later hosts have a little less memory, so that the first wins."""
    return make_host(f"host{number}", **{**SIZES, "memory_mb": 4106 - number, **values})


def spec(specs: dict[str, str] | None = None, **values: Any) -> RequestSpec:
    sizes = {key: values.pop(key) for key in list(values) if key in SMALL}
    return RequestSpec(flavor={**SMALL, **sizes, "extra_specs": specs or {}}, **values)


def chosen(wanted: RequestSpec, count: int = 1) -> list[str]:
    return [placement.host.host for placement in find_hosts(wanted, count=count)]


def group(policy: str, **rules: int) -> ServerGroup:
    owner = Cast.member
    return ServerGroup.objects.create(
        name=policy,
        policy=policy,
        rules=rules,
        project_id=owner.project_id,
        user_id=owner.user_id,
    )


def members(belongs: ServerGroup, on: str, number: int = 1) -> None:
    for _ in range(number):
        ServerGroupMember.objects.create(group=belongs, instance=make_instance(host=on))


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def change(**values: Any) -> None:
        monkeypatch.setattr(settings, "OPTIONS", dataclasses.replace(settings.OPTIONS, **values))

    return change


FILTERS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"disabled": True}, "disabled"),
    ({}, {"forced_down": True}, "down"),
    ({}, {"driver": "libvirt", "last_seen_up": None}, "down"),
    ({"requested_destination": {"host": "host2"}}, {}, "not the requested host"),
    ({"requested_destination": {"node": "host2"}}, {}, "not the requested host"),
    ({"force_hosts": ["host2"]}, {}, "not the forced host"),
    ({"force_nodes": ["host2"]}, {}, "not the forced host"),
    ({"ignore_hosts": ["host1"]}, {}, "to be ignored"),
    ({"vcpus": 5}, {}, "with too little free vCPUs"),
    ({"memory_mb": 5000}, {}, "with too little free memory"),
    ({"root_gb": 101}, {}, "with too little free disk"),
    ({"vcpus": 5}, {"cpu_allocation_ratio": 4.0}, "with too little free vCPUs"),
    ({"specs": {"trait:CUSTOM_GPU": "required"}}, {}, "without the trait CUSTOM_GPU"),
    ({"image": {"properties": {"trait:CUSTOM_GPU": "required"}}}, {}, "the trait CUSTOM_GPU"),
    (
        {"specs": {"trait:COMPUTE_NODE": "forbidden"}},
        {},
        "with the trait COMPUTE_NODE",
    ),
    ({"specs": {"resources:CUSTOM_LICENSE": "1"}}, {}, "with too little free CUSTOM_LICENSE"),
    ({"specs": {"resources1:VGPU": "1"}}, {}, "without a provider for 1 VGPU"),
    ({"specs": {"hw:tpm_version": "2.0"}}, {}, "without the trait COMPUTE_SECURITY_TPM_"),
    ({"image": {"properties": {"hw_architecture": "aarch64"}}}, {}, "without support for aarch64"),
    ({"image": {"properties": {"img_hv_type": "xen"}}}, {}, "without support for xen"),
    ({"image": {"properties": {"hw_vm_mode": "exe"}}}, {}, "without support for exe"),
    ({"specs": {"capabilities:hypervisor_type": "QEMU"}}, {}, "without a capability"),
    ({"specs": {"free_ram_mb": ">= 100000"}}, {}, "without a capability"),
]
ABLE: dict[str, Any] = {
    "vcpus": 16,
    "memory_mb": 65536,
    "local_gb": 1000,
    "traits": frozenset(
        (
            *("CUSTOM_GPU", "COMPUTE_SECURITY_TPM_TIS", "COMPUTE_SECURITY_TPM_2_0"),
            "COMPUTE_SECURITY_TPM_SECRET_SECURITY_USER",
        )
    ),
}


def make_able(number: int) -> ComputeNode:
    """A host that keeps every rule that stands above."""
    node = host(number, **ABLE)
    ProviderTrait.objects.filter(provider__node=node, trait="COMPUTE_NODE").delete()
    for kind in ("CUSTOM_LICENSE", "VGPU"):
        node.provider.inventories.create(resource_class=kind, total=4)
    kinds = [["aarch64", "xen", "exe"], ["x86_64", "fake", "hvm"]]
    hardware = HostHardware.objects.filter(node=node)
    hardware.update(supported_instances=kinds, hypervisor_type="QEMU")
    return node


@pytest.mark.parametrize(("wanted", "values", "reason"), FILTERS)
def test_a_host_that_will_not_do_is_named_with_its_reason(
    wanted: dict[str, Any], values: dict[str, Any], reason: str
) -> None:
    host(1, **values)
    with pytest.raises(NoValidHost) as caught:
        find_hosts(spec(**wanted))
    assert reason in caught.value.detail
    assert "1 hosts" in caught.value.detail
    assert reason in caught.value.details
    assert caught.value.details.startswith("host1 (host1): ")
    [removed] = caught.value.report["removed"]
    assert (removed["number"], removed["hosts"]) == (1, ["host1 (host1)"])


@pytest.mark.parametrize(("wanted", "values", "reason"), FILTERS)
def test_a_host_beside_it_that_will_do_is_taken(
    wanted: dict[str, Any], values: dict[str, Any], reason: str
) -> None:
    host(1, **{"memory_mb": 131072, **values})
    make_able(2)
    if reason == "with too little free memory":
        wanted = {"memory_mb": 60000}
        set_inventory(ComputeNode.objects.get(hypervisor_hostname="host1"), {"MEMORY_MB": 9})
    if "free_ram_mb" in str(wanted):
        wanted = {"specs": {"free_ram_mb": "<= 70000"}}
    assert chosen(spec(**wanted)) == ["host2"]


def test_without_hosts_the_text_says_so() -> None:
    with pytest.raises(NoValidHost, match="there is no host"):
        find_hosts(spec())


def test_a_disabled_cell_gets_no_servers() -> None:
    node = host()
    node.service.cell.disabled = True
    node.service.cell.save()
    with pytest.raises(NoValidHost, match="in a disabled cell"):
        find_hosts(spec())


def test_only_hosts_of_the_cell_are_looked_at_where_one_is_named() -> None:
    node = host()
    assert chosen(spec()) == ["host1"]
    with pytest.raises(NoValidHost, match="in another cell"):
        find_hosts(spec(), cell_id=node.service.cell_id + 100)


def test_a_zone_has_its_hosts_and_the_default_one_those_of_no_zone() -> None:
    host(1)
    make_zone("east", host(2))
    assert chosen(spec(availability_zone="east")) == ["host2"]
    assert chosen(spec(availability_zone="nova")) == ["host1"]
    with pytest.raises(NoValidHost, match="2 in another zone"):
        find_hosts(spec(availability_zone="west"))


def test_a_forced_host_must_be_enabled_unless_a_server_moves_there() -> None:
    host(1, disabled=True)
    forced = spec(force_hosts=["host1"])
    with pytest.raises(NoValidHost, match="1 disabled"):
        find_hosts(forced)
    [placement] = find_hosts(forced, moving=make_instance(host="host2"))
    assert placement.host.host == "host1"


def test_a_host_with_the_trait_of_a_closed_one_is_closed() -> None:
    ProviderTrait.objects.create(provider=host(1).provider, trait="COMPUTE_STATUS_DISABLED")
    with pytest.raises(NoValidHost, match="1 with the trait COMPUTE_STATUS_DISABLED"):
        find_hosts(spec())
    host(2)
    assert chosen(spec()) == ["host2"]


def test_a_forced_host_need_not_be_in_the_zone_but_must_have_room() -> None:
    host(1)
    node = host(2)
    forced = spec(force_hosts=["host2"], availability_zone="other")
    assert chosen(forced) == ["host2"]
    set_inventory(node, {"MEMORY_MB": 10})
    with pytest.raises(NoValidHost, match="too little free memory"):
        find_hosts(forced)


def test_a_forced_host_must_have_the_traits_and_classes() -> None:
    host(1)
    with pytest.raises(NoValidHost, match="without the trait CUSTOM_GPU"):
        find_hosts(spec({"trait:CUSTOM_GPU": "required"}, force_hosts=["host1"]))


def test_a_requested_host_must_pass_the_filters() -> None:
    host(1, disabled=True)
    with pytest.raises(NoValidHost, match="1 disabled"):
        find_hosts(spec(requested_destination={"host": "host1"}))


@pytest.mark.parametrize(
    ("hint", "host_name"), [("same_host", "host2"), ("different_host", "host1")]
)
def test_hints_name_servers_to_be_near_to_or_apart_from(hint: str, host_name: str) -> None:
    host(1, memory_mb=2048)
    host(2)
    make_instance(uuid=HINTED, host="host2")
    if hint == "different_host":
        set_inventory(ComputeNode.objects.get(hypervisor_hostname="host2"), {"MEMORY_MB": 8192})
    assert chosen(spec(scheduler_hints={hint: [HINTED]})) == [host_name]


def test_servers_are_spread_by_free_room() -> None:
    for number in (1, 2, 3):
        host(number)
    assert chosen(spec(), 4) == ["host1", "host2", "host3", "host1"]


def test_affinity_keeps_all_servers_on_the_one_host_that_has_room_for_all() -> None:
    host(1)
    host(2, vcpus=8, memory_mb=6144)
    together = spec(instance_group=group("affinity"))
    assert chosen(together, 6) == ["host2"] * 6
    with pytest.raises(NoValidHost, match="too small for the whole server group"):
        find_hosts(together, count=7)


def test_affinity_follows_the_members_there_are() -> None:
    host(1)
    node = host(2)
    belongs = group("affinity")
    members(belongs, "host2")
    assert chosen(spec(instance_group=belongs), 2) == ["host2", "host2"]
    node.service.forced_down = True
    node.service.save()
    with pytest.raises(NoValidHost, match="away from the server group"):
        find_hosts(spec(instance_group=belongs))


def test_anti_affinity_keeps_servers_apart_up_to_the_limit_for_a_host() -> None:
    host(1)
    host(2)
    belongs = group("anti-affinity", max_server_per_host=2)
    members(belongs, "host1")
    assert sorted(chosen(spec(instance_group=belongs), 3)) == ["host1", "host2", "host2"]
    with pytest.raises(NoValidHost, match="1 of 4 servers"):
        find_hosts(spec(instance_group=belongs), count=4)


def test_a_host_with_all_the_members_it_may_have_is_closed() -> None:
    host(1)
    belongs = group("anti-affinity")
    members(belongs, "host1")
    with pytest.raises(NoValidHost, match="1 closed by the rule of the server group"):
        find_hosts(spec(instance_group=belongs))


def test_a_server_that_moves_does_not_stand_in_its_own_way() -> None:
    host(1)
    belongs = group("anti-affinity")
    server = make_instance(host="host1")
    ServerGroupMember.objects.create(group=belongs, instance=server)
    [placement] = find_hosts(spec(instance_group=belongs), moving=server)
    assert placement.host.host == "host1"


def test_soft_policies_are_wishes() -> None:
    for number in (1, 2):
        host(number, vcpus=100, memory_mb=200000 - number, local_gb=2000)
    near, apart = group("soft-affinity"), group("soft-anti-affinity")
    members(near, "host2")
    members(apart, "host1")
    assert chosen(spec(instance_group=near), 4) == ["host2"] * 4
    assert chosen(spec(instance_group=apart)) == ["host2"]


def test_what_is_asked_for_is_found_however_many_better_hosts_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "FIRST_LOOK", 2)
    for number in range(1, 7):
        host(number, memory_mb=9000 - number)
    near, apart = group("soft-affinity"), group("soft-anti-affinity")
    members(near, "host6")
    for number in range(1, 6):
        members(apart, f"host{number}")
    assert chosen(spec(instance_group=near)) == ["host6"]
    assert chosen(spec(instance_group=apart)) == ["host6"]


def test_alternates_are_the_next_best_hosts_of_the_cell() -> None:
    for number in (1, 2, 4, 5):
        host(number)
    host(3, cell="far")
    [placement] = find_hosts(spec(), alternates=2)
    assert [state.host for state in placement.alternates] == ["host2", "host4"]


def test_more_hosts_are_looked_at_where_rules_leave_none_of_the_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(candidates, "FIRST_LOOK", 2)
    for number in range(1, 8):
        host(number)
    HostHardware.objects.filter(node__hypervisor_hostname="host7").update(hypervisor_type="QEMU")
    assert chosen(spec({"capabilities:hypervisor_type": "QEMU"})) == ["host7"]


def test_no_more_hosts_are_looked_at_than_the_option_allows(
    option: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(candidates, "FIRST_LOOK", 2)
    option(max_placement_results=6)
    for number in range(1, 8):
        host(number)
    HostHardware.objects.filter(node__hypervisor_hostname="host7").update(hypervisor_type="QEMU")
    with pytest.raises(NoValidHost, match="6 without a capability"):
        find_hosts(spec({"capabilities:hypervisor_type": "QEMU"}))


def test_hosts_are_filled_one_after_the_other_by_option(option: Callable[..., None]) -> None:
    for number in (1, 2, 3):
        host(number)
    option(ram_weight_multiplier=-1.0, cpu_weight_multiplier=0.0, disk_weight_multiplier=0.0)
    assert chosen(spec(), 4) == ["host3", "host3", "host3", "host3"]


def test_weights_of_aggregates_go_before_those_of_the_site() -> None:
    host(1)
    node = host(2)
    plain = Aggregate.objects.create(name="full", metadata={"ram_weight_multiplier": "5"})
    plain.hosts.set([node.service])
    assert chosen(spec()) == ["host2"]


def test_hosts_on_which_builds_fail_come_last() -> None:
    host(1)
    host(2)
    ComputeNode.objects.filter(hypervisor_hostname="host1").update(failed_builds=1)
    assert chosen(spec(), 3) == ["host2"] * 3


@pytest.mark.parametrize(
    ("multiplier", "setting", "host_name"),
    [
        (0.0, (), "host1"),
        (100.0, (), "host2"),
        (100.0, ("os_distro=1",), "host2"),
        (100.0, ("hw_machine_type=1",), "host1"),
        (100.0, ("os_distro=-1",), "host1"),
        (-100.0, ("os_distro=-1",), "host2"),
    ],
)
def test_servers_of_like_images_gather_or_spread_by_option(
    option: Callable[..., None], multiplier: float, setting: tuple[str, ...], host_name: str
) -> None:
    host(1)
    host(2)
    image = {"properties": {"os_distro": "debian", "hw_disk_bus": "virtio"}}
    RequestSpec.objects.create(instance=make_instance(host="host2"), flavor=SMALL, image=image)
    other = {"properties": {"os_distro": "fedora"}}
    RequestSpec.objects.create(instance=make_instance(host="host1"), flavor=SMALL, image=other)
    option(image_props_weight_multiplier=multiplier, image_props_weight_setting=setting)
    assert chosen(spec(image=image)) == [host_name]
    assert chosen(spec()) == ["host1"]


def test_a_weight_of_an_image_property_that_cannot_be_read_is_named(
    option: Callable[..., None],
) -> None:
    option(image_props_weight_setting=("os_distro=much",))
    [error] = check_weights()
    assert "os_distro=much" in error.msg


@pytest.mark.parametrize("few", [0, 1000])
def test_what_few_hosts_have_is_found_without_looking_at_the_others(
    monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """And where more than few have it, by looking at one after the other."""
    monkeypatch.setattr(candidates, "FEW", few)
    for number in range(1, 6):
        host(number)
    node = ComputeNode.objects.get(hypervisor_hostname="host4")
    node.provider.inventories.create(resource_class="CUSTOM_LICENSE", total=2)
    node.provider.traits.create(trait="CUSTOM_GOLD")
    child = ResourceProvider.objects.create(name="card", parent=node.provider)
    child.inventories.create(resource_class="VGPU", total=1)
    child.traits.create(trait="CUSTOM_CARD")
    make_zone("east", node)
    for specs in (
        {"resources:CUSTOM_LICENSE": "1"},
        {"trait:CUSTOM_GOLD": "required"},
        {"resources1:VGPU": "1", "trait1:CUSTOM_CARD": "required"},
        {"resources:VGPU": "1", "trait:CUSTOM_CARD": "required"},
    ):
        assert chosen(spec(specs)) == ["host4"]
    assert chosen(spec(availability_zone="east")) == ["host4"]
    with pytest.raises(NoValidHost, match="too little free CUSTOM_LICENSE"):
        find_hosts(spec({"resources:CUSTOM_LICENSE": "3"}))


def test_one_of_the_best_is_taken_by_chance(option: Callable[..., None]) -> None:
    for number in (1, 2, 3):
        host(number)
    option(host_subset_size=2)
    assert {chosen(spec())[0] for _ in range(40)} == {"host1", "host2"}


def test_hosts_that_are_as_good_are_taken_in_any_order_by_option(
    option: Callable[..., None],
) -> None:
    for number in (1, 2, 3):
        host(number, memory_mb=4096)
    assert len({chosen(spec())[0] for _ in range(40)}) == 1
    option(shuffle_best_same_weighed_hosts=True)
    assert len({chosen(spec())[0] for _ in range(40)}) > 1


def test_amounts_in_steps_and_from_a_least_amount_on() -> None:
    node = host()
    set_inventory(node, {"VCPU": 2}, "step_size")
    with pytest.raises(NoValidHost, match="gives vCPUs in other units"):
        find_hosts(spec(vcpus=3))
    assert chosen(spec(vcpus=2)) == ["host1"]
    set_inventory(node, {"VCPU": 4}, "min_unit")
    with pytest.raises(NoValidHost, match="gives vCPUs in other units"):
        find_hosts(spec(vcpus=2))


def test_what_is_reserved_is_not_given_away() -> None:
    node = host()
    set_inventory(node, {"MEMORY_MB": 3500}, "reserved")
    with pytest.raises(NoValidHost, match="too little free memory"):
        find_hosts(spec())


def test_looking_costs_as_many_statements_for_many_servers_and_hosts() -> None:
    counts = []
    for number in range(1, 4):
        host(number)
    for count in (1, 6):
        with CaptureQueriesContext(connection) as queries:
            find_hosts(spec(), count=count)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 2


def test_a_report_tells_what_was_looked_at() -> None:
    host(1)
    host(2)
    HostHardware.objects.filter(node__hypervisor_hostname="host2").update(hypervisor_type="QEMU")
    [placement] = find_hosts(spec({"capabilities:hypervisor_type": "fake"}))
    report = placement.report
    assert (report["outcome"], report["host"], report["hosts_looked_at"]) == ("placed", "host1", 2)
    assert report["weights"].keys() == {"host1"}
    [removed] = report["removed"]
    assert removed["hosts"] == ["host2 (host2)"]
    assert "ComputeCapabilitiesFilter" in removed["reason"]


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    rooms=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6144)), max_size=4),
    count=st.integers(1, 6),
    vcpus=st.integers(1, 3),
    memory=st.integers(1, 2048),
)
def test_no_host_is_ever_filled_beyond_its_room(
    rooms: list[tuple[int, int]], count: int, vcpus: int, memory: int
) -> None:
    ComputeNode.objects.all().delete()
    Instance.objects.all().delete()
    Service.objects.computes().delete()
    for number, (cpus, free) in enumerate(rooms, start=1):
        host(number, vcpus=cpus, memory_mb=free)
    wanted = spec(vcpus=vcpus, memory_mb=memory, root_gb=0)
    fits = sum(min(cpus // vcpus, free // memory, count) for cpus, free in rooms)
    if fits < count:
        with pytest.raises(NoValidHost):
            find_hosts(wanted, count=count)
        return
    names = chosen(wanted, count)
    for number, (cpus, free) in enumerate(rooms, start=1):
        placed = names.count(f"host{number}")
        assert placed * vcpus <= cpus
        assert placed * memory <= free
