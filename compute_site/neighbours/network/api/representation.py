"""Networks, subnets, ports and security groups as the network API v2.0 shows them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.network.api.shapes import QOS_COLUMNS
from compute_site.neighbours.network.local.interfaces import Interface
from compute_site.neighbours.network.local.rows import normal_range
from compute_site.neighbours.network.local.scopes import scopes_of
from compute_site.neighbours.network.local.zones import zones
from compute_site.neighbours.network.models import (
    EVERYBODY,
    EXTERNAL,
    SHARED,
    AddressGroup,
    AddressScope,
    FloatingIp,
    Network,
    NetworkAccess,
    Port,
    PortBinding,
    QosPolicy,
    QosRule,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    SubnetPool,
)
from compute_site.neighbours.service_view import iso


def _shared(row: Any) -> dict[str, Any]:
    """The keys that all objects of the service have; ``row`` is ``Described``."""
    return {
        "project_id": row.project_id,
        "tenant_id": row.project_id,
        "description": row.description,
        "tags": row.tags,
        "revision_number": row.revision_number,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
    }


def show_network(network: Network, project_id: str) -> dict[str, Any]:
    """``network`` comes with its ``accesses``, and its ``subnets`` with their ``pool``; who looks
    is of that project.
    """
    scopes = scopes_of(network)
    reaching = (project_id, EVERYBODY)
    opened = {one.action for one in network.accesses.all() if one.target_project in reaching}
    outside = any(one.action == EXTERNAL for one in network.accesses.all())
    return {
        **_shared(network),
        "id": str(network.pk),
        "name": network.name,
        "status": network.status,
        "admin_state_up": network.admin_state_up,
        "shared": network.shared or SHARED in opened,
        "router:external": network.external or outside,
        "is_default": network.is_default,
        "mtu": network.mtu,
        "port_security_enabled": network.port_security_enabled,
        "subnets": [str(subnet.pk) for subnet in network.subnets.all()],
        "availability_zones": [],
        "availability_zone_hints": network.availability_zone_hints,
        "qos_policy_id": _id_or_none(network.qos_policy_id),
        "ipv4_address_scope": _id_or_none(scopes.get(4)),
        "ipv6_address_scope": _id_or_none(scopes.get(6)),
    }


def show_provider(network: Network) -> dict[str, Any]:
    """The provider attributes of a network; each key is shown to callers who hold its rule."""
    return {
        "provider:network_type": network.network_type,
        "provider:physical_network": network.physical_network,
        "provider:segmentation_id": network.segmentation_id,
    }


def show_qos_policy(policy: QosPolicy) -> dict[str, Any]:
    """``policy`` comes with its ``rules``."""
    return {
        **_shared(policy),
        "id": str(policy.pk),
        "name": policy.name,
        "shared": policy.shared,
        "is_default": False,
        "rules": [
            {
                **show_qos_rule(rule, QOS_COLUMNS[rule.kind]),
                "type": rule.kind,
                "qos_policy_id": str(policy.pk),
            }
            for rule in sorted(policy.rules.all(), key=lambda rule: (rule.kind, rule.direction))
        ],
    }


def show_qos_rule(rule: QosRule, columns: Mapping[str, str]) -> dict[str, Any]:
    """``columns`` are those of the keys of the kind."""
    return {"id": str(rule.pk), **{key: getattr(rule, name) for key, name in columns.items()}}


def show_access(access: NetworkAccess) -> dict[str, Any]:
    return {
        "id": str(access.pk),
        "project_id": access.project_id,
        "tenant_id": access.project_id,
        "object_type": "network",
        "object_id": str(access.network_id),
        "action": access.action,
        "target_tenant": access.target_project,
    }


def show_subnet(subnet: Subnet) -> dict[str, Any]:
    """``subnet`` comes with its ``network`` and the ``accesses`` of that."""
    return {
        **_shared(subnet),
        "id": str(subnet.pk),
        "name": subnet.name,
        "network_id": str(subnet.network_id),
        "cidr": subnet.cidr,
        "ip_version": subnet.ip_version,
        "gateway_ip": subnet.gateway_ip,
        "enable_dhcp": subnet.enable_dhcp,
        "allocation_pools": subnet.allocation_pools,
        "dns_nameservers": subnet.dns_nameservers,
        "host_routes": subnet.host_routes,
        "ipv6_address_mode": subnet.ipv6_address_mode,
        "ipv6_ra_mode": subnet.ipv6_ra_mode,
        "router:external": subnet.network.external
        or any(one.action == EXTERNAL for one in subnet.network.accesses.all()),
        "service_types": subnet.service_types,
        "subnetpool_id": _id_or_none(subnet.pool_id),
    }


def show_scope(scope: AddressScope) -> dict[str, Any]:
    return {
        "id": str(scope.pk),
        "project_id": scope.project_id,
        "tenant_id": scope.project_id,
        "name": scope.name,
        "shared": scope.shared,
        "ip_version": scope.ip_version,
    }


def show_pool(pool: SubnetPool) -> dict[str, Any]:
    return {
        **_shared(pool),
        "id": str(pool.pk),
        "name": pool.name,
        "shared": pool.shared,
        "is_default": pool.is_default,
        "ip_version": pool.ip_version,
        "prefixes": pool.prefixes,
        # as texts, as Neutron shows them
        "min_prefixlen": str(pool.min_prefixlen),
        "max_prefixlen": str(pool.max_prefixlen),
        "default_prefixlen": str(pool.default_prefixlen),
        "default_quota": pool.default_quota,
        "address_scope_id": _id_or_none(pool.scope_id),
    }


def _id_or_none(key: uuid.UUID | None) -> str | None:
    return None if key is None else str(key)


def show_port(port: Port) -> dict[str, Any]:
    """``port`` comes with its ``fixed_ips`` and ``security_groups``."""
    return {
        **_shared(port),
        "id": str(port.pk),
        "name": port.name,
        "network_id": str(port.network_id),
        "mac_address": port.mac_address,
        "status": port.status,
        "admin_state_up": port.admin_state_up,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "fixed_ips": _addresses(port),
        "security_groups": [str(group.pk) for group in port.security_groups.all()],
        "port_security_enabled": port.port_security_enabled,
        "allowed_address_pairs": port.allowed_address_pairs,
        "extra_dhcp_opts": port.extra_dhcp_opts,
        "dns_name": port.dns_name,
        "dns_assignment": [],
        "ip_allocation": port.ip_allocation,
        "binding:vnic_type": port.vnic_type,
        "propagate_uplink_status": False,
        "qos_policy_id": _id_or_none(port.qos_policy_id),
    }


def show_binding(port: Port) -> dict[str, Any]:
    """The binding of a port, its resource request and more; some keys have rules of their own."""
    return {
        "binding:host_id": port.binding_host,
        "binding:vif_type": port.vif_type,
        "binding:vif_details": {},
        "binding:profile": port.binding_profile,
        "resource_request": port.resource_request,
        "numa_affinity_policy": port.numa_affinity_policy,
        "device_profile": port.device_profile,
        "trusted": port.trusted,
    }


def show_host_binding(binding: PortBinding, *, active: bool = False) -> dict[str, Any]:
    return {
        "host": binding.host,
        "vnic_type": binding.vnic_type,
        "vif_type": binding.vif_type,
        "vif_details": {},
        "profile": binding.profile,
        "status": "ACTIVE" if active else "INACTIVE",
    }


def show_security_group(group: SecurityGroup) -> dict[str, Any]:
    """``group`` comes with its ``rules``."""
    return {
        **_shared(group),
        "id": str(group.pk),
        "name": group.name,
        "stateful": group.stateful,
        "shared": False,
        "security_group_rules": [show_rule(rule) for rule in group.rules.all()],
    }


def show_rule(rule: SecurityGroupRule) -> dict[str, Any]:
    """``rule`` comes with its ``group``."""
    return {
        "project_id": rule.group.project_id,
        "tenant_id": rule.group.project_id,
        "tags": [],
        "revision_number": 0,
        "created_at": iso(rule.created_at),
        "updated_at": iso(rule.created_at),
        "id": str(rule.pk),
        "security_group_id": str(rule.group_id),
        "direction": rule.direction,
        "ethertype": rule.ethertype,
        "protocol": rule.protocol,
        "port_range_min": rule.port_range_min,
        "port_range_max": rule.port_range_max,
        "remote_ip_prefix": rule.remote_ip_prefix,
        "normalized_cidr": normal_range(rule.remote_ip_prefix),
        "remote_group_id": _id_or_none(rule.remote_group_id),
        "remote_address_group_id": _id_or_none(rule.remote_address_group_id),
        "description": rule.description,
    }


def show_address_group(group: AddressGroup) -> dict[str, Any]:
    """Neutron tags all things but these and rules."""
    shown = _shared(group)
    shown.pop("tags")
    return {
        **shown,
        "id": str(group.pk),
        "name": group.name,
        "addresses": group.addresses,
    }


def show_router(router: Router) -> dict[str, Any]:
    """``router`` comes with its ``gateway`` and the ``fixed_ips`` of that."""
    return {
        **_shared(router),
        "id": str(router.pk),
        "name": router.name,
        "status": router.status,
        "admin_state_up": router.admin_state_up,
        "external_gateway_info": _show_gateway(router),
        "routes": router.routes,
        "ha": False,
        "distributed": False,
        "availability_zones": router.availability_zone_hints or list(zones()),
        "availability_zone_hints": router.availability_zone_hints,
    }


def _show_gateway(router: Router) -> dict[str, Any] | None:
    if router.gateway is None:
        return None
    return {
        "network_id": str(router.gateway.network_id),
        "external_fixed_ips": _addresses(router.gateway),
        "enable_snat": router.enable_snat,
    }


def _addresses(port: Port) -> list[dict[str, str]]:
    return [
        {"subnet_id": str(fixed_ip.subnet_id), "ip_address": fixed_ip.address}
        for fixed_ip in port.fixed_ips.all()
    ]


def show_interface(interface: Interface) -> dict[str, Any]:
    return {
        "id": str(interface.router.pk),
        "project_id": interface.project_id,
        "tenant_id": interface.project_id,
        "port_id": str(interface.port_id),
        "network_id": str(interface.network_id),
        "subnet_id": str(interface.subnets[-1]),
        "subnet_ids": [str(subnet_id) for subnet_id in interface.subnets],
    }


def show_floating_ip(floating_ip: FloatingIp) -> dict[str, Any]:
    """``floating_ip`` comes with its ``outside`` port and its ``port``."""
    port, router = floating_ip.port, floating_ip.router_id
    details = None
    if port is not None:
        details = {
            "name": port.name,
            "network_id": str(port.network_id),
            "mac_address": port.mac_address,
            "admin_state_up": port.admin_state_up,
            "status": port.status,
            "device_id": port.device_id,
            "device_owner": port.device_owner,
        }
    return {
        **_shared(floating_ip),
        "id": str(floating_ip.pk),
        "floating_network_id": str(floating_ip.outside.network_id),
        "floating_ip_address": floating_ip.address,
        "port_id": None if port is None else str(port.pk),
        "fixed_ip_address": None if port is None else floating_ip.fixed_address,
        "router_id": None if port is None or router is None else str(router),
        "status": "DOWN" if port is None else "ACTIVE",
        "port_details": details,
        "dns_name": "",
        "dns_domain": "",
    }
