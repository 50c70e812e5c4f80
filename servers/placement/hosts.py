"""Reads the hosts as the scheduler sees them: a constant number of statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from compute_site.words import parse_uuid
from servers.hosts.zones import zone_of_hosts
from servers.models import ComputeNode, Instance, ResourceProvider, ServerGroup
from servers.models.host import COMPUTE_BINARY
from servers.placement.demand import Demand
from servers.placement.schedule import HostState


def read_hosts(
    demand: Demand,
    group: ServerGroup | None,
    *,
    lock: bool = False,
    moving: Instance | None = None,
) -> list[HostState]:
    """All hosts; with ``lock`` nobody else can take anything of them until the transaction ends.
    A server that is ``moving`` does not count among the members of its group.
    """
    nodes = ComputeNode.objects.filter(service__binary=COMPUTE_BINARY, provider__isnull=False)
    nodes = nodes.select_related("service__cell", "provider").order_by("pk")
    nodes = nodes.prefetch_related("provider__traits")
    if lock:
        ResourceProvider.objects.lock_trees(nodes.values_list("provider", flat=True))
    zones = zone_of_hosts()
    members = _members_by_host(group, moving)
    named = _servers_by_host(demand)
    return [_state(node, zones, members, named) for node in nodes]


def lock_group(group: ServerGroup | None) -> None:
    """Nobody else places members of the group until the transaction ends."""
    if group is not None:
        list(ServerGroup.objects.select_for_update(no_key=True).filter(pk=group.pk))


def _state(
    node: ComputeNode,
    zones: Mapping[str, str],
    members: Mapping[str, int],
    named: Mapping[str, set[str]],
) -> HostState:
    service = node.service
    return HostState(
        node_id=node.pk,
        provider_id=node.provider.pk,
        host=service.host,
        node=node.hypervisor_hostname,
        cell_id=service.cell_id,
        zone=zones[service.host],
        enabled=not service.disabled,
        cell_enabled=not service.cell.disabled,
        up=_is_up(node),
        free_vcpus=node.free_vcpus,
        free_memory_mb=node.free_memory_mb,
        free_disk_gb=node.free_disk_gb,
        vcpus=node.vcpus,
        memory_mb=node.memory_mb,
        disk_gb=node.local_gb,
        traits=frozenset(row.trait for row in node.provider.traits.all()),
        members=members.get(service.host, 0),
        servers=frozenset(named.get(service.host, ())),
    )


def _is_up(node: ComputeNode) -> bool:
    service = node.service
    service.node = node  # spare the statement that would look it up
    return service.is_up


def _members_by_host(group: ServerGroup | None, moving: Instance | None) -> Mapping[str, int]:
    if group is None:
        return {}
    hosts = Instance.objects.alive().filter(group_membership__group=group, host__isnull=False)
    if moving is not None:
        hosts = hosts.exclude(pk=moving.pk)
    return Counter(str(host) for host in hosts.values_list("host", flat=True))


def _servers_by_host(demand: Demand) -> Mapping[str, set[str]]:
    """Where the servers lie that the hints name; a text that is no id names none."""
    ids = [word for word in demand.near_servers | demand.apart_servers if parse_uuid(word)]
    if not ids:
        return {}
    found: dict[str, set[str]] = {}
    servers = Instance.objects.alive().filter(uuid__in=ids, host__isnull=False)
    for server_id, host in servers.values_list("uuid", "host"):
        found.setdefault(str(host), set()).add(str(server_id))
    return found
