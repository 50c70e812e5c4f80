"""Hosts and zones to run servers on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Sum

from servers.hosts.description import describe_host
from servers.hosts.register import register_hosts
from servers.models import (
    Aggregate,
    Allocation,
    Cell,
    ComputeNode,
    Consumer,
    Instance,
    Inventory,
    Service,
)
from servers.models.cell import CELL1
from servers.placement import claims
from servers.placement.claims import Need

USED = {"vcpus_used": "VCPU", "memory_mb_used": "MEMORY_MB", "local_gb_used": "DISK_GB"}
RATIOS = {
    "cpu_allocation_ratio": "VCPU",
    "ram_allocation_ratio": "MEMORY_MB",
    "disk_allocation_ratio": "DISK_GB",
}


def make_host(name: str = "host1", **values: Any) -> ComputeNode:
    """A host of 8 vCPUs, 32 GiB of memory and 1,000 GiB of disk; values go to service or node, or
    describe what the host has.
    """
    service_fields = {field.name for field in Service._meta.concrete_fields}
    cell = values.pop("cell", None) or Cell.objects.get(name=CELL1)
    own = {key: values.pop(key) for key in list(values) if key in service_fields}
    service = Service.objects.create(host=name, cell=cell, **own)
    used = {kind: values.pop(key) for key, kind in USED.items() if key in values}
    ratios = {kind: values.pop(key) for key, kind in RATIOS.items() if key in values}
    running = values.pop("running_vms", 0)
    sizes = {"vcpus": 8, "memory_mb": 32768, "local_gb": 1000}
    node_name = values.pop("hypervisor_hostname", name)
    register_hosts({service.pk: describe_host(node_name, **{**sizes, **values})})
    node = ComputeNode.objects.select_related("service").get(service=service)
    set_inventory(node, ratios, "allocation_ratio")
    set_inventory(node, used, "used")
    ComputeNode.objects.filter(pk=node.pk).update(running_vms=running)
    node.refresh_from_db()
    node.service.node = node
    return node


def set_inventory(node: ComputeNode, values: Mapping[str, float], column: str = "total") -> None:
    """Change what the node has (or has given away) of the resource classes that are named."""
    for kind, value in values.items():
        rows = Inventory.objects.filter(provider__node=node, resource_class=kind)
        rows.update(**{column: value})


def held_by(server: Instance) -> dict[str, int]:
    """What the server itself holds, by resource class; not what a move holds for it."""
    own = Allocation.objects.filter(consumer__instance=server, consumer__migration__isnull=True)
    return dict(own.values_list("resource_class", "amount"))


def nodes_of(server: Instance) -> list[tuple[str, bool]]:
    """The nodes of which it holds something, and whether it is about to leave them."""
    held = Allocation.objects.filter(consumer__instance=server)
    rows = held.values_list("provider__name", "consumer__migration").distinct()
    return sorted((name, move is not None) for name, move in rows)


def hold(server: Instance, node: ComputeNode, **amounts: int) -> None:
    """Let the server hold so much of the node: 1 VCPU, 512 MEMORY_MB, 1 DISK_GB unless told."""
    wanted = {"VCPU": 1, "MEMORY_MB": 512, "DISK_GB": 1} | amounts
    claims.claim(Need(server.pk, node.provider.pk, kind, amount) for kind, amount in wanted.items())


def assert_hosts_add_up() -> None:
    """Inventories are the sums of allocations, and nodes count what their inventories say."""
    for stock in Inventory.objects.select_related("provider"):
        held = Allocation.objects.filter(
            provider=stock.provider, resource_class=stock.resource_class
        )
        assert held.aggregate(sum=Sum("amount", default=0))["sum"] == stock.used, stock
    for node in ComputeNode.objects.all():
        stocks = {stock.resource_class: stock for stock in node.provider.inventories.all()}
        assert (node.vcpus_used, node.memory_mb_used, node.local_gb_used) == tuple(
            stocks[kind].used for kind in USED.values()
        )
        assert (node.free_vcpus, node.free_memory_mb, node.free_disk_gb) == tuple(
            stocks[kind].free for kind in USED.values()
        )
        guests = Consumer.objects.filter(allocations__provider__root__node=node).distinct()
        assert guests.count() == node.running_vms


def make_zone(zone: str, *nodes: ComputeNode) -> Aggregate:
    """An aggregate of these hosts that makes a zone."""
    aggregate = Aggregate.objects.create(
        name=f"aggregate of {zone}", metadata={"availability_zone": zone}
    )
    aggregate.hosts.set([node.service for node in nodes])
    return aggregate
