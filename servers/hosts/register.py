"""Writes hosts as they are described: nodes, resource providers, inventories, traits, hardware.
Cloud files, the admin and commands call this; the number of statements does not depend on the
number of hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from os_resource_classes import STANDARDS
from os_traits import get_traits

from servers.hosts.description import HostDescription, ProviderDescription
from servers.hosts.errors import InventoryInUse
from servers.models import (
    ComputeNode,
    HostHardware,
    Inventory,
    PciDevice,
    ProviderTrait,
    ResourceClass,
    ResourceProvider,
    Trait,
)

AMOUNTS = ("total", "reserved", "min_unit", "max_unit", "step_size", "allocation_ratio")
HARDWARE = (
    *("hypervisor_type", "hypervisor_version", "supported_instances", "cpu_info", "host_ip"),
    "numa_topology",
)
DEVICE = ("vendor_id", "product_id", "dev_type", "numa_node", "physical_network", "description")
# The hosts of an aggregate are in the aggregate of Placement with the same UUID.
MIRROR = """
    INSERT INTO servers_provideraggregate (provider_id, aggregate)
    SELECT provider.id, aggregate.uuid
    FROM servers_computenode AS node
    JOIN servers_resourceprovider AS provider ON provider.node_id = node.id
    JOIN servers_aggregate_hosts AS member ON member.service_id = node.service_id
    JOIN servers_aggregate AS aggregate ON aggregate.id = member.aggregate_id
    WHERE node.service_id = ANY(%s)
    ON CONFLICT DO NOTHING
"""


@transaction.atomic
def register_hosts(hosts: Mapping[int, HostDescription]) -> None:
    """Make the nodes of these services (by key) what is described, or change them.

    What servers hold stays. Where nothing differs, nothing is changed.

    Raises:
        InventoryInUse: servers hold a resource that the host shall not have any more.
    """
    nodes = _write_nodes(hosts)
    trees = {nodes[service]: host.provider for service, host in hosts.items()}
    providers = _write_providers(trees)
    described = [part for tree in trees.values() for part in tree.walk()]
    name_custom(described)
    ResourceProvider.objects.lock_trees(row.pk for row in providers.values())
    changed = _write_inventories(described, providers) | _write_traits(described, providers)
    ResourceProvider.objects.filter(pk__in=changed).update(
        generation=F("generation") + 1, updated_at=timezone.now()
    )
    _write_hardware(hosts, nodes)
    _write_devices(hosts, nodes)
    with connection.cursor() as cursor:
        cursor.execute(MIRROR, [list(hosts)])


def mirror_aggregates(services: Iterable[int]) -> None:
    """Placement's aggregates follow those of hosts, for the hosts of these services."""
    keys = list(services)
    with connection.cursor() as cursor:
        cursor.execute(UNMIRROR, [keys])
        cursor.execute(MIRROR, [keys])


UNMIRROR = """
    DELETE FROM servers_provideraggregate AS mirrored
    USING servers_computenode AS node, servers_resourceprovider AS provider,
          servers_aggregate AS aggregate
    WHERE node.service_id = ANY(%s) AND provider.node_id = node.id
      AND mirrored.provider_id = provider.id AND mirrored.aggregate = aggregate.uuid
      AND NOT EXISTS (SELECT FROM servers_aggregate_hosts AS member
                      WHERE member.service_id = node.service_id
                        AND member.aggregate_id = aggregate.id)
"""


def name_custom(parts: Iterable[ProviderDescription]) -> None:
    """Make the custom resource classes and traits that are named."""
    listed = list(parts)
    classes = {name for part in listed for name in part.stocks} - set(STANDARDS)
    traits = {name for part in listed for name in part.traits} - set(get_traits())
    if classes:
        ResourceClass.objects.bulk_create(
            [ResourceClass(name=name) for name in sorted(classes)], ignore_conflicts=True
        )
    if traits:
        Trait.objects.bulk_create(
            [Trait(name=name) for name in sorted(traits)], ignore_conflicts=True
        )


def _write_nodes(hosts: Mapping[int, HostDescription]) -> dict[int, int]:
    """The keys of the nodes by those of their services."""
    ComputeNode.objects.bulk_create(
        [
            ComputeNode(
                service_id=service,
                hypervisor_hostname=host.hypervisor_hostname,
                driver=host.driver,
            )
            for service, host in hosts.items()
        ],
        update_conflicts=True,
        unique_fields=["service"],
        update_fields=["hypervisor_hostname", "driver"],
    )
    return dict(ComputeNode.objects.filter(service__in=hosts).values_list("service_id", "pk"))


def _write_providers(trees: Mapping[int, ProviderDescription]) -> dict[str, ResourceProvider]:
    """The providers by name: roots first, then level by level what lies below."""
    uuids = dict(ComputeNode.objects.filter(pk__in=trees).values_list("pk", "uuid"))
    ResourceProvider.objects.bulk_create(
        [
            ResourceProvider(uuid=uuids[node], name=tree.name, node_id=node)
            for node, tree in trees.items()
        ],
        update_conflicts=True,
        unique_fields=["node"],
        update_fields=["name"],
    )
    found = _named(tree.name for tree in trees.values())
    level = [(tree.name, child) for tree in trees.values() for child in tree.children]
    while level:
        ResourceProvider.objects.bulk_create(
            [ResourceProvider(name=child.name, parent=found[parent]) for parent, child in level],
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["parent"],
        )
        found |= _named(child.name for _, child in level)
        level = [(child.name, below) for _, child in level for below in child.children]
    return found


def _named(names: Iterable[str]) -> dict[str, ResourceProvider]:
    return {row.name: row for row in ResourceProvider.objects.filter(name__in=list(names))}


def _write_inventories(
    parts: Sequence[ProviderDescription], providers: Mapping[str, ResourceProvider]
) -> set[int]:
    """The keys of the providers that have changed."""
    keys = {providers[part.name].pk: part for part in parts}
    known = {
        (row.provider_id, row.resource_class): row
        for row in Inventory.objects.filter(provider__in=keys)
    }
    wanted = {
        (key, name): stock.columns()
        for key, part in keys.items()
        for name, stock in part.stocks.items()
    }
    new = [
        Inventory(provider_id=key, resource_class=name, **columns)
        for (key, name), columns in wanted.items()
        if (key, name) not in known
    ]
    other = [
        row
        for place, row in known.items()
        if place in wanted and _differs(row, wanted[place], AMOUNTS)
    ]
    for row in other:
        _set(row, wanted[row.provider_id, row.resource_class])
    gone = [row for place, row in known.items() if keys[place[0]].exact and place not in wanted]
    _check_unused(gone)
    Inventory.objects.filter(pk__in=[row.pk for row in gone]).delete()
    Inventory.objects.bulk_update(other, AMOUNTS, batch_size=1000)
    Inventory.objects.bulk_create(new, batch_size=5000)
    return {row.provider_id for row in (*new, *other, *gone)}


def _check_unused(gone: Iterable[Inventory]) -> None:
    for row in gone:
        if row.used:
            raise InventoryInUse(
                f"Servers hold {row.used} {row.resource_class} of {row.provider.name}, which shall "
                "have none any more."
            )


def _write_traits(
    parts: Sequence[ProviderDescription], providers: Mapping[str, ResourceProvider]
) -> set[int]:
    """The keys of the providers that have changed."""
    keys = {providers[part.name].pk: part for part in parts}
    known = {
        (row.provider_id, row.trait): row.pk
        for row in ProviderTrait.objects.filter(provider__in=keys)
    }
    wanted = {(key, trait) for key, part in keys.items() for trait in part.traits}
    gone = {place for place in known if keys[place[0]].exact and place not in wanted}
    new = sorted(wanted - known.keys())
    ProviderTrait.objects.filter(pk__in=[known[place] for place in gone]).delete()
    ProviderTrait.objects.bulk_create(
        [ProviderTrait(provider_id=key, trait=trait) for key, trait in new], batch_size=5000
    )
    return {key for key, _ in (*new, *gone)}


def _write_hardware(hosts: Mapping[int, HostDescription], nodes: Mapping[int, int]) -> None:
    HostHardware.objects.bulk_create(
        [
            HostHardware(node_id=nodes[service], **host.hardware.columns(host.driver))
            for service, host in hosts.items()
        ],
        update_conflicts=True,
        unique_fields=["node"],
        update_fields=HARDWARE,
    )


def _write_devices(hosts: Mapping[int, HostDescription], nodes: Mapping[int, int]) -> None:
    """Devices that are gone go; one that a server has stays until it is given back."""
    described = [
        (nodes[service], device) for service, host in hosts.items() for device in host.devices
    ]
    addresses = {(node, device["address"]) for node, device in described}
    free = PciDevice.objects.filter(node__in=nodes.values(), consumer__isnull=True)
    gone = [row.pk for row in free if (row.node_id, row.address) not in addresses]
    PciDevice.objects.filter(pk__in=gone).delete()
    PciDevice.objects.bulk_create(
        [
            PciDevice(
                node_id=node,
                address=device["address"],
                **{name: device.get(name) for name in DEVICE if name != "description"},
                description=dict(device),
            )
            for node, device in described
        ],
        update_conflicts=True,
        unique_fields=["node", "address"],
        update_fields=DEVICE,
    )


def _differs(row: Inventory, columns: Mapping[str, Any], names: Iterable[str]) -> bool:
    return any(getattr(row, name) != columns[name] for name in names)


def _set(row: Inventory, columns: Mapping[str, Any]) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.updated_at = timezone.now()
