"""The objects of the network API v2.0: their keys and the types of the values."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from compute_site.neighbours.network.local.tags import LONGEST_TAG, read_tags
from compute_site.neighbours.network.models import (
    ANY_DIRECTION,
    BANDWIDTH_LIMIT,
    DSCP_MARKING,
    EGRESS,
    EVERYBODY,
    EXTERNAL,
    INGRESS,
    MINIMUM_BANDWIDTH,
    MINIMUM_PACKET_RATE,
    PROTOCOLS,
    SHARED,
)
from compute_site.values.keys import (
    IGNORED,
    LARGEST_INT,
    Key,
    Reader,
    WrongValue,
    address,
    between,
    cidr,
    destination,
    filled_line,
    filled_text,
    flag,
    kept_mapping,
    line,
    list_of,
    mac,
    mapping,
    one_of,
    optional,
    prefix,
    project_id,
    record,
    shown,
    text,
    unsupported,
    up_to,
    uuid_text,
    whole,
    without,
)
from compute_site.values.words import LOOSE_FALSE, LOOSE_TRUE

PROJECT = Key(line, required=True, other_name="tenant_id")
COMMON = dict.fromkeys(("created_at", "updated_at", "revision_number"), IGNORED)
"""In a cloud file that was made from answers of the API; requests cannot set them."""
SHOWN = tuple(COMMON)
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
    if word == "any":
        return None
    if word not in PROTOCOLS:
        raise WrongValue(f"give a number or one of {', '.join(PROTOCOLS)}, not {shown(value)}")
    return word


protocol_name = up_to(255, filled_text)
protocol_number = between(0, 255)


def as_number(read: Reader) -> Reader:
    """A whole number, also as the text of its digits, as Neutron converts it."""

    def read_number(value: object) -> object:
        is_text = isinstance(value, str) and value.isascii() and value.isdigit()
        return read(int(value) if is_text and len(str(value)) < MOST_DIGITS else value)  # type: ignore[call-overload] # it is a text of digits

    return read_number


def loose_flag(value: object) -> bool:
    """True or false, also as a word or number, as Neutron converts them."""
    word = str(value).lower() if isinstance(value, str | int) else ""
    if word in LOOSE_TRUE:
        return True
    if word in LOOSE_FALSE:
        return False
    return flag(value)


def any_mac(value: object) -> str:
    """A MAC address in letters of any size."""
    return mac(value.lower() if isinstance(value, str) else value)


def one_mac(value: object) -> str:
    """A MAC address, in letters of any size, that only one NIC can have."""
    found = any_mac(value)
    if int(found[:2], 16) & 1:
        raise WrongValue(f"give the MAC address of one NIC; {found} is that of a group")
    return found


def ether_type(value: object) -> str:
    known = {"ipv4": "IPv4", "ipv6": "IPv6"}
    return str(one_of("IPv4", "IPv6")(known.get(str(value).lower(), value)))


def address_or_range(value: object) -> str:
    """An address or a range of them, as it was given but for its spelling."""
    return cidr(value) if "/" in text(value) else address(value)


def dns_name(value: object) -> str:
    """The name of a host, in small letters, as parts of letters, digits and hyphens."""
    name = line(value).lower()
    if name and not DNS_NAME.fullmatch(name):
        raise WrongValue(f"give a name such as web-1 or web-1.example.org., not {shown(value)}")
    return str(name)


DNS_PART = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
DNS_NAME = re.compile(rf"{DNS_PART}(?:\.{DNS_PART})*|{DNS_PART}(?:\.{DNS_PART})+\.")
VNIC_TYPES = (
    *("normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder"),
    *("smart-nic", "vdpa", "accelerator-direct", "accelerator-direct-physical"),
    "remote-managed",
)


DEFAULT_MTU = 1450


def mtu(value: object) -> int:
    """Bytes; 0 stands for the usual number, as in Neutron."""
    return int(as_number(between(0, LARGEST_INT))(value)) or DEFAULT_MTU


def groups(value: object) -> list[object]:
    """Ids of security groups, each once."""
    found = list_of(uuid_text)(value)
    if len(set(found)) < len(found):
        raise WrongValue("a group is named twice")
    return list(found)


def tags(value: object) -> list[str]:
    found = list_of(up_to(LONGEST_TAG, filled_text))(value)
    if len(set(found)) < len(found):
        raise WrongValue("a tag is named twice")
    return list(found)


def service_types(value: object) -> list[str]:
    """Owners of ports, each once."""
    found = list_of(up_to(255, filled_text))(value)
    wrong = [one for one in found if not one.startswith(OWNERS)]
    if wrong:
        raise WrongValue(f"give owners of ports such as compute:nova, not {shown(wrong[0])}")
    if len(set(found)) < len(found):
        raise WrongValue("an owner is named twice")
    return list(found)


def whole_range(value: object) -> str:
    """A range with its prefix; bits beyond that are cut off."""
    if "/" not in text(value):
        raise WrongValue(f"give a prefix, too, as in 10.0.0.0/24, not {shown(value)}")
    return str(cidr(value))


def group_id(value: object) -> object:
    """Of a security or address group; what cannot be one is looked for in vain, as in Neutron."""
    try:
        return uuid_text(value)
    except WrongValue:
        return filled_line(value)


def port_number(value: object) -> object:
    """The number of a port, or a type or code of ICMP. Tempest reads the first words of the
    refusal.
    """
    try:
        return as_number(between(0, 65535))(value)
    except WrongValue:
        told = f"Invalid value for port {shown(value)}: give a number from 0 to 65535"
        raise WrongValue(told) from None


MOST_DIGITS = 18
MOST_PAIRS = 10
OWNERS = ("compute:", "network:", "neutron:", "baremetal:", "manila:")
"""How the owners of ports begin that are services."""
word = up_to(16)
"""What the columns of kinds and states hold."""


ROUTE = {"destination": Key(destination, required=True), "nexthop": Key(address, required=True)}
PAIR = {"ip_address": Key(address_or_range, required=True), "mac_address": Key(one_mac)}
DHCP_OPTION = {
    "opt_name": Key(up_to(64, filled_text), required=True),
    "opt_value": Key(filled_line),
    "ip_version": Key(as_number(one_of(4, 6)), default=4),
}


def dhcp_option(value: object) -> dict[str, object]:
    """A DHCP option; a value of null, which must be said, removes it."""
    found = record(DHCP_OPTION)(value)
    if "opt_value" not in mapping(value):
        raise WrongValue("key opt_value: is required, if only as null")
    return dict(found)


NETWORK: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "project_id": PROJECT,
    "shared": Key(loose_flag, default=False),
    "router:external": Key(loose_flag, default=False),
    "is_default": Key(loose_flag, default=False),
    "admin_state_up": Key(loose_flag, default=True),
    "status": Key(word, default="ACTIVE"),
    "mtu": Key(mtu, default=DEFAULT_MTU),
    "port_security_enabled": Key(loose_flag, default=True),
    "provider:network_type": Key(up_to(16, filled_text), default="vxlan"),
    "provider:physical_network": Key(up_to(64)),
    "provider:segmentation_id": Key(as_number(whole)),
    "description": Key(line, default=""),
    "tags": Key(tags, default=[]),
    "subnets": IGNORED,
    "availability_zones": IGNORED,
    "ipv4_address_scope": IGNORED,
    "ipv6_address_scope": IGNORED,
    "l2_adjacency": IGNORED,
    "availability_zone_hints": Key(list_of(up_to(255, filled_text)), default=[]),
    "vlan_transparent": unsupported(False),
    "dns_domain": unsupported(""),
    "qos_policy_id": unsupported(),
    **COMMON,
}

SUBNET: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "network_id": Key(uuid_text, required=True),
    "project_id": PROJECT,
    "cidr": Key(cidr, required=True),
    "ip_version": Key(as_number(one_of(4, 6))),
    "gateway_ip": Key(address),
    "enable_dhcp": Key(loose_flag, default=True),
    "allocation_pools": Key(list_of(record(POOL))),
    "dns_nameservers": Key(list_of(address, most=5), default=[]),
    "ipv6_address_mode": IPV6_MODE,
    "ipv6_ra_mode": IPV6_MODE,
    "host_routes": Key(list_of(record(ROUTE), most=20), default=[]),
    "description": Key(line, default=""),
    "tags": Key(tags, default=[]),
    "router:external": IGNORED,
    "service_types": Key(service_types, default=[], never_null=True),
    "segment_id": unsupported(),
    "subnetpool_id": unsupported(),
    "dns_publish_fixed_ip": unsupported(False),
    **COMMON,
}

PORT: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "network_id": Key(uuid_text, required=True),
    "project_id": PROJECT,
    "mac_address": Key(any_mac),
    "fixed_ips": Key(list_of(record(FIXED_IP)), default=[]),
    "device_id": Key(line, default=""),
    "device_owner": Key(line, default=""),
    "status": Key(word, default="DOWN"),
    "admin_state_up": Key(loose_flag, default=True),
    "port_security_enabled": Key(loose_flag, default=True),
    "security_groups": Key(groups),
    "binding:vnic_type": Key(one_of(*VNIC_TYPES), default="normal"),
    "binding:vif_type": Key(up_to(32), default="unbound"),
    "binding:host_id": Key(line, default=""),
    "binding:profile": Key(kept_mapping, default={}),
    "ip_allocation": Key(one_of("immediate", "deferred", "none"), default="immediate"),
    "resource_request": Key(kept_mapping),
    "numa_affinity_policy": Key(one_of("required", "preferred", "legacy", "socket")),
    "device_profile": Key(line),
    "trusted": Key(loose_flag),
    "dns_name": Key(dns_name, default=""),
    "allowed_address_pairs": Key(list_of(record(PAIR), most=MOST_PAIRS), default=[]),
    "extra_dhcp_opts": Key(list_of(dhcp_option), default=[]),
    "description": Key(line, default=""),
    "tags": Key(tags, default=[]),
    "binding:vif_details": IGNORED,
    "dns_assignment": IGNORED,
    "qos_network_policy_id": IGNORED,
    "propagate_uplink_status": unsupported(False),
    "qos_policy_id": unsupported(),
    **COMMON,
}

RULE: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "security_group_id": Key(group_id, required=True),
    "direction": Key(one_of("ingress", "egress"), required=True),
    "ethertype": Key(ether_type, default="IPv4"),
    "protocol": Key(protocol),
    "port_range_min": Key(port_number),
    "port_range_max": Key(port_number),
    "remote_ip_prefix": Key(prefix),
    "remote_group_id": Key(group_id),
    "description": Key(line, default=""),
    "project_id": Key(line, other_name="tenant_id"),
    "normalized_cidr": IGNORED,
    "tags": IGNORED,
    "remote_address_group_id": unsupported(),
    **COMMON,
}
RULE_OF_GROUP = optional(without(RULE, "id"), "security_group_id")

SECURITY_GROUP: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(filled_line, required=True),
    "description": Key(line, default=""),
    "project_id": PROJECT,
    "security_group_rules": Key(list_of(record(RULE_OF_GROUP))),
    "stateful": Key(loose_flag, default=True),
    "tags": Key(tags, default=[]),
    "shared": IGNORED,
    **COMMON,
}


# Requests may not set ids, states and what the service counts; the project is by default the
# caller's. Tags have URLs of their own; ports and networks of Neutron take them at once, too.
def _new(shape: Mapping[str, Key], *names: str) -> dict[str, Key]:
    return _strict(optional(without(shape, "id", *SHOWN, *names), "project_id"))


NEVER_NULL = frozenset(
    (
        *("name", "description", "admin_state_up", "shared", "router:external", "is_default"),
        *("mtu", "port_security_enabled", "provider:network_type", "enable_dhcp", "fixed_ips"),
        *("provider:physical_network", "provider:segmentation_id", "device_id", "device_owner"),
        *("binding:vnic_type", "dns_name", "tags", "stateful", "ethertype"),
        "availability_zone_hints",
        *("vnic_type", "profile"),
    )
)
"""What requests leave out or set, but not to null, as in Neutron."""


def _strict(shape: Mapping[str, Key]) -> dict[str, Key]:
    return {
        name: dataclasses.replace(key, never_null=True) if name in NEVER_NULL else key
        for name, key in shape.items()
    }


QOS = {"qos_policy_id": Key(uuid_text)}
"""Ports and networks have it by requests alone; a cloud file says what ports ask for."""
NEW_NETWORK = QOS | _new(
    NETWORK,
    *("status", "tags", "subnets", "availability_zones", "l2_adjacency"),
    *("ipv4_address_scope", "ipv6_address_scope", "qos_policy_id"),
)
PREFIX_LENGTH = as_number(between(1, 128))
CUT: Mapping[str, Key] = {
    "subnetpool_id": Key(uuid_text),
    "use_default_subnetpool": Key(loose_flag, default=False, never_null=True),
    "prefixlen": Key(PREFIX_LENGTH),
}
"""What a subnet is cut from."""
NEW_SUBNET = _new(SUBNET, "tags", "router:external", *CUT) | {
    "ip_version": dataclasses.replace(SUBNET["ip_version"], required=True),
    "cidr": Key(cidr),
    **CUT,
}
NEW_PORT = QOS | _new(
    PORT,
    *("status", "binding:vif_type", "binding:vif_details", "dns_assignment", "ip_allocation"),
    *("qos_network_policy_id", "resource_request", "qos_policy_id"),
)
NEW_SECURITY_GROUP = _new(
    {**SECURITY_GROUP, "name": Key(line, default="")}, "security_group_rules", "tags", "shared"
)
NEW_RULE = _strict(without(RULE, "id", "normalized_cidr", "tags", *SHOWN)) | {
    "remote_address_group_id": Key(group_id)
}
CHANGED_NETWORK = optional(without(NEW_NETWORK, "project_id", "availability_zone_hints"))
MODES = ("ipv6_address_mode", "ipv6_ra_mode")
"""How the addresses of a subnet are made stays, as in Neutron."""
CHANGED_SUBNET = optional(
    without(NEW_SUBNET, "project_id", "network_id", "cidr", "ip_version", *MODES, *CUT)
)
CHANGED_PORT = optional(without(NEW_PORT, "project_id", "network_id", "tags")) | {
    "mac_address": Key(any_mac, never_null=True)
}
CHANGED_SECURITY_GROUP = optional(without(NEW_SECURITY_GROUP, "project_id"))
CHANGED_RULE = _strict({"description": Key(line, default="")})
NEW_FLOATING_IP: Mapping[str, Key] = _strict(
    {
        "floating_network_id": Key(uuid_text, required=True),
        "floating_ip_address": Key(address),
        "subnet_id": Key(uuid_text),
        "port_id": Key(uuid_text),
        "fixed_ip_address": Key(address),
        "description": Key(line, default=""),
        "project_id": Key(line, other_name="tenant_id"),
        "dns_name": unsupported(""),
        "dns_domain": unsupported(""),
        "qos_policy_id": unsupported(),
        "distributed": unsupported(False),
    }
)
CHANGED_FLOATING_IP = {
    key: NEW_FLOATING_IP[key] for key in ("port_id", "fixed_ip_address", "description")
}

GATEWAY = {
    "network_id": Key(uuid_text, required=True),
    "enable_snat": Key(loose_flag),
    "external_fixed_ips": Key(list_of(record(FIXED_IP))),
}


def gateway(value: object) -> dict[str, object] | None:
    """How a router leads out; an empty object is none, as null is."""
    found = mapping(value)
    return record(GATEWAY)(found) if found else None


TAGS: Mapping[str, Key] = {"tags": Key(read_tags, required=True)}
ROUTES = list_of(record(ROUTE))
ROUTER: Mapping[str, Key] = {
    "id": Key(uuid_text),
    "name": Key(line, default=""),
    "description": Key(line, default=""),
    "project_id": PROJECT,
    "admin_state_up": Key(loose_flag, default=True),
    "external_gateway_info": Key(gateway),
    "availability_zone_hints": Key(list_of(up_to(255, filled_text)), default=[]),
    "routes": Key(ROUTES, default=[]),
    "tags": Key(tags, default=[]),
    "status": IGNORED,
    "availability_zones": IGNORED,
    "ha": unsupported(False),
    "distributed": unsupported(False),
    **COMMON,
}
NEW_ROUTER = _new(ROUTER, "status", "availability_zones", "routes", "tags")
CHANGED_ROUTER = optional(
    _new(ROUTER, *("project_id", "availability_zone_hints", "status", "availability_zones", "tags"))
)
INTERFACE: Mapping[str, Key] = {"subnet_id": Key(uuid_text), "port_id": Key(uuid_text)}
EXTRA_ROUTES: Mapping[str, Key] = {"routes": Key(ROUTES, required=True)}


MOST_KBPS = as_number(between(0, LARGEST_INT))
NEW_QOS_POLICY: Mapping[str, Key] = _strict(
    {
        "name": Key(line, default=""),
        "description": Key(line, default=""),
        "shared": Key(loose_flag, default=False),
        "project_id": Key(line, other_name="tenant_id"),
        "is_default": unsupported(False),
    }
)
CHANGED_QOS_POLICY: Mapping[str, Key] = without(NEW_QOS_POLICY, "project_id", "is_default")
ONE_WAY = Key(one_of(EGRESS, INGRESS), default=EGRESS, never_null=True)
DSCP_MARKS = (0, *range(8, 42, 2), 44, 46, 48, 56)
"""The marks that have a meaning: classes, assured and expedited forwarding."""
QOS_RULES: Mapping[str, Mapping[str, Key]] = {
    BANDWIDTH_LIMIT: {
        "max_kbps": Key(MOST_KBPS, required=True),
        "max_burst_kbps": Key(MOST_KBPS, default=0, never_null=True),
        "direction": ONE_WAY,
    },
    MINIMUM_BANDWIDTH: {"min_kbps": Key(MOST_KBPS, required=True), "direction": ONE_WAY},
    MINIMUM_PACKET_RATE: {
        "min_kpps": Key(MOST_KBPS, required=True),
        "direction": Key(one_of(EGRESS, INGRESS, ANY_DIRECTION), default=EGRESS, never_null=True),
    },
    DSCP_MARKING: {"dscp_mark": Key(as_number(one_of(*DSCP_MARKS)), required=True)},
}
"""The keys of the rules of each kind."""
CHANGED_QOS_RULES = {kind: optional(shape) for kind, shape in QOS_RULES.items()}
QOS_COLUMNS: Mapping[str, Mapping[str, str]] = {
    BANDWIDTH_LIMIT: {
        "max_kbps": "amount",
        "max_burst_kbps": "burst",
        "direction": "direction",
    },
    MINIMUM_BANDWIDTH: {"min_kbps": "amount", "direction": "direction"},
    MINIMUM_PACKET_RATE: {"min_kpps": "amount", "direction": "direction"},
    DSCP_MARKING: {"dscp_mark": "amount"},
}


def target_project(value: object) -> str:
    """The id of a project; an asterisk means all of them."""
    return EVERYBODY if value == EVERYBODY else str(project_id(value))


TARGET = Key(target_project, required=True)
NEW_ACCESS: Mapping[str, Key] = {
    "object_type": Key(one_of("network"), required=True),
    "object_id": Key(uuid_text, required=True),
    "action": Key(one_of(SHARED, EXTERNAL), required=True),
    "target_tenant": TARGET,
    "project_id": Key(line, other_name="tenant_id"),
}
CHANGED_ACCESS: Mapping[str, Key] = {"target_tenant": TARGET}
NEW_BINDING: Mapping[str, Key] = _strict(
    {
        "host": Key(filled_line, required=True),
        "vnic_type": Key(one_of(*VNIC_TYPES), default="normal"),
        "profile": Key(kept_mapping, default={}),
    }
)
CHANGED_BINDING: Mapping[str, Key] = without(NEW_BINDING, "host")


OWNED = Key(line, other_name="tenant_id")
"""The project of what a request makes; by default the caller's."""
NEW_SCOPE: Mapping[str, Key] = _strict(
    {
        "name": Key(line, default=""),
        "ip_version": Key(as_number(one_of(4, 6)), required=True),
        "shared": Key(loose_flag, default=False),
        "project_id": OWNED,
    }
)
CHANGED_SCOPE: Mapping[str, Key] = without(NEW_SCOPE, "ip_version", "project_id")
RANGES = Key(list_of(whole_range), required=True)
NEW_POOL: Mapping[str, Key] = _strict(
    {
        "name": Key(filled_line, required=True),
        "description": Key(line, default=""),
        "prefixes": RANGES,
        "min_prefixlen": Key(PREFIX_LENGTH, never_null=True),
        "max_prefixlen": Key(PREFIX_LENGTH, never_null=True),
        "default_prefixlen": Key(PREFIX_LENGTH, never_null=True),
        "default_quota": Key(as_number(whole), never_null=True),
        "is_default": Key(loose_flag, default=False),
        "shared": Key(loose_flag, default=False),
        "address_scope_id": Key(uuid_text),
        "project_id": OWNED,
    }
)
CHANGED_POOL: Mapping[str, Key] = optional(without(NEW_POOL, "shared", "project_id"))
PREFIXES: Mapping[str, Key] = {"prefixes": RANGES}
ADDRESSES: Mapping[str, Key] = {"addresses": RANGES}
NEW_ADDRESS_GROUP: Mapping[str, Key] = _strict(
    {
        "name": Key(line, default=""),
        "description": Key(line, default=""),
        "addresses": Key(list_of(whole_range), default=[]),
        "project_id": OWNED,
    }
)
CHANGED_ADDRESS_GROUP: Mapping[str, Key] = without(NEW_ADDRESS_GROUP, "addresses", "project_id")
