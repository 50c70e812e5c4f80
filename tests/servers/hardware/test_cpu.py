"""CPU policy, threads, realtime, masks and what goes together."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.hardware import cpu
from servers.hardware.errors import (
    FlavorImageClash,
    WrongCpuDemand,
    WrongExtraSpec,
    WrongImageProperty,
)
from servers.hardware.values import format_cpu_list
from tests.servers.hardware.factories import make_flavor, make_image

Specs = Mapping[str, str]


@pytest.mark.parametrize(
    ("asked", "wanted", "policy"),
    [
        (None, None, None),
        (None, "dedicated", "dedicated"),
        (None, "shared", "shared"),
        (None, "mixed", "mixed"),
        ("", "dedicated", "dedicated"),
        ("", None, None),
        ("dedicated", None, "dedicated"),
        ("dedicated", "shared", "dedicated"),
        ("dedicated", "mixed", "dedicated"),
        ("dedicated", "dedicated", "dedicated"),
        ("mixed", None, "mixed"),
        ("mixed", "shared", "mixed"),
        ("mixed", "mixed", "mixed"),
        ("shared", None, "shared"),
        ("shared", "shared", "shared"),
    ],
)
def test_the_cpu_policy_of_the_flavor_wins(
    asked: str | None, wanted: str | None, policy: str | None
) -> None:
    flavor = make_flavor({} if asked is None else {"cpu_policy": asked})
    image = make_image({} if wanted is None else {"hw_cpu_policy": wanted})
    assert cpu.choose_policy(flavor, image) == policy


@pytest.mark.parametrize(
    ("asked", "wanted"), [("mixed", "dedicated"), ("shared", "dedicated"), ("shared", "mixed")]
)
def test_an_image_cannot_ask_for_more_than_the_policy_of_the_flavor(
    asked: str, wanted: str
) -> None:
    with pytest.raises(FlavorImageClash, match="hw:cpu_policy"):
        cpu.choose_policy(make_flavor({"cpu_policy": asked}), make_image({"hw_cpu_policy": wanted}))


@pytest.mark.parametrize(
    ("asked", "wanted", "policy"),
    [
        (None, None, None),
        (None, "isolate", "isolate"),
        ("prefer", None, "prefer"),
        ("prefer", "isolate", "prefer"),
        ("isolate", None, "isolate"),
        ("isolate", "isolate", "isolate"),
        ("require", "require", "require"),
        ("", None, ""),
    ],
)
def test_the_thread_policy_is_the_flavors_or_else_the_images(
    asked: str | None, wanted: str | None, policy: str | None
) -> None:
    flavor = make_flavor({} if asked is None else {"cpu_thread_policy": asked})
    image = make_image({} if wanted is None else {"hw_cpu_thread_policy": wanted})
    assert cpu.choose_thread_policy(flavor, image) == policy


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("isolate", "require"), ("require", "prefer"), ("isolate", "prefer"), ("", "isolate")],
)
def test_another_thread_policy_of_the_image_is_refused(asked: str, wanted: str) -> None:
    flavor = make_flavor({"cpu_thread_policy": asked})
    with pytest.raises(FlavorImageClash, match="hw:cpu_thread_policy"):
        cpu.choose_thread_policy(flavor, make_image({"hw_cpu_thread_policy": wanted}))


@pytest.mark.parametrize(
    "specs",
    [
        {"cpu_policy": "DEDICATED"},
        {"cpu_thread_policy": "always"},
        {"emulator_threads_policy": "own"},
        {"cpu_realtime": "1", "cpu_realtime_mask": "abc"},
        {"cpu_dedicated_mask": "abc"},
    ],
)
def test_an_unknown_word_or_list_of_the_flavor_is_refused(specs: Specs) -> None:
    key, value = list(specs.items())[-1]
    with pytest.raises(WrongExtraSpec, match=f"hw:{key} is '{value}'"):
        cpu.plan_cpus(make_flavor(specs), make_image())


def test_realtime_is_off_unless_the_flavor_says_so() -> None:
    image = make_image({"hw_cpu_realtime_mask": "abc"})
    for specs in ({}, {"cpu_realtime": "maybe"}, {"cpu_realtime": "no", "cpu_realtime_mask": "x"}):
        assert cpu.choose_realtime_cpus(make_flavor(specs), image) is None


@pytest.mark.parametrize(
    ("specs", "mask", "cpus"),
    [
        ({"cpu_realtime_mask": "^0"}, None, {1, 2, 3}),
        ({"cpu_realtime_mask": "1-3"}, None, {1, 2, 3}),
        ({"cpu_realtime_mask": "^0"}, "^0-1", {2, 3}),
        ({"cpu_realtime_mask": "abc"}, "3", {3}),
        ({"cpu_realtime_mask": "2"}, "", {2}),
        ({"emulator_threads_policy": "share"}, None, {0, 1, 2, 3}),
        ({"emulator_threads_policy": "isolate", "cpu_realtime_mask": ""}, None, {0, 1, 2, 3}),
    ],
)
def test_the_realtime_mask_of_the_image_is_used_first(
    specs: Specs, mask: str | None, cpus: set[int]
) -> None:
    flavor = make_flavor({"cpu_realtime": "yes", **specs})
    image = make_image({} if mask is None else {"hw_cpu_realtime_mask": mask})
    assert cpu.choose_realtime_cpus(flavor, image) == cpus


@pytest.mark.parametrize(
    ("specs", "text"),
    [
        ({}, "takes all CPUs"),
        ({"cpu_realtime_mask": "0-3"}, "takes all CPUs"),
        ({"cpu_realtime_mask": "^0-3"}, "leaves no CPU"),
        ({"cpu_realtime_mask": " "}, "leaves no CPU"),
        ({"cpu_realtime_mask": "2-9"}, "names the CPUs 4-9; the flavor has 4"),
        ({"cpu_realtime_mask": "0-4", "emulator_threads_policy": "share"}, "names the CPUs 4;"),
    ],
)
def test_a_realtime_mask_takes_some_cpus_of_the_flavor(specs: Specs, text: str) -> None:
    with pytest.raises(WrongCpuDemand, match=text):
        cpu.choose_realtime_cpus(make_flavor({"cpu_realtime": "yes", **specs}), make_image())


def test_an_unreadable_realtime_mask_of_the_image_is_refused_once_it_counts() -> None:
    flavor = make_flavor({"cpu_realtime": "yes"})
    with pytest.raises(WrongImageProperty, match="hw_cpu_realtime_mask is 'abc'"):
        cpu.choose_realtime_cpus(flavor, make_image({"hw_cpu_realtime_mask": "abc"}))


@pytest.mark.parametrize(
    ("mask", "cpus"), [("0", {0}), ("^0-1", {2, 3}), ("0,2", {0, 2}), ("", None), (None, None)]
)
def test_a_dedicated_mask_names_cpus_one_by_one(mask: str | None, cpus: set[int] | None) -> None:
    flavor = make_flavor({} if mask is None else {"cpu_dedicated_mask": mask})
    assert cpu.choose_dedicated_mask(flavor) == cpus


@pytest.mark.parametrize("mask", ["0-3", "^0-3", "^0-9", "5", "0-9", "3-4", ","])
def test_a_dedicated_mask_takes_some_cpus_of_the_flavor_but_not_all(mask: str) -> None:
    with pytest.raises(WrongCpuDemand, match="hw:cpu_dedicated_mask"):
        cpu.choose_dedicated_mask(make_flavor({"cpu_dedicated_mask": mask}))


@pytest.mark.parametrize(
    ("specs", "policy"),
    [
        ({}, None),
        ({"resources:VCPU": "4"}, "shared"),
        ({"resources:VCPU": "2"}, "shared"),
        ({"resources:VCPU": "0"}, None),
        ({"resources:VCPU": "0", "cpu_policy": "dedicated"}, "dedicated"),
        ({"resources:VCPU": "four", "cpu_policy": "dedicated"}, "dedicated"),
        ({"resources:PCPU": "4"}, "dedicated"),
        ({"resources1:PCPU": "4"}, "dedicated"),
        ({"resources1:PCPU": "1", "resources20:PCPU": "3"}, "dedicated"),
        ({"resources:PCPU": "5", "emulator_threads_policy": "isolate"}, "dedicated"),
        ({"resources:PCPU": "4", "emulator_threads_policy": "share"}, "dedicated"),
        ({"resources:PCPU": "four"}, None),
        ({"resources_A:PCPU": "4"}, None),
        ({"resources0:PCPU": "4"}, None),
        ({"resources:CUSTOM_PCPU": "9"}, None),
    ],
)
def test_explicit_cpu_resources_imply_a_policy(specs: Specs, policy: str | None) -> None:
    assert cpu.plan_cpus(make_flavor(specs), make_image()).policy == policy


@pytest.mark.parametrize(
    ("specs", "text"),
    [
        ({"resources:PCPU": "4", "cpu_policy": "dedicated"}, "beside a CPU policy"),
        ({"resources:VCPU": "4", "cpu_policy": "shared"}, "beside a CPU policy"),
        ({"resources:VCPU": "2", "resources1:PCPU": "2"}, "sets both"),
        ({"resources:PCPU": "2"}, "need exactly 4"),
        ({"resources:PCPU": "5"}, "need exactly 4"),
        ({"resources:PCPU": "4", "emulator_threads_policy": "isolate"}, "need exactly 5"),
        ({"resources:PCPU": "-4"}, "need exactly 4"),
    ],
)
def test_explicit_cpu_resources_fit_the_flavor(specs: Specs, text: str) -> None:
    with pytest.raises(WrongCpuDemand, match=text):
        cpu.plan_cpus(make_flavor(specs), make_image())


@pytest.mark.parametrize(
    ("specs", "properties", "thread_policy"),
    [
        ({"trait:HW_CPU_HYPERTHREADING": "required"}, {}, "require"),
        ({"trait:HW_CPU_HYPERTHREADING": "forbidden"}, {}, "isolate"),
        ({"trait2:HW_CPU_HYPERTHREADING": "forbidden"}, {}, "isolate"),
        ({"trait:HW_CPU_HYPERTHREADING": "perhaps"}, {}, None),
        ({"trait:HW_CPU_HYPERTHREADING": ""}, {}, None),
        ({"trait0:HW_CPU_HYPERTHREADING": "required"}, {}, None),
        ({}, {"trait:HW_CPU_HYPERTHREADING": "required"}, "require"),
        ({}, {"trait:HW_CPU_HYPERTHREADING": "forbidden"}, None),
        (
            {"trait:HW_CPU_HYPERTHREADING": "forbidden"},
            {"trait:HW_CPU_HYPERTHREADING": "required"},
            "isolate",
        ),
    ],
)
def test_the_hyperthreading_trait_implies_a_thread_policy(
    specs: Specs, properties: Specs, thread_policy: str | None
) -> None:
    flavor = make_flavor({"cpu_policy": "dedicated", **specs})
    assert cpu.plan_cpus(flavor, make_image(properties)).thread_policy == thread_policy


@pytest.mark.parametrize("trait", ["required", "forbidden", "perhaps"])
def test_the_hyperthreading_trait_stands_alone(trait: str) -> None:
    flavor = make_flavor({"cpu_policy": "dedicated", "trait:HW_CPU_HYPERTHREADING": trait})
    with pytest.raises(WrongCpuDemand, match="HW_CPU_HYPERTHREADING"):
        cpu.plan_cpus(flavor, make_image({"hw_cpu_thread_policy": "prefer"}))


REALTIME = {"cpu_realtime": "yes", "cpu_realtime_mask": "^0"}
MASK = {"cpu_dedicated_mask": "0"}


@pytest.mark.parametrize("policy", [{}, {"cpu_policy": "shared"}, {"resources:VCPU": "4"}])
@pytest.mark.parametrize(
    ("specs", "key"),
    [
        ({"cpu_thread_policy": "prefer"}, "hw:cpu_thread_policy"),
        ({"trait:HW_CPU_HYPERTHREADING": "required"}, "hw:cpu_thread_policy"),
        ({"emulator_threads_policy": "isolate"}, "hw:emulator_threads_policy"),
        (MASK, "hw:cpu_dedicated_mask"),
        (REALTIME, "hw:cpu_realtime"),
    ],
)
def test_shared_cpus_take_no_finer_rules(policy: Specs, specs: Specs, key: str) -> None:
    with pytest.raises(WrongCpuDemand, match=f"{key} does not go with the CPU policy shared"):
        cpu.plan_cpus(make_flavor({**policy, **specs}), make_image())


def test_shared_cpus_may_share_with_the_emulator() -> None:
    demand = cpu.plan_cpus(make_flavor({"emulator_threads_policy": "share"}), make_image())
    assert (demand.policy, demand.emulator_policy, demand.dedicated) == (None, "share", set())


def test_dedicated_cpus_are_all_cpus() -> None:
    flavor = make_flavor({"cpu_policy": "dedicated", "emulator_threads_policy": "isolate"})
    assert cpu.plan_cpus(flavor, make_image()) == cpu.CpuDemand(
        policy="dedicated",
        thread_policy=None,
        emulator_policy="isolate",
        dedicated=frozenset(range(4)),
    )
    realtime = make_flavor({"cpu_policy": "dedicated", **REALTIME})
    assert cpu.plan_cpus(realtime, make_image()).dedicated == set(range(4))


def test_dedicated_cpus_take_no_mask() -> None:
    with pytest.raises(WrongCpuDemand, match="hw:cpu_dedicated_mask"):
        cpu.plan_cpus(make_flavor({"cpu_policy": "dedicated", **MASK}), make_image())


@pytest.mark.parametrize(("specs", "dedicated"), [(MASK, {0}), (REALTIME, {1, 2, 3})])
def test_mixed_cpus_are_dedicated_by_one_of_two_masks(specs: Specs, dedicated: set[int]) -> None:
    flavor = make_flavor({"cpu_policy": "mixed", "cpu_thread_policy": "isolate", **specs})
    demand = cpu.plan_cpus(flavor, make_image())
    assert (demand.policy, demand.thread_policy) == ("mixed", "isolate")
    assert demand.dedicated == dedicated


@pytest.mark.parametrize("specs", [{}, {**MASK, **REALTIME}])
def test_mixed_cpus_need_exactly_one_mask(specs: Specs) -> None:
    with pytest.raises(WrongCpuDemand, match="mixed needs either"):
        cpu.plan_cpus(make_flavor({"cpu_policy": "mixed", **specs}), make_image())


@given(vcpus=st.integers(min_value=2, max_value=64), data=st.data())
def test_a_mask_and_the_rest_make_up_all_cpus(vcpus: int, data: st.DataObject) -> None:
    numbers = st.integers(min_value=0, max_value=vcpus - 1)
    chosen = data.draw(st.frozensets(numbers, min_size=1, max_size=vcpus - 1))
    specs = {"cpu_policy": "mixed", "cpu_dedicated_mask": format_cpu_list(chosen)}
    flavor = make_flavor(specs, vcpus=vcpus)
    dedicated = cpu.plan_cpus(flavor, make_image()).dedicated
    excluding = {**specs, "cpu_dedicated_mask": ",".join(f"^{number}" for number in chosen)}
    rest = cpu.plan_cpus(make_flavor(excluding, vcpus=vcpus), make_image()).dedicated
    assert dedicated == chosen
    assert dedicated | rest == flavor.cpus
    assert not dedicated & rest
