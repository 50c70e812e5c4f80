"""Reads networks, ports, groups and quotas of a Neutron elsewhere."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.db.statements import Statement
from compute_site.neighbours.elsewhere.faults import Refused
from compute_site.neighbours.ids import canonical_ids, is_address
from compute_site.neighbours.network import policies
from compute_site.neighbours.network.openstack.service import NEUTRON, Object, read_list, read_one
from compute_site.neighbours.network.protocol import (
    NetworkData,
    PortData,
    PortQuotaData,
    SecurityGroupData,
)
from compute_site.values.words import is_canonical

SHARED_POLICY = "access_as_shared"
NO_LIMIT = -1


def find_networks(caller: Caller, ids: Collection[str]) -> dict[str, NetworkData]:
    if not _texts(ids):
        return {}
    caller.permit(policies.GET_NETWORK)
    return look_up_networks(caller, ids)


def look_up_networks(caller: Caller, ids: Collection[str]) -> dict[str, NetworkData]:
    """As ``find_networks``, for builds, which need no right to see them."""
    wanted = _texts(ids)
    found = read_list("networks", id=wanted)
    opened = _opened(caller, found)
    return {
        network["id"]: _network(network, opened)
        for network in found
        if _is_seen(caller, network, opened) or network["router:external"]
    }


def available_networks(caller: Caller) -> Sequence[NetworkData]:
    caller.permit(policies.GET_NETWORK)
    return offered_networks(caller)


def offered_networks(caller: Caller) -> Sequence[NetworkData]:
    """As ``available_networks``, for builds."""
    own = read_list("networks", project_id=caller.project_id)
    shared = read_list("networks", shared=True)
    opened = _opened_by_policies(caller)
    missing = opened - {network["id"] for network in (*own, *shared)}
    others = read_list("networks", id=sorted(missing)) if missing else []
    found = {network["id"]: network for network in (*own, *shared, *others)}
    return [_network(network, opened) for network in found.values()]


def lookups(caller: Caller, ids: Collection[str] | None) -> Sequence[Statement]:
    return ()


def find_pools(caller: Caller) -> Sequence[NetworkData]:
    caller.permit(policies.GET_NETWORK)
    return [_network(network, ()) for network in read_list("networks", **{"router:external": True})]


def can_auto_allocate(caller: Caller) -> bool:
    """Neutron answers a trial; without its extension for that it knows no such path."""
    try:
        read_one("auto-allocated-topology", caller.project_id, fields="dry-run")
    except Refused:
        return False
    return True


def find_ports(caller: Caller, ids: Collection[str]) -> dict[str, PortData]:
    wanted = _texts(ids)
    if not wanted:
        return {}
    caller.permit(policies.GET_PORT)
    ports = [
        port
        for port in read_list("ports", id=wanted)
        if caller.is_admin or port["project_id"] == caller.project_id
    ]
    networks = read_by_id("networks", {port["network_id"] for port in ports})
    return {port["id"]: _port(port, networks.get(port["network_id"], {})) for port in ports}


def taken_addresses(caller: Caller, wanted: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    return {
        (network_id, address)
        for network_id, address in wanted
        if is_canonical(network_id) and is_address(address) and _is_taken(network_id, address)
    }


def free_addresses(caller: Caller, ids: Collection[str]) -> dict[str, dict[str, int | None]]:
    free: dict[str, dict[str, int | None]] = {}
    for network_id in find_networks(caller, ids):
        found = read_one("network-ip-availabilities", network_id)
        free[network_id] = {
            subnet["subnet_id"]: max(0, subnet["total_ips"] - subnet["used_ips"])
            for subnet in found["subnet_ip_availability"]
        }
    return free


def port_quota(caller: Caller) -> PortQuotaData:
    answer = NEUTRON.call("GET", f"/quotas/{caller.project_id}/details")
    return NEUTRON.read(answer, lambda body: _quota(body["quota"]["port"]))


def _quota(shown: Mapping[str, int]) -> PortQuotaData:
    if shown["limit"] == NO_LIMIT:
        return PortQuotaData(limit=NO_LIMIT, used=0)
    return PortQuotaData(limit=shown["limit"], used=shown["used"] + shown["reserved"])


def find_security_groups(caller: Caller, names: Collection[str]) -> Sequence[SecurityGroupData]:
    if not names:
        return []
    caller.permit(policies.GET_GROUP)
    return look_up_groups(caller, names)


def look_up_groups(caller: Caller, names: Collection[str]) -> Sequence[SecurityGroupData]:
    """As ``find_security_groups``, for builds."""
    fields = ("id", "name", "stateful")
    own = read_list("security-groups", project_id=caller.project_id, fields=fields)
    return [
        SecurityGroupData(
            id=group["id"], name=group["name"], stateful=bool(group.get("stateful", True))
        )
        for group in own
        if group["id"] in names or group["name"] in names
    ]


def read_by_id(kind: str, ids: Collection[str], **more: Any) -> dict[str, Object]:
    if not ids:
        return {}
    return {found["id"]: found for found in read_list(kind, id=sorted(ids), **more)}


def _opened(caller: Caller, networks: Sequence[Object]) -> Collection[str]:
    """The ids of those networks that are opened to the caller's project and no other way."""
    if all(_is_seen(caller, network, ()) for network in networks):
        return ()
    return _opened_by_policies(caller)


def _opened_by_policies(caller: Caller) -> set[str]:
    found = read_list(
        "rbac-policies",
        object_type="network",
        action=SHARED_POLICY,
        target_tenant=caller.project_id,
    )
    return {one["object_id"] for one in found if one["target_tenant"] == caller.project_id}


def _is_seen(caller: Caller, network: Object, opened: Collection[str]) -> bool:
    own = caller.is_admin or network["project_id"] == caller.project_id
    return own or bool(network["shared"]) or network["id"] in opened


def _is_taken(network_id: str, address: str) -> bool:
    plain = str(ipaddress.ip_address(address))
    held = read_list("ports", network_id=network_id, fixed_ips=f"ip_address={plain}", fields="id")
    return bool(held)


def _network(network: Object, opened: Collection[str]) -> NetworkData:
    return NetworkData(
        id=network["id"],
        name=network["name"],
        project_id=network["project_id"],
        shared=bool(network["shared"]) or network["id"] in opened,
        external=bool(network["router:external"]),
        has_subnet=bool(network["subnets"]),
        port_security_enabled=network.get("port_security_enabled", True),
        **carrier_of(network),
    )


def carrier_of(network: Object) -> dict[str, Any]:
    """How a network is carried; of one with several segments, the one on a physical network."""
    segments = network.get("segments") or [network]
    chosen = next((one for one in segments if one.get("provider:physical_network")), segments[0])
    return {
        "network_type": chosen.get("provider:network_type"),
        "physical_network": chosen.get("provider:physical_network"),
    }


def _port(port: Object, network: Mapping[str, Any]) -> PortData:
    return PortData(
        id=port["id"],
        network_id=port["network_id"],
        project_id=port["project_id"],
        device_id=port["device_id"],
        addresses=tuple(fixed["ip_address"] for fixed in port["fixed_ips"]),
        ip_allocation=port.get("ip_allocation") or "immediate",
        vnic_type=port.get("binding:vnic_type") or "normal",
        binding_profile=port.get("binding:profile") or {},
        resource_request=port.get("resource_request"),
        numa_affinity_policy=port.get("numa_affinity_policy"),
        device_profile=port.get("device_profile"),
        **carrier_of(network),
    )


def _texts(ids: Collection[str]) -> list[str]:
    return [str(one) for one in canonical_ids(ids)]
