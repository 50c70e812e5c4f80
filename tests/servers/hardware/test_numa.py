"""The layout on NUMA nodes."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servers.hardware import FlavorHardware, NumaCell, NumaTopology, numa
from servers.hardware.errors import FlavorImageClash, WrongExtraSpec, WrongNumaLayout
from servers.hardware.values import format_cpu_list
from tests.servers.hardware.factories import make_flavor, make_image

Texts = Mapping[str, str]

EXPLICIT = {
    "numa_nodes": "2",
    "numa_cpus.0": "0,1",
    "numa_cpus.1": "2,3",
    "numa_mem.0": "1024",
    "numa_mem.1": "3072",
}


def of_image(specs: Texts) -> dict[str, str]:
    return {f"hw_{key}": value for key, value in specs.items()}


def shape(topology: NumaTopology | None) -> list[tuple[set[int], set[int], int]]:
    """Shared CPUs, dedicated CPUs and MiB of each node."""
    assert topology is not None
    assert [cell.id for cell in topology.cells] == list(range(len(topology.cells)))
    return [(set(cell.cpus), set(cell.dedicated_cpus), cell.memory_mb) for cell in topology.cells]


@pytest.mark.parametrize(
    "specs",
    [
        {},
        {"cpu_policy": "shared"},
        {"resources:VCPU": "4"},
        {"numa_nodes": ""},
        {"mem_page_size": "0"},
        {"pmem": ""},
        {key: value for key, value in EXPLICIT.items() if key != "numa_nodes"},
        {"numa_cpus.0": "x", "numa_mem.0": "x"},
    ],
)
def test_there_is_no_layout_unless_something_needs_one(specs: Texts) -> None:
    assert numa.plan_numa(make_flavor(specs), make_image()) is None


@pytest.mark.parametrize(
    "specs", [{"numa_nodes": "1"}, {"mem_page_size": "small"}, {"pmem": "A"}, {"pmem": "A,B"}]
)
def test_one_node_holds_everything(specs: Texts) -> None:
    assert shape(numa.plan_numa(make_flavor(specs), make_image())) == [({0, 1, 2, 3}, set(), 4096)]


@pytest.mark.parametrize(
    ("specs", "cells"),
    [
        ({"numa_nodes": "2"}, [({0, 1}, set(), 2048), ({2, 3}, set(), 2048)]),
        ({"cpu_policy": "dedicated"}, [(set(), {0, 1, 2, 3}, 4096)]),
        ({"resources:PCPU": "4"}, [(set(), {0, 1, 2, 3}, 4096)]),
        ({"cpu_policy": "mixed", "cpu_dedicated_mask": "0"}, [({1, 2, 3}, {0}, 4096)]),
        (
            {"cpu_policy": "mixed", "cpu_dedicated_mask": "0,3", "numa_nodes": "2"},
            [({1}, {0}, 2048), ({2}, {3}, 2048)],
        ),
        (EXPLICIT, [({0, 1}, set(), 1024), ({2, 3}, set(), 3072)]),
        (
            {**EXPLICIT, "cpu_policy": "mixed", "cpu_dedicated_mask": "0,2"},
            [({1}, {0}, 1024), ({3}, {2}, 3072)],
        ),
        (
            {"cpu_policy": "dedicated", "numa_cpus.0": "0-3", "numa_mem.0": "4096"},
            [(set(), {0, 1, 2, 3}, 4096)],
        ),
        (
            {**EXPLICIT, "numa_cpus.3": "x", "numa_mem.3": "x"},
            [({0, 1}, set(), 1024), ({2, 3}, set(), 3072)],
        ),
        (
            {**EXPLICIT, "numa_cpus.1": "3,2", "numa_mem.0": "0", "numa_mem.1": " 4096 "},
            [({0, 1}, set(), 0), ({2, 3}, set(), 4096)],
        ),
    ],
)
def test_nodes_share_evenly_or_as_named(
    specs: Texts, cells: list[tuple[set[int], set[int], int]]
) -> None:
    assert shape(numa.plan_numa(make_flavor(specs), make_image())) == cells


def test_an_image_may_ask_for_the_layout() -> None:
    plain = make_flavor()
    assert shape(numa.plan_numa(plain, make_image(of_image(EXPLICIT)))) == [
        ({0, 1}, set(), 1024),
        ({2, 3}, set(), 3072),
    ]
    assert numa.plan_numa(plain, make_image(of_image({"numa_mem.0": "1"}))) is None
    two = make_flavor({"numa_nodes": "2"})
    by_image = {key: value for key, value in EXPLICIT.items() if key != "numa_nodes"}
    assert len(shape(numa.plan_numa(two, make_image(of_image(by_image))))) == 2


def test_every_node_carries_page_size_and_policies() -> None:
    flavor = make_flavor(
        {
            "numa_nodes": "2",
            "cpu_policy": "dedicated",
            "cpu_thread_policy": "isolate",
            "emulator_threads_policy": "share",
            "mem_page_size": "2MB",
        }
    )
    cells = tuple(
        NumaCell(
            id=node,
            cpus=frozenset(),
            dedicated_cpus=frozenset({2 * node, 2 * node + 1}),
            memory_mb=2048,
            page_size=2048,
            cpu_policy="dedicated",
            thread_policy="isolate",
        )
        for node in range(2)
    )
    expected = NumaTopology(cells=cells, emulator_policy="share")
    assert numa.plan_numa(flavor, make_image()) == expected


@pytest.mark.parametrize(
    ("asked", "wanted", "nodes"),
    [
        (None, None, None),
        ("", None, None),
        ("", "2", 2),
        (None, "2", 2),
        ("2", None, 2),
        ("2", "0", 2),
    ],
)
def test_one_of_flavor_and_image_names_the_number_of_nodes(
    asked: str | None, wanted: str | None, nodes: int | None
) -> None:
    flavor = make_flavor({} if asked is None else {"numa_nodes": asked})
    image = make_image({} if wanted is None else {"hw_numa_nodes": wanted})
    assert numa.choose_node_count(flavor, image) == nodes


def test_a_blank_thread_policy_does_harm_only_on_nodes() -> None:
    blank = {"cpu_thread_policy": ""}
    assert numa.plan_numa(make_flavor(blank), make_image()) is None
    with pytest.raises(WrongExtraSpec, match="hw:cpu_thread_policy is blank"):
        numa.plan_numa(make_flavor({**blank, "numa_nodes": "1"}), make_image())


def test_not_both_name_the_number_of_nodes() -> None:
    flavor, image = make_flavor({"numa_nodes": "2"}), make_image({"hw_numa_nodes": "2"})
    with pytest.raises(FlavorImageClash, match="hw:numa_nodes and the image property hw_numa"):
        numa.choose_node_count(flavor, image)


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [("0", None), ("-1", None), (None, "0"), (None, "-2"), ("0", "0"), ("", "0")],
)
def test_there_is_at_least_one_node(asked: str | None, wanted: str | None) -> None:
    flavor = make_flavor({} if asked is None else {"numa_nodes": asked})
    image = make_image({} if wanted is None else {"hw_numa_nodes": wanted})
    with pytest.raises(WrongNumaLayout, match="at least one"):
        numa.choose_node_count(flavor, image)


@pytest.mark.parametrize("asked", ["two", "2.0", " 2", "+2"])
def test_the_number_of_nodes_is_a_plain_number(asked: str) -> None:
    with pytest.raises(WrongExtraSpec, match="hw:numa_nodes"):
        numa.choose_node_count(make_flavor({"numa_nodes": asked}), make_image())


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"numa_nodes": "1"}, "There are 1 NUMA nodes"),
        ({"numa_nodes": "3"}, "There are 3 NUMA nodes"),
        ({"numa_cpus.2": "3", "numa_mem.2": "1"}, "There are 2 NUMA nodes"),
        ({"numa_cpus.2": "3"}, "There are 2 NUMA nodes"),
        ({"numa_mem.2": "3"}, "There are 2 NUMA nodes"),
        ({"numa_cpus.1": "2,4"}, "node 1 has the CPUs 4; the flavor has 4"),
        ({"numa_cpus.0": "0,1,2"}, "The CPUs 2 lie on more than one"),
        ({"numa_cpus.0": "0"}, "The CPUs 1 lie on no"),
        ({"numa_cpus.0": "", "numa_cpus.1": ""}, "The CPUs 0-3 lie on no"),
        ({"numa_mem.0": "-1024", "numa_mem.1": "5120"}, "node 0 has -1024 MiB"),
        ({"numa_mem.1": "1024"}, "have 2048 MiB together; the flavor has 4096"),
        ({"numa_mem.0": "4096"}, "have 7168 MiB together; the flavor has 4096"),
    ],
)
def test_named_shares_fit_nodes_and_flavor(changes: Texts, text: str) -> None:
    specs = {**EXPLICIT, **changes}
    with pytest.raises(WrongNumaLayout, match=text):
        numa.plan_numa(make_flavor(specs), make_image())
    with pytest.raises(WrongNumaLayout, match=text):
        numa.plan_numa(make_flavor(), make_image(of_image(specs)))


@pytest.mark.parametrize("kind", ["numa_cpus", "numa_mem"])
def test_cpus_are_not_named_without_memory_nor_memory_without_cpus(kind: str) -> None:
    specs = {key: value for key, value in EXPLICIT.items() if not key.startswith(kind)}
    with pytest.raises(WrongNumaLayout, match="for each"):
        numa.plan_numa(make_flavor(specs), make_image())


@pytest.mark.parametrize("kind", ["numa_cpus", "numa_mem"])
def test_flavor_and_image_do_not_both_name_shares(kind: str) -> None:
    image = make_image(of_image({f"{kind}.0": "1"}))
    with pytest.raises(FlavorImageClash, match=f"hw:{kind}.N"):
        numa.plan_numa(make_flavor(EXPLICIT), image)


@pytest.mark.parametrize("key", ["numa_cpus.0", "numa_mem.1"])
@pytest.mark.parametrize("value", ["x", "5-"])
def test_unreadable_shares_of_the_flavor_are_refused(key: str, value: str) -> None:
    with pytest.raises(WrongExtraSpec, match=f"hw:{key} is '{value}'"):
        numa.plan_numa(make_flavor({**EXPLICIT, key: value}), make_image())


def test_at_most_128_nodes_are_read() -> None:
    specs = {"numa_nodes": "128"}
    specs |= {f"numa_cpus.{node}": str(node) for node in range(129)}
    specs |= {f"numa_mem.{node}": "1" for node in range(129)}
    flavor = make_flavor(specs, vcpus=128, memory_mb=128)
    assert len(shape(numa.plan_numa(flavor, make_image()))) == 128


@given(
    nodes=st.integers(min_value=1, max_value=16),
    vcpus=st.integers(min_value=1, max_value=64),
    memory_mb=st.integers(min_value=1, max_value=2**20),
)
def test_even_shares_add_up_to_the_flavor_or_are_refused(
    nodes: int, vcpus: int, memory_mb: int
) -> None:
    flavor = FlavorHardware(vcpus=vcpus, memory_mb=memory_mb)
    if vcpus % nodes or memory_mb % nodes:
        with pytest.raises(WrongNumaLayout, match="cannot be shared evenly"):
            numa.share_evenly(flavor, nodes)
        return
    shares = numa.share_evenly(flavor, nodes)
    assert len({(len(cpus), memory) for cpus, memory in shares}) == 1
    assert sum(len(cpus) for cpus, _ in shares) == vcpus
    numa.check_shares(flavor, shares)


@given(data=st.data(), vcpus=st.integers(min_value=1, max_value=32))
def test_named_shares_place_every_cpu_and_all_memory_once(data: st.DataObject, vcpus: int) -> None:
    nodes = data.draw(st.integers(min_value=1, max_value=8))
    homes = data.draw(st.lists(st.integers(0, nodes - 1), min_size=vcpus, max_size=vcpus))
    memory = data.draw(st.lists(st.integers(0, 4096), min_size=nodes, max_size=nodes))
    specs = {"numa_nodes": str(nodes)}
    for node in range(nodes):
        placed = frozenset(cpu for cpu, home in enumerate(homes) if home == node)
        specs[f"numa_cpus.{node}"] = format_cpu_list(placed)
        specs[f"numa_mem.{node}"] = str(memory[node])
    flavor = make_flavor(specs, vcpus=vcpus, memory_mb=sum(memory))
    cells = shape(numa.plan_numa(flavor, make_image()))
    assert [len(shared) for shared, _, _ in cells] == [homes.count(node) for node in range(nodes)]
    assert set().union(*(shared for shared, _, _ in cells)) == flavor.cpus
    assert [share for _, _, share in cells] == memory
    richer = FlavorHardware(
        vcpus=vcpus + 1, memory_mb=flavor.memory_mb, extra_specs=flavor.extra_specs
    )
    with pytest.raises(WrongNumaLayout, match="lie on no NUMA node"):
        numa.plan_numa(richer, make_image())
