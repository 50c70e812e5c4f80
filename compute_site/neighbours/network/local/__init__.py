"""The network service that stores its objects in this database.

How servers get and lose their NICs is in ``connect``.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from compute_site.caller import Caller
from compute_site.db.compiled import MOST_VALUES, CompiledQuery
from compute_site.db.statements import Statement
from compute_site.neighbours.ids import canonical_ids, is_address
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.local.addresses import count_free
from compute_site.neighbours.network.local.attached import attached_ports
from compute_site.neighbours.network.local.bindings import forget_move, prepare_move
from compute_site.neighbours.network.local.carried import (
    find_carried,
    find_carriers,
    find_carriers_of,
)
from compute_site.neighbours.network.local.connect import (
    connect,
    connect_all,
    disconnect,
    nics,
    plug,
    rebind,
    unplug,
)
from compute_site.neighbours.network.local.groups import (
    change_group,
    create_group,
    create_group_rule,
    delete_group,
    delete_group_rule,
    find_group_rule,
    list_groups,
)
from compute_site.neighbours.network.local.leases import (
    find_floating_ips,
    give_floating_ip_up,
    take_floating_ip,
)
from compute_site.neighbours.network.local.limits import port_quota, port_quota_statement
from compute_site.neighbours.network.local.on_ports import (
    add_address,
    add_group,
    find_floating_ip,
    lend_floating_ip,
    remove_address,
    remove_group,
    take_back_floating_ip,
)
from compute_site.neighbours.network.local.wiring import find_wiring
from compute_site.neighbours.network.models import (
    FixedIp,
    Network,
    NetworkQuerySet,
    Port,
    SecurityGroup,
    Subnet,
)
from compute_site.neighbours.network.protocol import (
    NetworkData,
    PortData,
    SecurityGroupData,
)
from compute_site.values.words import is_canonical

__all__ = [
    "add_address",
    "add_group",
    "attached_ports",
    "available_networks",
    "can_auto_allocate",
    "change_group",
    "connect",
    "connect_all",
    "create_group",
    "create_group_rule",
    "delete_group",
    "delete_group_rule",
    "disconnect",
    "find_carried",
    "find_carriers",
    "find_carriers_of",
    "find_floating_ip",
    "find_floating_ips",
    "find_group_rule",
    "find_networks",
    "find_pools",
    "find_ports",
    "find_security_groups",
    "find_wiring",
    "forget_move",
    "free_addresses",
    "give_floating_ip_up",
    "lend_floating_ip",
    "list_groups",
    "lookups",
    "nics",
    "plug",
    "port_quota",
    "prepare_move",
    "rebind",
    "remove_address",
    "remove_group",
    "take_back_floating_ip",
    "take_floating_ip",
    "taken_addresses",
    "unplug",
]

NETWORK_VALUES = (
    "pk",
    "name",
    "project_id",
    "shared_here",
    "leads_out",
    "has_subnet",
    "port_security_enabled",
    "network_type",
    "physical_network",
)


def _network_values(networks: NetworkQuerySet, project_id: str) -> QuerySet[Any, Any]:
    subnets = Subnet.objects.filter(network=OuterRef("pk"))
    told = networks.told_to(project_id).annotate(has_subnet=Exists(subnets))
    return told.values_list(*NETWORK_VALUES)


FIND_NETWORKS = CompiledQuery(
    lambda caller, *ids: _network_values(
        Network.objects.visible_to(caller).filter(pk__in=ids), caller.project_id
    )
)
OFFERED_NETWORKS = CompiledQuery(
    lambda caller: _network_values(
        Network.objects.offered_to(caller.project_id).order_by("created_at", "pk"),
        caller.project_id,
    )
)


def find_networks(caller: Caller, ids: Collection[str]) -> dict[str, NetworkData]:
    wanted = canonical_ids(ids)
    if not wanted:
        return {}
    caller.permit(policies.GET_NETWORK)
    return {str(row[0]): _describe_network(row) for row in FIND_NETWORKS.rows(caller, *wanted)}


def available_networks(caller: Caller) -> Sequence[NetworkData]:
    caller.permit(policies.GET_NETWORK)
    return [_describe_network(row) for row in OFFERED_NETWORKS.rows(caller)]


def lookups(caller: Caller, ids: Collection[str] | None) -> Sequence[Statement]:
    quota = port_quota_statement(caller)
    if ids is None:
        return [OFFERED_NETWORKS.statement(caller), quota]
    wanted = canonical_ids(ids)
    if 0 < len(wanted) <= MOST_VALUES:
        return [FIND_NETWORKS.statement(caller, *wanted), quota]
    return []


def find_pools(caller: Caller) -> Sequence[NetworkData]:
    caller.permit(policies.GET_NETWORK)
    external = Network.objects.visible_to(caller).leading_out().order_by("created_at", "pk")
    return [_describe_network(row) for row in _network_values(external, caller.project_id)]


def can_auto_allocate(caller: Caller) -> bool:  # noqa: ARG001 - the same for every caller
    return Network.objects.filter(external=True, is_default=True).exists()


def find_ports(caller: Caller, ids: Collection[str]) -> dict[str, PortData]:
    wanted = canonical_ids(ids)
    if not wanted:
        return {}
    caller.permit(policies.GET_PORT)
    found = (
        Port.objects.visible_to(caller)
        .filter(pk__in=wanted)
        .select_related("network")
        .prefetch_related("fixed_ips")
    )
    return {str(port.pk): _describe_port(port) for port in found}


def free_addresses(caller: Caller, ids: Collection[str]) -> dict[str, dict[str, int | None]]:
    networks = find_networks(caller, ids)
    subnets = list(Subnet.objects.filter(network__in=list(networks)).order_by("network", "pk"))
    free: dict[str, dict[str, int | None]] = {network: {} for network in networks}
    for subnet, number in count_free(subnets) if subnets else ():
        free[str(subnet.network_id)][str(subnet.pk)] = number
    return free


def taken_addresses(caller: Caller, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    parsed = {
        (network_id, ipaddress.ip_address(address)): (network_id, address)
        for network_id, address in wanted
        if is_canonical(network_id) and is_address(address)
    }
    if not parsed:
        return set()
    condition = Q()
    for network_id, address in parsed:
        condition |= Q(network=network_id, address=str(address))
    held = FixedIp.objects.filter(condition)
    if not caller.is_admin:
        held = held.filter(port__project=caller.project_id)
    rows = held.values_list("network_id", "address")
    keys = ((str(network_id), ipaddress.ip_address(address)) for network_id, address in rows)
    return {parsed[key] for key in keys}


def find_security_groups(caller: Caller, names: Collection[str]) -> Sequence[SecurityGroupData]:
    if not names:
        return []
    caller.permit(policies.GET_GROUP)
    found = SecurityGroup.objects.filter(
        Q(name__in=names) | Q(pk__in=canonical_ids(names)), project=caller.project_id
    )
    return [
        SecurityGroupData(id=str(group_id), name=name, stateful=stateful)
        for group_id, name, stateful in found.order_by("created_at", "pk").values_list(
            "pk", "name", "stateful"
        )
    ]


def _describe_network(row: tuple[Any, ...]) -> NetworkData:
    values = dict(zip(NETWORK_VALUES, row, strict=True))
    return NetworkData(
        id=str(values.pop("pk")),
        network_type=values.pop("network_type") or None,
        shared=values.pop("shared_here"),
        external=values.pop("leads_out"),
        **values,
    )


def _describe_port(port: Port) -> PortData:
    return PortData(
        id=str(port.pk),
        network_id=str(port.network_id),
        project_id=port.project_id,
        device_id=port.device_id,
        addresses=tuple(fixed_ip.address for fixed_ip in port.fixed_ips.all()),
        ip_allocation=port.ip_allocation,
        vnic_type=port.vnic_type,
        binding_profile=port.binding_profile,
        resource_request=port.resource_request,
        numa_affinity_policy=port.numa_affinity_policy,
        device_profile=port.device_profile,
        network_type=port.network.network_type or None,
        physical_network=port.network.physical_network,
    )
