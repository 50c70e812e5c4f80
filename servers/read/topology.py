"""The NUMA layout of a server, as clients see it."""

from __future__ import annotations

from typing import Any

from servers.models import Instance


def describe_topology(instance: Instance, *, host: bool) -> dict[str, Any]:
    """``host``: also where on its host each NUMA node lies."""
    kept = Instance.objects.filter(pk=instance.pk).values_list("numa_topology", flat=True).first()
    cells = (kept or {}).get("cells", [])
    sizes = [cell["page_size"] for cell in cells if isinstance(cell.get("page_size"), int)]
    return {
        "nodes": [_describe_node(cell, host=host) for cell in cells],
        "pagesize_kb": sizes[-1] if sizes else None,
    }


def _describe_node(cell: dict[str, Any], *, host: bool) -> dict[str, Any]:
    node = {
        "vcpu_set": sorted({*cell["cpus"], *cell["dedicated_cpus"]}),
        "siblings": [],
        "memory_mb": cell["memory_mb"],
    }
    return {**node, "host_node": cell["id"], "cpu_pinning": {}} if host else node
