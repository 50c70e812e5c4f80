"""Writes hosts as they are described: nodes, resource providers, inventories, traits, hardware.
Cloud files, the admin and commands call this; the number of statements does not depend on the
number of hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from servers.hosts.description import HostDescription, ProviderDescription
from servers.hosts.errors import HostNameTaken, HostRefused
from servers.hosts.hardware import write_hardware
from servers.hosts.inventories import name_custom, write_inventories, write_traits
from servers.models import ComputeNode, ResourceProvider

NODE_NAME, PROVIDERS = "hypervisor_hostname", "providers"

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


@transaction.atomic
def register_hosts(hosts: Mapping[int, HostDescription]) -> None:
    """Make the nodes of these services (by key) what is described, or change them.

    What servers hold stays. Where nothing differs, nothing is changed.

    Raises:
        HostNameTaken: another host or provider has a name.
        HostRefused: it would have another name while servers lie on it.
        InventoryInUse, HardwareInUse: servers hold what the host shall not have any more.
    """
    _lock(hosts)
    _check_names(hosts)
    nodes = _write_nodes(hosts)
    trees = {nodes[service]: host.provider for service, host in hosts.items()}
    providers = _write_providers(trees)
    described = [part for tree in trees.values() for part in tree.walk()]
    name_custom(described)
    changed = write_inventories(described, providers) | write_traits(described, providers)
    roots = {node: providers[tree.name].pk for node, tree in trees.items()}
    anew = write_hardware({nodes[service]: host for service, host in hosts.items()})
    # A guest that was fitted on what the host was before is fitted again.
    tell_change(changed | {roots[node] for node in anew})
    with connection.cursor() as cursor:
        cursor.execute(MIRROR, [list(hosts)])


def tell_change(providers: Iterable[int]) -> None:
    """Who has read these providers (by key) must read them again."""
    ResourceProvider.objects.filter(pk__in=list(providers)).update(
        generation=F("generation") + 1, updated_at=timezone.now()
    )


def mirror_aggregates(services: Iterable[int]) -> None:
    """Placement's aggregates follow those of hosts, for the hosts of these services."""
    keys = list(services)
    with connection.cursor() as cursor:
        cursor.execute(UNMIRROR, [keys])
        cursor.execute(MIRROR, [keys])


def _lock(hosts: Mapping[int, HostDescription]) -> None:
    """Before anything of a host is written, as those who place servers do."""
    known = ResourceProvider.objects.filter(node__service__in=hosts)
    ResourceProvider.objects.lock_trees(known.values_list("pk", flat=True))


def _check_names(hosts: Mapping[int, HostDescription]) -> None:
    """Names of nodes and providers are unique, and servers know their node by its name."""
    for node in ComputeNode.objects.filter(service__in=hosts, running_vms__gt=0):
        name = hosts[node.service_id].hypervisor_hostname
        if name != node.hypervisor_hostname:
            raise HostRefused(
                f"The node {node.hypervisor_hostname} has servers, and keeps its name.",
                host=name,
                field=NODE_NAME,
            )
    owners = {host.provider.name: service for service, host in hosts.items()}
    for service, host in hosts.items():
        for part in host.provider.walk():
            if owners.setdefault(part.name, service) != service:
                raise _taken(part.name, host)
    taken = ResourceProvider.objects.filter(name__in=owners).select_related("root__node")
    for provider in taken:
        owner = provider.root.node
        service, host = owners[provider.name], hosts[owners[provider.name]]
        is_root = provider.name == host.provider.name
        if owner is None or owner.service_id != service or is_root != (provider.parent_id is None):
            raise _taken(provider.name, host)


def _taken(name: str, host: HostDescription) -> HostNameTaken:
    return HostNameTaken(
        f"Another resource provider has the name {name}.",
        host=host.hypervisor_hostname,
        field=NODE_NAME if name == host.provider.name else PROVIDERS,
    )


def _write_nodes(hosts: Mapping[int, HostDescription]) -> dict[int, int]:
    """The keys of the nodes by those of their services."""
    names = ("hypervisor_hostname", "driver")
    known = {
        service: columns
        for service, *columns in ComputeNode.objects.filter(service__in=hosts).values_list(
            "service", *names
        )
    }
    ComputeNode.objects.bulk_create(
        [
            ComputeNode(
                service_id=service,
                hypervisor_hostname=host.hypervisor_hostname,
                driver=host.driver,
            )
            for service, host in hosts.items()
            if known.get(service) != [host.hypervisor_hostname, host.driver]
        ],
        update_conflicts=True,
        unique_fields=["service"],
        update_fields=names,
    )
    return dict(ComputeNode.objects.filter(service__in=hosts).values_list("service_id", "pk"))


def _write_providers(trees: Mapping[int, ProviderDescription]) -> dict[str, ResourceProvider]:
    """The providers by name: roots first, then level by level what lies below."""
    uuids = dict(ComputeNode.objects.filter(pk__in=trees).values_list("pk", "uuid"))
    known = dict(ResourceProvider.objects.filter(node__in=trees).values_list("node", "name"))
    ResourceProvider.objects.bulk_create(
        [
            ResourceProvider(uuid=uuids[node], name=tree.name, node_id=node)
            for node, tree in trees.items()
            if known.get(node) != tree.name
        ],
        update_conflicts=True,
        unique_fields=["node"],
        update_fields=["name"],
    )
    found = _named(tree.name for tree in trees.values())
    level = [(tree.name, child) for tree in trees.values() for child in tree.children]
    while level:
        found |= _named(child.name for _, child in level)
        new = [
            ResourceProvider(name=child.name, parent=found[parent])
            for parent, child in level
            if child.name not in found or found[child.name].parent_id != found[parent].pk
        ]
        ResourceProvider.objects.bulk_create(
            new, update_conflicts=True, unique_fields=["name"], update_fields=["parent"]
        )
        found |= _named(row.name for row in new)
        level = [(child.name, below) for _, child in level for below in child.children]
    return found


def _named(names: Iterable[str]) -> dict[str, ResourceProvider]:
    rows = ResourceProvider.objects.filter(name__in=list(names)).select_related("root")
    return {row.name: row for row in rows}
