"""A host's topology as people write it: what is made of it, and every fault with its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from compute_site.values.keys import WrongValue
from servers.placement.fit import HostCell, HostTopology, Pages, PciDevice
from servers.placement.fit.reading import host_topology

CELL = {"id": 0, "memory_mb": 4096}
DEVICE = {"address": "0000:3b:00.1", "vendor_id": "8086", "product_id": "154c"}


def test_a_host_is_read_as_written() -> None:
    host = host_topology(
        {
            "cells": [
                {
                    "id": 0,
                    "shared_cpus": "0-1,^1,4",
                    "dedicated_cpus": [5, 1],
                    "siblings": ["0,4", [1, 5]],
                    "socket": 0,
                    "memory_mb": 2048,
                    "memory_reserved_mb": 256,
                    "pages": [{"size_kb": 2048, "total": 512}, {"size_kb": 4, "total": 262144}],
                    "physnets": ["physnet0"],
                    "tunneled": True,
                }
            ],
            "devices": [
                {
                    **DEVICE,
                    "address": "0000:3B:00.1",
                    "dev_type": "type-VF",
                    "parent": "0000:3b:00.0",
                    "numa_node": 0,
                    "resource_class": "fast nic",
                    "traits": ["HW_NIC_SRIOV", "fast"],
                    "tags": {"rack": 4},
                }
            ],
            "limits": {"cpu_allocation_ratio": 2},
        }
    )
    assert host.cells == (
        HostCell(
            id=0,
            shared_cpus=frozenset({0, 4}),
            dedicated_cpus=frozenset({1, 5}),
            siblings=(frozenset({0, 4}), frozenset({1, 5})),
            socket=0,
            memory_mb=2048,
            memory_reserved_mb=256,
            pages=(Pages(size_kb=4, total=262144), Pages(size_kb=2048, total=512)),
            physnets=frozenset({"physnet0"}),
            tunneled=True,
        ),
    )
    assert host.devices == (
        PciDevice(
            address="0000:3b:00.1",
            vendor_id="8086",
            product_id="154c",
            dev_type="type-VF",
            parent="0000:3b:00.0",
            numa_node=0,
            resource_class="CUSTOM_FAST_NIC",
            traits=frozenset({"HW_NIC_SRIOV", "CUSTOM_FAST"}),
            tags={"rack": "4"},
        ),
    )
    assert host.limits.cpu_allocation_ratio == 2.0
    form = json.loads(json.dumps(host.as_json()))
    assert HostTopology.from_json(form) == host
    assert host_topology(form) == host


def test_a_host_may_tell_of_nothing() -> None:
    assert host_topology({}) == HostTopology()


def test_a_cell_may_tell_of_memory_alone() -> None:
    assert host_topology({"cells": [CELL]}).cells == (HostCell(id=0, memory_mb=4096),)


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ({"id": None}, "key id: is required"),
        ({"memory_mb": -1}, "key memory_mb: give a whole number from 0 to 2147483647, not -1"),
        ({"cpus": "0"}, "key cpus: is not known"),
        ({"shared_cpus": "0-"}, "key shared_cpus: '0-' is no CPU number, range (0-3) or exclusion"),
        (
            {"shared_cpus": [0, -2]},
            "key shared_cpus: item 1: give a whole number from 0 to 2147483647",
        ),
        ({"shared_cpus": [100000]}, "key shared_cpus: item 0: give CPU numbers below 100000"),
        (
            {"shared_cpus": "0-3", "dedicated_cpus": "3-5"},
            "key dedicated_cpus: the CPUs 3 are shared too",
        ),
        ({"siblings": ["0,1", "1,2"]}, "key siblings: the CPUs 1 stand there twice"),
        ({"dedicated_cpus": "0", "pinned_cpus": "0-1"}, "key pinned_cpus: the CPUs 1 are not"),
        ({"memory_reserved_mb": 5000}, "key memory_reserved_mb: 5000 MiB of 4096 cannot be kept"),
        ({"pages": [{"size_kb": 4}]}, "key pages: item 0: key total: is required"),
        (
            {"pages": [{"size_kb": 4, "total": 1, "reserved": 2}]},
            "key pages: item 0: key reserved: 2 of 1 pages cannot be kept",
        ),
        (
            {"pages": [{"size_kb": 4, "total": 1}, {"size_kb": 4, "total": 2}]},
            "key pages: a size stands there twice",
        ),
        (
            {"pages": [{"size_kb": 1048576, "total": 5}]},
            "key pages: they are 5120 MiB together, the memory is 4096 MiB",
        ),
    ],
)
def test_a_fault_of_a_cell_is_told_with_its_place(cell: dict[str, Any], fault: str) -> None:
    with pytest.raises(WrongValue, match="key cells: item 1: ") as caught:
        host_topology({"cells": [{**CELL, "id": 7}, {**CELL, **cell}]})
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("cells", "fault"),
    [
        ([CELL, CELL], "key cells: item 1: key id: 0 stands at item 0 too"),
        (
            [{**CELL, "shared_cpus": "0-3"}, {**CELL, "id": 1, "dedicated_cpus": "2-5"}],
            "key cells: item 1: the CPUs 2-3 stand at item 0 too",
        ),
        (
            [{**CELL, "shared_cpus": "0-3"}, {**CELL, "id": 1, "siblings": ["3,4"]}],
            "key cells: item 1: the CPUs 3 stand at item 0 too",
        ),
    ],
)
def test_a_fault_between_cells_is_told_with_its_place(
    cells: list[dict[str, Any]], fault: str
) -> None:
    with pytest.raises(WrongValue) as caught:
        host_topology({"cells": cells})
    assert str(caught.value) == fault


@pytest.mark.parametrize(
    ("device", "fault"),
    [
        ({"address": "3b:00.1"}, "key address: give an address such as 0000:3b:00.1, not '3b:"),
        ({"vendor_id": "0x86"}, "key vendor_id: give four hexadecimal digits, not '0x86'"),
        ({"dev_type": "VF"}, "key dev_type: give one of type-PCI, type-PF, type-VF, vdpa, not"),
        ({"parent": "0000:3b:00.0"}, "key parent: a device of type-PCI has none; those of"),
        ({"numa_node": 3}, "(0000:3b:00.1): key numa_node: the host has no cell 3"),
        ({"address": "0000:3b:00.0"}, "key address: 0000:3b:00.0 stands at item 0 too"),
        (
            {"dev_type": "type-VF", "parent": "0000:3c:00.0"},
            "(0000:3b:00.1): key parent: 0000:3c:00.0 is no type-PF",
        ),
        (
            {"dev_type": "type-VF", "parent": "0000:3b:00.0", "held_by": "guest"},
            "(0000:3b:00.1): key held_by: 0000:3b:00.0 is held as a whole",
        ),
    ],
)
def test_a_fault_of_a_device_is_told_with_its_place(device: dict[str, Any], fault: str) -> None:
    whole = {**DEVICE, "address": "0000:3b:00.0", "dev_type": "type-PF", "held_by": "other"}
    plain = {**DEVICE, "address": "0000:3c:00.0"}
    with pytest.raises(WrongValue, match="key devices: item 2") as caught:
        host_topology({"cells": [CELL], "devices": [whole, plain, {**DEVICE, **device}]})
    assert fault in str(caught.value)


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        ({"cpu_allocation_ratio": "4"}, "key limits: key cpu_allocation_ratio: give a number"),
        ({"pack_cells": 1}, "key limits: key pack_cells: give true or false"),
    ],
)
def test_a_fault_of_the_limits_is_told_with_its_place(limits: dict[str, Any], fault: str) -> None:
    with pytest.raises(WrongValue) as caught:
        host_topology({"limits": limits})
    assert fault in str(caught.value)


def test_all_faults_of_a_cell_are_told_at_once() -> None:
    cell = {**CELL, "siblings": ["0", "0"], "memory_reserved_mb": 5000}
    with pytest.raises(WrongValue) as caught:
        host_topology({"cells": [cell]})
    assert "key siblings: " in str(caught.value)
    assert "; key memory_reserved_mb: " in str(caught.value)


def test_a_node_of_a_device_is_free_where_the_host_tells_of_no_cells() -> None:
    assert host_topology({"devices": [{**DEVICE, "numa_node": 3}]}).devices[0].numa_node == 3
