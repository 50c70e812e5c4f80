"""Hosts and zones to run servers on."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from django.db.models import Sum
from django.utils import timezone

from compute_site.values.keys import read_keys
from servers.hosts.description import describe_host
from servers.hosts.register import register_hosts
from servers.hosts.save import Host, save_hosts
from servers.hosts.written import HOST_KEYS, describe_written
from servers.models import (
    Aggregate,
    Allocation,
    Cell,
    ComputeNode,
    Consumer,
    HardwareClaim,
    Instance,
    Inventory,
    PciDevice,
    Service,
)
from servers.models.cell import CELL1
from servers.placement import claims
from servers.placement.claims import Need
from servers.placement.fit import GuestPlacement, claim_all
from servers.placement.topologies import described_topology

_numbers = itertools.count(1)

USED = {"vcpus_used": "VCPU", "memory_mb_used": "MEMORY_MB", "local_gb_used": "DISK_GB"}
RATIOS = {
    "cpu_allocation_ratio": "VCPU",
    "ram_allocation_ratio": "MEMORY_MB",
    "disk_allocation_ratio": "DISK_GB",
}


def make_host(name: str = "", *, cell: str = CELL1, **values: Any) -> ComputeNode:
    """An enabled host that was just seen, with 16 vCPUs, 32 GiB of memory and 1,000 GiB of disk;
    values go to service or node, or describe what the host has. The first without a name is
    ``host1``.
    """
    if not name:
        known = Service.objects.filter(host="host1").exists()
        name = f"host-{next(_numbers)}" if known else "host1"
    service_fields = {field.name for field in Service._meta.concrete_fields}
    own = {key: values.pop(key) for key in list(values) if key in service_fields}
    own = {"last_seen_up": timezone.now()} | own
    service = Service.objects.create(
        host=name, cell=Cell.objects.get_or_create(name=cell)[0], **own
    )
    used = {kind: values.pop(key) for key, kind in USED.items() if key in values}
    ratios = {kind: values.pop(key) for key, kind in RATIOS.items() if key in values}
    running = values.pop("running_vms", 0)
    sizes = {"vcpus": 16, "memory_mb": 32768, "local_gb": 1000}
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
        dedicated = stocks["PCPU"].used if "PCPU" in stocks else 0
        assert (node.vcpus_used - dedicated, node.memory_mb_used, node.local_gb_used) == tuple(
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


def make_bound_host(name: str, hardware: Mapping[str, Any], **values: Any) -> ComputeNode:
    """A host with these cells and devices, as a cloud file would describe it."""
    written, problems = read_keys(
        {"name": name, "local_gb": 1000, "hardware": hardware, **values}, HOST_KEYS
    )
    assert not problems
    description = describe_written(written)
    save_hosts([Host(name=name, cell=written["cell"], description=description)])
    return ComputeNode.objects.select_related("service").get(hypervisor_hostname=name)


def assert_hardware_adds_up() -> None:
    """The guests lie on their hosts without overlap, and devices belong to those who have them."""
    for node in ComputeNode.objects.select_related("hardware"):
        guests = {
            str(held.consumer_id): GuestPlacement.from_json(held.placement)
            for held in HardwareClaim.objects.filter(node=node)
        }
        devices = list(PciDevice.objects.filter(node=node).order_by("pk"))
        topology = described_topology(
            node.hardware.numa_topology, [device.description for device in devices]
        )
        claimed = claim_all(topology, guests)
        assert [device.held_by for device in claimed.devices] == [
            None if device.consumer_id is None else str(device.consumer_id) for device in devices
        ]
        pcpus = Inventory.objects.filter(provider__node=node, resource_class="PCPU")
        pinned = sum(len(cell.pinned_cpus) for cell in claimed.cells)
        idle = sum(len(cell.idle_cpus) for guest in guests.values() for cell in guest.cells)
        if pcpus:
            assert pcpus[0].used == pinned - idle
