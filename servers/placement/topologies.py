"""Reads the cells and devices of hosts, with what guests use of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from servers.placement.fit import (
    CannotClaim,
    GuestPlacement,
    HostCell,
    HostLimits,
    HostTopology,
    PciDevice,
    claim,
)

# The ratios are those of the inventories: in the node's numbers dedicated CPUs count too. Devices
# are not ordered by their key as it stands, else the planner may read all devices in its order.
READ = """
    SELECT hardware.node_id, provider.generation,
        (SELECT stock.allocation_ratio FROM servers_inventory AS stock
         WHERE stock.provider_id = provider.id AND stock.resource_class = 'VCPU'),
        (SELECT stock.allocation_ratio FROM servers_inventory AS stock
         WHERE stock.provider_id = provider.id AND stock.resource_class = 'MEMORY_MB'),
        hardware.numa_topology::text,
        (SELECT jsonb_agg(device.description ORDER BY device.id + 0)
         FROM servers_pcidevice AS device WHERE device.node_id = hardware.node_id)::text,
        (SELECT jsonb_object_agg(held.consumer_id, held.placement)
         FROM servers_hardwareclaim AS held WHERE held.node_id = hardware.node_id)::text
    FROM servers_hosthardware AS hardware
    JOIN servers_resourceprovider AS provider ON provider.node_id = hardware.node_id
    WHERE hardware.node_id = ANY(%s)
"""


def read_topologies(nodes: Sequence[int]) -> dict[int, tuple[HostTopology, int]]:
    """By the keys of these nodes, each with the generation of the root provider; one statement. A
    host that nobody described has neither cells nor devices.
    """
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(nodes)])
        rows = cursor.fetchall()
    return {
        node: (
            _in_use(
                _with_limits(described_topology(_parsed(cells), _parsed(devices) or ()), *ratios),
                (_parsed(claims) or {}).values(),
            ),
            generation,
        )
        for node, generation, *ratios, cells, devices, claims in rows
    }


def described_topology(
    described: Mapping[str, Any] | None, devices: Iterable[Mapping[str, Any]]
) -> HostTopology:
    """The host as it was described, without guests and limits."""
    cells = (described or {}).get("cells", ())
    return HostTopology(
        cells=tuple(map(HostCell.from_json, cells)),
        devices=tuple(map(PciDevice.from_json, devices)),
    )


def _with_limits(
    topology: HostTopology, cpu_ratio: float | None, ram_ratio: float | None
) -> HostTopology:
    limits = HostLimits(
        cpu_allocation_ratio=cpu_ratio or 1.0,
        ram_allocation_ratio=ram_ratio or 1.0,
        pack_cells=settings.OPTIONS.packing_host_numa_cells_allocation_strategy,
    )
    return dataclasses.replace(topology, limits=limits)


def _in_use(topology: HostTopology, placements: Iterable[Mapping[str, Any]]) -> HostTopology:
    """The host with these guests. A guest that does not fit any more, since the host was described
    anew, is left out: nobody can say what it uses of which cell.
    """
    for number, form in enumerate(placements):
        try:
            topology = claim(topology, GuestPlacement.from_json(form), holder=str(number))
        except CannotClaim:
            continue
    return topology


def _parsed(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
