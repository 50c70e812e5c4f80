"""Hosts and zones to run servers on."""

from __future__ import annotations

from typing import Any

from servers.models import Aggregate, Cell, ComputeNode, Service
from servers.models.cell import CELL1


def make_host(name: str = "host1", **values: Any) -> ComputeNode:
    """A host of 8 vCPUs, 32 GiB of memory and 1,000 GiB of disk; values go to service or node."""
    service_fields = {field.name for field in Service._meta.concrete_fields}
    service = Service.objects.create(
        host=name,
        cell=values.pop("cell", None) or Cell.objects.get(name=CELL1),
        **{key: values.pop(key) for key in list(values) if key in service_fields},
    )
    sizes = {"vcpus": 8, "memory_mb": 32768, "local_gb": 1000, "hypervisor_hostname": name}
    return ComputeNode.objects.create(service=service, **{**sizes, **values})


def make_zone(zone: str, *nodes: ComputeNode) -> Aggregate:
    """An aggregate of these hosts that makes a zone."""
    aggregate = Aggregate.objects.create(
        name=f"aggregate of {zone}", metadata={"availability_zone": zone}
    )
    aggregate.hosts.set([node.service for node in nodes])
    return aggregate
