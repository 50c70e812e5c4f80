"""Reads the cells and devices of hosts, with what guests use of them."""

from __future__ import annotations

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
from servers.placement.state import HostState

READ = """
    SELECT hardware.node_id, provider.generation, hardware.numa_topology::text,
        (SELECT jsonb_agg(device.description ORDER BY device.id)
         FROM servers_pcidevice AS device WHERE device.node_id = hardware.node_id)::text,
        (SELECT jsonb_object_agg(held.consumer_id, held.placement)
         FROM servers_hardwareclaim AS held WHERE held.node_id = hardware.node_id)::text
    FROM servers_hosthardware AS hardware
    JOIN servers_resourceprovider AS provider ON provider.node_id = hardware.node_id
    WHERE hardware.node_id = ANY(%s)
"""


def read_topologies(hosts: Sequence[HostState]) -> dict[int, tuple[HostTopology, int]]:
    """By the keys of nodes, each with the generation of the root provider; one statement. A host
    that nobody described has neither cells nor devices.
    """
    by_node = {host.node_id: host for host in hosts}
    with connection.cursor() as cursor:
        cursor.execute(READ, [list(by_node)])
        rows = cursor.fetchall()
    return {
        node: (
            _in_use(
                topology_of(by_node[node], _parsed(cells), _parsed(devices) or ()),
                (_parsed(claims) or {}).values(),
            ),
            generation,
        )
        for node, generation, cells, devices, claims in rows
    }


def topology_of(
    host: HostState, described: Mapping[str, Any] | None, devices: Iterable[Mapping[str, Any]]
) -> HostTopology:
    """The host as it was described, without guests."""
    ratios = host.attributes
    limits = HostLimits(
        cpu_allocation_ratio=ratios["cpu_allocation_ratio"] or 1.0,
        ram_allocation_ratio=ratios["ram_allocation_ratio"] or 1.0,
        pack_cells=settings.OPTIONS.packing_host_numa_cells_allocation_strategy,
    )
    cells = (described or {}).get("cells", ())
    return HostTopology(
        cells=tuple(map(HostCell.from_json, cells)),
        devices=tuple(map(PciDevice.from_json, devices)),
        limits=limits,
    )


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
