"""The NUMA layout of a server, as clients see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from servers.models import HardwareClaim, Instance


def describe_topology(instance: Instance, *, host: bool) -> dict[str, Any]:
    """``host``: also where on its host each NUMA node lies.

    Nova: on a host that tells of its cells, the size of pages is the one that the server has got;
    the number of threads that share a core is never told.
    """
    kept = Instance.objects.filter(pk=instance.pk).values_list("numa_topology", flat=True).first()
    asked = (kept or {}).get("cells", [])
    placed = HardwareClaim.objects.placement_of(instance, instance.node) if asked else None
    given = (placed or {}).get("cells", [])
    nodes = [_placed_node(cell) for cell in given] or [_asked_node(cell) for cell in asked]
    sizes = [cell["page_size"] for cell in given or asked if isinstance(cell["page_size"], int)]
    return {
        "nodes": [node if host else _without_host(node) for node in nodes],
        "pagesize_kb": sizes[-1] if sizes else None,
    }


def _placed_node(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vcpu_set": sorted({*cell["cpus"], *map(int, cell["pinning"])}),
        "siblings": [],
        "memory_mb": cell["memory_mb"],
        "host_node": cell["host_cell"],
        "cpu_pinning": cell["pinning"],
    }


def _asked_node(cell: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "vcpu_set": sorted({*cell["cpus"], *cell["dedicated_cpus"]}),
        "siblings": [],
        "memory_mb": cell["memory_mb"],
        "host_node": cell["id"],
        "cpu_pinning": {},
    }


def _without_host(node: Mapping[str, Any]) -> dict[str, Any]:
    return {key: node[key] for key in ("vcpu_set", "siblings", "memory_mb")}
