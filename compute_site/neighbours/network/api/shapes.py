"""The objects of the network API v2.0: their keys and the types of the values."""

from __future__ import annotations

from collections.abc import Mapping

from compute_site.keys import (
    IGNORED,
    Key,
    address,
    between,
    cidr,
    filled_line,
    filled_text,
    flag,
    kept_mapping,
    line,
    list_of,
    mac,
    one_of,
    optional,
    positive,
    record,
    up_to,
    uuid_text,
    whole,
    without,
)

PROJECT = Key(line, required=True, other_name="tenant_id")
COMMON = dict.fromkeys(("created_at", "updated_at", "revision_number", "tags"), IGNORED)
IPV6_MODE = Key(one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless"))
POOL = {"start": Key(address, required=True), "end": Key(address, required=True)}
FIXED_IP = {"ip_address": Key(address), "subnet_id": Key(uuid_text)}


def protocol(value: object) -> str | None:
    """The name or number of an IP protocol; ``any`` becomes ``None``."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(protocol_number(value))
    word = str(protocol_name(value)).lower()
    if word.isascii() and word.isdigit():
        return str(protocol_number(int(word)))
    return None if word == "any" else word


protocol_name = up_to(16, filled_text)
protocol_number = between(0, 255)
port_number = between(0, 65535)
word = up_to(16)
"""What the columns of kinds and states hold."""


NETWORK: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "project_id": PROJECT,
    "shared": Key(flag, default=False),
    "router:external": Key(flag, default=False),
    "is_default": Key(flag, default=False),
    "admin_state_up": Key(flag, default=True),
    "status": Key(word, default="ACTIVE"),
    "mtu": Key(positive, default=1450),
    "port_security_enabled": Key(flag, default=True),
    "provider:network_type": Key(up_to(16, filled_text), default="vxlan"),
    "provider:physical_network": Key(up_to(64)),
    "provider:segmentation_id": Key(whole),
    "subnets": IGNORED,
    "description": IGNORED,
    "availability_zones": IGNORED,
    "availability_zone_hints": IGNORED,
    "ipv4_address_scope": IGNORED,
    "ipv6_address_scope": IGNORED,
    "l2_adjacency": IGNORED,
    "vlan_transparent": IGNORED,
    "dns_domain": IGNORED,
    "qos_policy_id": IGNORED,
    **COMMON,
}

SUBNET: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "network_id": Key(uuid_text, required=True),
    "project_id": PROJECT,
    "cidr": Key(cidr, required=True),
    "ip_version": Key(one_of(4, 6)),
    "gateway_ip": Key(address),
    "enable_dhcp": Key(flag, default=True),
    "allocation_pools": Key(list_of(record(POOL))),
    "dns_nameservers": Key(list_of(address, most=5), default=[]),
    "ipv6_address_mode": IPV6_MODE,
    "ipv6_ra_mode": IPV6_MODE,
    "description": IGNORED,
    "host_routes": IGNORED,
    "service_types": IGNORED,
    "segment_id": IGNORED,
    "subnetpool_id": IGNORED,
    "dns_publish_fixed_ip": IGNORED,
    **COMMON,
}

PORT: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "network_id": Key(uuid_text, required=True),
    "project_id": PROJECT,
    "mac_address": Key(mac),
    "fixed_ips": Key(list_of(record(FIXED_IP)), default=[]),
    "device_id": Key(line, default=""),
    "device_owner": Key(line, default=""),
    "status": Key(word, default="DOWN"),
    "admin_state_up": Key(flag, default=True),
    "port_security_enabled": Key(flag, default=True),
    "security_groups": Key(list_of(uuid_text)),
    "binding:vnic_type": Key(up_to(32, filled_text), default="normal"),
    "binding:vif_type": Key(up_to(32), default="unbound"),
    "binding:host_id": Key(line, default=""),
    "binding:profile": Key(kept_mapping, default={}),
    "ip_allocation": Key(one_of("immediate", "deferred", "none"), default="immediate"),
    "resource_request": Key(kept_mapping),
    "numa_affinity_policy": Key(one_of("required", "preferred", "legacy", "socket")),
    "device_profile": Key(line),
    "dns_name": Key(line, default=""),
    "description": IGNORED,
    "allowed_address_pairs": IGNORED,
    "binding:vif_details": IGNORED,
    "dns_assignment": IGNORED,
    "extra_dhcp_opts": IGNORED,
    "propagate_uplink_status": IGNORED,
    "qos_network_policy_id": IGNORED,
    "qos_policy_id": IGNORED,
    **COMMON,
}

RULE: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "security_group_id": Key(uuid_text, required=True),
    "direction": Key(one_of("ingress", "egress"), required=True),
    "ethertype": Key(one_of("IPv4", "IPv6"), default="IPv4"),
    "protocol": Key(protocol),
    "port_range_min": Key(port_number),
    "port_range_max": Key(port_number),
    "remote_ip_prefix": Key(cidr),
    "remote_group_id": Key(uuid_text),
    "description": Key(line, default=""),
    "project_id": Key(line, other_name="tenant_id"),
    "remote_address_group_id": IGNORED,
    **COMMON,
}
RULE_OF_GROUP = optional(without(RULE, "id"), "security_group_id")

SECURITY_GROUP: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(filled_line, required=True),
    "description": Key(line, default=""),
    "project_id": PROJECT,
    "security_group_rules": Key(list_of(record(RULE_OF_GROUP))),
    "stateful": IGNORED,
    "shared": IGNORED,
    **COMMON,
}

# Requests may not set ids and states; the project is by default the caller's.
NEW_NETWORK = optional(without(NETWORK, "id", "status"), "project_id")
NEW_SUBNET = optional(without(SUBNET, "id"), "project_id")
NEW_PORT = optional(without(PORT, "id", "status", "binding:vif_type"), "project_id")
NEW_SECURITY_GROUP = optional(without(SECURITY_GROUP, "id", "security_group_rules"), "project_id")
NEW_RULE = without(RULE, "id")
CHANGED_NETWORK = optional(without(NEW_NETWORK, "project_id"))
CHANGED_SUBNET = optional(without(NEW_SUBNET, "project_id", "network_id", "cidr", "ip_version"))
CHANGED_PORT = optional(without(NEW_PORT, "project_id", "network_id", "mac_address"))
CHANGED_SECURITY_GROUP = optional(without(NEW_SECURITY_GROUP, "project_id"))
CHANGED_RULE = {"description": Key(line, default="")}
NEW_FLOATING_IP: Mapping[str, Key] = {
    "floating_network_id": Key(uuid_text, required=True),
    "floating_ip_address": Key(address),
    "subnet_id": Key(uuid_text),
    "port_id": Key(uuid_text),
    "fixed_ip_address": Key(address),
    "description": Key(line, default=""),
    "project_id": Key(line, other_name="tenant_id"),
    "dns_name": IGNORED,
    "dns_domain": IGNORED,
    "qos_policy_id": IGNORED,
    "distributed": IGNORED,
}
CHANGED_FLOATING_IP = {
    key: NEW_FLOATING_IP[key] for key in ("port_id", "fixed_ip_address", "description")
}
