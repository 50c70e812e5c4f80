"""The NUMA nodes of a server with their CPUs and memory (docs/contract/create-flow.md I3)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

from servers.hardware.cpu import THREAD_POLICY, plan_cpus
from servers.hardware.errors import WrongExtraSpec, WrongNumaLayout
from servers.hardware.memory import choose_locked_memory, choose_page_size, choose_pmem
from servers.hardware.properties import NUMA_NODES_MAX, ImageProperties
from servers.hardware.sources import FlavorHardware, read_spec, set_twice
from servers.hardware.values import PageSize, cpu_list, format_cpu_list, node_count, number

NODES = "hw:numa_nodes"
NODE_CPUS = "hw:numa_cpus"
NODE_MEMORY = "hw:numa_mem"

Value = TypeVar("Value")
Share = tuple[frozenset[int], int]
"""CPUs and MiB of one node."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NumaCell:
    """One node of the server; every node carries the same page size and policies, as in Nova."""

    id: int
    cpus: frozenset[int]
    """The CPUs that share host CPUs."""
    dedicated_cpus: frozenset[int]
    memory_mb: int
    page_size: PageSize | None
    cpu_policy: str | None
    thread_policy: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            **dataclasses.asdict(self),
            "cpus": sorted(self.cpus),
            "dedicated_cpus": sorted(self.dedicated_cpus),
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        """Read what ``as_json`` wrote."""
        return cls(
            **{
                **form,
                "cpus": frozenset(form["cpus"]),
                "dedicated_cpus": frozenset(form["dedicated_cpus"]),
            }
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NumaTopology:
    cells: tuple[NumaCell, ...]
    emulator_policy: str | None

    def as_json(self) -> dict[str, Any]:
        return {
            "cells": [cell.as_json() for cell in self.cells],
            "emulator_policy": self.emulator_policy,
        }

    @classmethod
    def from_json(cls, form: Mapping[str, Any]) -> Self:
        """Read what ``as_json`` wrote."""
        return cls(
            cells=tuple(map(NumaCell.from_json, form["cells"])),
            emulator_policy=form["emulator_policy"],
        )


def plan_numa(flavor: FlavorHardware, image: ImageProperties) -> NumaTopology | None:
    """The layout, or ``None`` where nothing asks for one; in Nova's order of checks.

    Raises:
        BadRequest: one of its classes in ``errors``.
    """
    cpus = plan_cpus(flavor, image)
    nodes = choose_node_count(flavor, image)
    page_size = choose_page_size(flavor, image)
    pmem = choose_pmem(flavor)
    choose_locked_memory(flavor, image)
    if not (nodes or page_size or pmem or cpus.policy in {"dedicated", "mixed"}):
        return None
    if cpus.thread_policy == "":
        # Nova: a blank policy is an error only if there are NUMA nodes.
        raise WrongExtraSpec(f"The flavor's extra spec {THREAD_POLICY} is blank; name one.")
    cells = tuple(
        NumaCell(
            id=node,
            cpus=share - cpus.dedicated,
            dedicated_cpus=share & cpus.dedicated,
            memory_mb=memory_mb,
            page_size=page_size,
            cpu_policy=cpus.policy,
            thread_policy=cpus.thread_policy,
        )
        for node, (share, memory_mb) in enumerate(plan_shares(flavor, image, nodes or 1))
    )
    return NumaTopology(cells=cells, emulator_policy=cpus.emulator_policy)


def choose_node_count(flavor: FlavorHardware, image: ImageProperties) -> int | None:
    """The number of nodes that flavor or image name.

    Raises:
        FlavorImageClash: both name one; only one of them may.
        WrongNumaLayout: fewer than one node.
    """
    asked = flavor.extra_specs.get(NODES)
    wanted = image.hw_numa_nodes
    # Nova: an image's 0 beside a number of the flavor does not count.
    if asked and wanted:
        raise set_twice(NODES)
    nodes = read_spec(flavor, NODES, node_count) if asked else wanted
    if nodes is not None and nodes < 1:
        raise WrongNumaLayout(f"A server has at least one NUMA node, not {nodes}.")
    return nodes


def plan_shares(flavor: FlavorHardware, image: ImageProperties, nodes: int) -> Sequence[Share]:
    """CPUs and memory of each node: as flavor or image name them, or else in equal shares.

    Raises:
        WrongNumaLayout: what was named does not fit the nodes or the flavor.
    """
    cpus = choose_per_node(flavor, image.hw_numa_cpus, NODE_CPUS, cpu_list)
    memory = choose_per_node(flavor, image.hw_numa_mem, NODE_MEMORY, number)
    if cpus is None and memory is None:
        return share_evenly(flavor, nodes)
    if cpus is None or memory is None or not len(cpus) == len(memory) == nodes:
        raise WrongNumaLayout(
            f"There are {nodes} NUMA nodes; give {NODE_CPUS}.N and {NODE_MEMORY}.N for each,"
            " counted from 0, or for none."
        )
    shares = list(zip(cpus, memory, strict=True))
    check_shares(flavor, shares)
    return shares


def choose_per_node(
    flavor: FlavorHardware,
    wanted: tuple[Value, ...] | None,
    key: str,
    reader: Callable[[str], Value],
) -> tuple[Value, ...] | None:
    """The values of ``key.0``, ``key.1``, … up to the first gap, from the one that names them.

    Raises:
        FlavorImageClash: flavor and image both name some.
    """
    asked = []
    for node in range(NUMA_NODES_MAX):
        value = read_spec(flavor, f"{key}.{node}", reader)
        if value is None:
            break
        asked.append(value)
    if not asked:
        return wanted
    if wanted is not None:
        raise set_twice(f"{key}.N")
    return tuple(asked)


def share_evenly(flavor: FlavorHardware, nodes: int) -> Sequence[Share]:
    """Consecutive CPUs and the same memory for each node.

    Raises:
        WrongNumaLayout: something would be left over.
    """
    if flavor.vcpus % nodes or flavor.memory_mb % nodes:
        raise WrongNumaLayout(
            f"{flavor.vcpus} CPUs and {flavor.memory_mb} MiB cannot be shared evenly by {nodes}"
            " NUMA nodes."
        )
    size = flavor.vcpus // nodes
    return [
        (frozenset(range(node * size, (node + 1) * size)), flavor.memory_mb // nodes)
        for node in range(nodes)
    ]


def check_shares(flavor: FlavorHardware, shares: Sequence[Share]) -> None:
    """Check that every CPU of the flavor is on one node, and that the memory adds up to the
    flavor's.

    Raises:
        WrongNumaLayout: it does not.
    """
    placed: frozenset[int] = frozenset()
    for node, (cpus, memory_mb) in enumerate(shares):
        if memory_mb < 0:
            raise WrongNumaLayout(f"NUMA node {node} has {memory_mb} MiB; give 0 or more.")
        if cpus - flavor.cpus:
            raise WrongNumaLayout(
                f"NUMA node {node} has the CPUs {format_cpu_list(cpus - flavor.cpus)}; the"
                f" flavor has {flavor.vcpus} CPUs, counted from 0."
            )
        if cpus & placed:
            raise WrongNumaLayout(
                f"The CPUs {format_cpu_list(cpus & placed)} lie on more than one NUMA node."
            )
        placed |= cpus
    if placed != flavor.cpus:
        raise WrongNumaLayout(
            f"The CPUs {format_cpu_list(flavor.cpus - placed)} lie on no NUMA node."
        )
    memory = sum(memory_mb for _, memory_mb in shares)
    if memory != flavor.memory_mb:
        raise WrongNumaLayout(
            f"The NUMA nodes have {memory} MiB together; the flavor has {flavor.memory_mb}."
        )
