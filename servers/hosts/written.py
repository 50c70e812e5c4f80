"""A host as an operator writes it down, in a cloud file or in a form: its keys, and the description
that they make.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.values.keys import (
    Key,
    WrongValue,
    address,
    filled_line,
    flag,
    kept_mapping,
    text,
    whole,
)
from servers.hardware.cpu import HYPERTHREADING
from servers.hosts.description import (
    HardwareDescription,
    HostDescription,
    describe_host,
)
from servers.hosts.reading import (
    hypervisor_version,
    inventories,
    name_of_node,
    providers,
    stocks_of,
    supported_instances,
    traits,
)
from servers.models.cell import CELL1
from servers.models.provider import DISK_GB, MEMORY_MB, PCPU, VCPU
from servers.placement.fit import HostTopology
from servers.placement.fit.reading import described_host

NODE_NAME = "hypervisor_hostname"
HOST_KEYS = {
    "name": Key(filled_line, required=True),
    NODE_NAME: Key(name_of_node),
    "cell": Key(text, default=CELL1),
    "enabled": Key(flag, default=True),
    "driver": Key(filled_line, default="fake"),
    "vcpus": Key(whole),
    "memory_mb": Key(whole),
    "local_gb": Key(whole, required=True),
    "inventories": Key(inventories),
    "traits": Key(traits),
    "providers": Key(providers, default=[]),
    "hardware": Key(described_host, default=HostTopology()),
    "hypervisor_type": Key(filled_line),
    "hypervisor_version": Key(hypervisor_version),
    "supported_instances": Key(supported_instances),
    "cpu_info": Key(kept_mapping),
    "host_ip": Key(address),
}


class WrongKey(ValueError):
    """A value does not go with the host's others."""

    def __init__(self, key: str, told: str) -> None:
        super().__init__(told)
        self.key = key


def describe_written(values: Mapping[str, Any]) -> HostDescription:
    """The host of the values of ``HOST_KEYS``.

    Raises:
        WrongKey: they do not go together.
    """
    topology: HostTopology = values["hardware"]
    amounts = _amounts(values, topology)
    try:
        stocks = stocks_of(values["inventories"] or {}, amounts)
    except WrongValue as error:
        raise WrongKey("inventories", str(error)) from None
    name = _node_name(values)
    cells = [cell.as_json() for cell in topology.cells]
    return describe_host(
        name,
        vcpus=stocks[VCPU].total,
        memory_mb=stocks[MEMORY_MB].total,
        local_gb=stocks[DISK_GB].total,
        driver=values["driver"],
        traits=frozenset(values["traits"] or ()) | traits_of(topology),
        children=tuple(values["providers"]),
        stocks=stocks,
        hardware=HardwareDescription(
            hypervisor_type=values["hypervisor_type"],
            hypervisor_version=values["hypervisor_version"],
            supported_instances=values["supported_instances"],
            cpu_info=values["cpu_info"],
            host_ip=values["host_ip"],
            numa_topology={"cells": cells} if cells else None,
        ),
        devices=tuple(device.as_json() for device in topology.devices),
        all_stocks=values["inventories"] is not None,
        all_traits=values["traits"] is not None,
    )


def traits_of(topology: HostTopology) -> frozenset[str]:
    """What the cells tell by themselves."""
    cores = [core for cell in topology.cells for core in cell.cores]
    return frozenset([HYPERTHREADING] if any(len(core) > 1 for core in cores) else [])


def _node_name(values: Mapping[str, Any]) -> str:
    try:
        return str(name_of_node(values[NODE_NAME] or values["name"]))
    except WrongValue as error:
        raise WrongKey(NODE_NAME, f"is the name where it is missing: {error}") from None


def _amounts(values: Mapping[str, Any], topology: HostTopology) -> dict[str, int | None]:
    """Totals by resource class; CPUs and memory are those of the cells where it has cells. One set
    of CPUs for guests of both kinds counts as shared.
    """
    cells = topology.cells
    dedicated = sum(len(cell.dedicated_cpus - cell.shared_cpus) for cell in cells)
    of_cells = {
        "vcpus": sum(len(cell.shared_cpus) for cell in cells),
        "memory_mb": sum(cell.memory_mb for cell in cells),
    }
    for key, amount in of_cells.items():
        if values[key] is None and not cells:
            raise WrongKey(key, "is required where the hardware has no cells")
        if cells and values[key] not in (None, amount):
            raise WrongKey(key, f"the cells of the hardware have {amount} together")
    amounts: dict[str, int | None] = {
        VCPU: of_cells["vcpus"] if cells else values["vcpus"],
        MEMORY_MB: of_cells["memory_mb"] if cells else values["memory_mb"],
        DISK_GB: values["local_gb"],
    }
    return amounts | ({PCPU: dedicated} if cells else {})
