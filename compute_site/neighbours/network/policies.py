"""The policy rules of networks, named and granted by default as in Neutron.

A rule of an attribute, such as ``create_port:mac_address``, is asked where a request sets it. Whose
project counts is said in ``local/rights.py``.
"""

from __future__ import annotations

from collections.abc import Callable

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

CREATE_NETWORK = "create_network"
CREATE_NETWORK_SHARED = "create_network:shared"
CREATE_NETWORK_EXTERNAL = "create_network:router:external"
CREATE_NETWORK_IS_DEFAULT = "create_network:is_default"
CREATE_NETWORK_PORT_SECURITY = "create_network:port_security_enabled"
CREATE_NETWORK_TYPE = "create_network:provider:network_type"
CREATE_NETWORK_PHYSICAL = "create_network:provider:physical_network"
CREATE_NETWORK_SEGMENT = "create_network:provider:segmentation_id"
GET_NETWORK = "get_network"
GET_NETWORK_TYPE = "get_network:provider:network_type"
GET_NETWORK_PHYSICAL = "get_network:provider:physical_network"
GET_NETWORK_SEGMENT = "get_network:provider:segmentation_id"
UPDATE_NETWORK = "update_network"
UPDATE_NETWORK_SHARED = "update_network:shared"
UPDATE_NETWORK_EXTERNAL = "update_network:router:external"
UPDATE_NETWORK_IS_DEFAULT = "update_network:is_default"
UPDATE_NETWORK_PORT_SECURITY = "update_network:port_security_enabled"
UPDATE_NETWORK_TYPE = "update_network:provider:network_type"
UPDATE_NETWORK_PHYSICAL = "update_network:provider:physical_network"
UPDATE_NETWORK_SEGMENT = "update_network:provider:segmentation_id"
DELETE_NETWORK = "delete_network"

ATTACH_EXTERNAL_NETWORK = "network:attach_external_network"

CREATE_SUBNET = "create_subnet"
GET_SUBNET = "get_subnet"
UPDATE_SUBNET = "update_subnet"
DELETE_SUBNET = "delete_subnet"

CREATE_PORT = "create_port"
CREATE_PORT_DEVICE_ID = "create_port:device_id"
CREATE_PORT_DEVICE_OWNER = "create_port:device_owner"
CREATE_PORT_MAC = "create_port:mac_address"
CREATE_PORT_FIXED_IPS = "create_port:fixed_ips"
CREATE_PORT_ADDRESS = "create_port:fixed_ips:ip_address"
CREATE_PORT_SUBNET = "create_port:fixed_ips:subnet_id"
CREATE_PORT_SECURITY = "create_port:port_security_enabled"
CREATE_PORT_HOST = "create_port:binding:host_id"
CREATE_PORT_PROFILE = "create_port:binding:profile"
CREATE_PORT_VNIC_TYPE = "create_port:binding:vnic_type"
CREATE_PORT_RESOURCES = "create_port:resource_request"
CREATE_PORT_NUMA = "create_port:numa_affinity_policy"
GET_PORT = "get_port"
GET_PORT_VIF_TYPE = "get_port:binding:vif_type"
GET_PORT_VIF_DETAILS = "get_port:binding:vif_details"
GET_PORT_HOST = "get_port:binding:host_id"
GET_PORT_PROFILE = "get_port:binding:profile"
GET_PORT_RESOURCES = "get_port:resource_request"
UPDATE_PORT = "update_port"
UPDATE_PORT_DEVICE_ID = "update_port:device_id"
UPDATE_PORT_DEVICE_OWNER = "update_port:device_owner"
UPDATE_PORT_FIXED_IPS = "update_port:fixed_ips"
UPDATE_PORT_ADDRESS = "update_port:fixed_ips:ip_address"
UPDATE_PORT_SUBNET = "update_port:fixed_ips:subnet_id"
UPDATE_PORT_SECURITY = "update_port:port_security_enabled"
UPDATE_PORT_HOST = "update_port:binding:host_id"
UPDATE_PORT_PROFILE = "update_port:binding:profile"
UPDATE_PORT_VNIC_TYPE = "update_port:binding:vnic_type"
UPDATE_PORT_RESOURCES = "update_port:resource_request"
UPDATE_PORT_NUMA = "update_port:numa_affinity_policy"
DELETE_PORT = "delete_port"
DELETE_PORT_OF_SERVER = "delete_port:compute_device"
"""Neutron has it as a condition of ``delete_port``: a server's port is deleted by services only."""

CREATE_GROUP = "create_security_group"
GET_GROUP = "get_security_group"
UPDATE_GROUP = "update_security_group"
DELETE_GROUP = "delete_security_group"
CREATE_RULE = "create_security_group_rule"
GET_RULE = "get_security_group_rule"
DELETE_RULE = "delete_security_group_rule"

CREATE_FLOATING_IP = "create_floatingip"
CREATE_FLOATING_IP_ADDRESS = "create_floatingip:floating_ip_address"
GET_FLOATING_IP = "get_floatingip"
UPDATE_FLOATING_IP = "update_floatingip"
DELETE_FLOATING_IP = "delete_floatingip"

GET_QUOTA = "get_quota"
UPDATE_QUOTA = "update_quota"
DELETE_QUOTA = "delete_quota"

NETWORKS = "/network/v2.0/networks"
NETWORK = f"{NETWORKS}/{{network_id}}"
SUBNETS = "/network/v2.0/subnets"
SUBNET = f"{SUBNETS}/{{subnet_id}}"
PORTS = "/network/v2.0/ports"
PORT = f"{PORTS}/{{port_id}}"
GROUPS = "/network/v2.0/security-groups"
GROUP = f"{GROUPS}/{{security_group_id}}"
RULES = "/network/v2.0/security-group-rules"
RULE = f"{RULES}/{{rule_id}}"
FLOATING_IPS = "/network/v2.0/floatingips"
FLOATING_IP = f"{FLOATING_IPS}/{{floatingip_id}}"
QUOTAS = "/network/v2.0/quotas"
QUOTA = f"{QUOTAS}/{{project_id}}"
SERVER = "/servers/{server_id}"
ACTION = f"POST {SERVER}/action"
INTERFACES = f"POST {SERVER}/os-interface"
SERVERS_PORTS = ("POST /servers", INTERFACES)


def _rules(noun: str, *operations: str) -> Callable[..., Rule]:
    """Makes rules that decide on the same requests."""

    def rule(name: str, role: Role, description: str, *more: str) -> Rule:
        return Rule(name, role, description, (*operations, *more), noun=noun)

    return rule


network_made = _rules("network", f"POST {NETWORKS}")
network_seen = _rules("network", f"GET {NETWORKS}", f"GET {NETWORK}")
network_changed = _rules("network", f"PUT {NETWORK}")
network_used = _rules("network", *SERVERS_PORTS)
network_deleted = _rules("network", f"DELETE {NETWORK}")
subnet_made = _rules("subnet", f"POST {SUBNETS}")
subnet_seen = _rules("subnet", f"GET {SUBNETS}", f"GET {SUBNET}")
subnet_changed = _rules("subnet", f"PUT {SUBNET}")
subnet_deleted = _rules("subnet", f"DELETE {SUBNET}")
port_made = _rules("port", f"POST {PORTS}")
port_seen = _rules("port", f"GET {PORTS}", f"GET {PORT}")
port_changed = _rules("port", f"PUT {PORT}")
port_deleted = _rules("port", f"DELETE {PORT}")
group = _rules("security_group")
floating_ip = _rules("floatingip")
quota = _rules("quota")

declare(
    network_made(CREATE_NETWORK, Role.MEMBER, "Make a network."),
    network_made(CREATE_NETWORK_SHARED, Role.ADMIN, "Make a network that all projects use."),
    network_made(CREATE_NETWORK_EXTERNAL, Role.ADMIN, "Make a network that leads out."),
    network_made(CREATE_NETWORK_IS_DEFAULT, Role.ADMIN, "Make the default external network."),
    network_made(CREATE_NETWORK_PORT_SECURITY, Role.MEMBER, "Make one without port security."),
    network_made(CREATE_NETWORK_TYPE, Role.ADMIN, "Choose the type of a new network."),
    network_made(CREATE_NETWORK_PHYSICAL, Role.ADMIN, "Choose what a new network lies on."),
    network_made(CREATE_NETWORK_SEGMENT, Role.ADMIN, "Choose the segment of a new network."),
    network_seen(GET_NETWORK, Role.READER, "See and use networks."),
    network_seen(GET_NETWORK_TYPE, Role.ADMIN, "See the type of a network."),
    network_seen(GET_NETWORK_PHYSICAL, Role.ADMIN, "See what a network lies on."),
    network_seen(GET_NETWORK_SEGMENT, Role.ADMIN, "See the segment of a network."),
    network_changed(UPDATE_NETWORK, Role.MEMBER, "Change a network."),
    network_changed(UPDATE_NETWORK_SHARED, Role.ADMIN, "Let all projects use a network, or not."),
    network_changed(UPDATE_NETWORK_EXTERNAL, Role.ADMIN, "Let a network lead out, or not."),
    network_changed(UPDATE_NETWORK_IS_DEFAULT, Role.ADMIN, "Choose the default external network."),
    network_changed(UPDATE_NETWORK_PORT_SECURITY, Role.MEMBER, "Change port security."),
    network_changed(UPDATE_NETWORK_TYPE, Role.ADMIN, "Change the type of a network."),
    network_changed(UPDATE_NETWORK_PHYSICAL, Role.ADMIN, "Change what a network lies on."),
    network_changed(UPDATE_NETWORK_SEGMENT, Role.ADMIN, "Change the segment of a network."),
    network_used(
        ATTACH_EXTERNAL_NETWORK, Role.ADMIN, "Put a server on one that leads out, unless shared."
    ),
    network_deleted(DELETE_NETWORK, Role.MEMBER, "Delete a network."),
    subnet_made(CREATE_SUBNET, Role.MEMBER, "Make a subnet of an own network."),
    subnet_seen(GET_SUBNET, Role.READER, "See subnets."),
    subnet_changed(UPDATE_SUBNET, Role.MEMBER, "Change a subnet."),
    subnet_deleted(DELETE_SUBNET, Role.MEMBER, "Delete a subnet."),
    port_made(CREATE_PORT, Role.MEMBER, "Make a port on an own or shared network.", *SERVERS_PORTS),
    port_made(CREATE_PORT_DEVICE_ID, Role.MEMBER, "Say who uses a new port."),
    port_made(CREATE_PORT_DEVICE_OWNER, Role.ADMIN, "Make a port that a service uses."),
    port_made(CREATE_PORT_MAC, Role.MEMBER, "Choose the MAC address on an own network."),
    port_made(CREATE_PORT_FIXED_IPS, Role.MEMBER, "Say where the addresses come from."),
    port_made(
        CREATE_PORT_ADDRESS, Role.MEMBER, "Choose addresses on an own network.", *SERVERS_PORTS
    ),
    port_made(CREATE_PORT_SUBNET, Role.MEMBER, "Choose subnets of an own or shared network."),
    port_made(CREATE_PORT_SECURITY, Role.MEMBER, "Leave port security out on an own network."),
    port_made(CREATE_PORT_HOST, Role.ADMIN, "Choose the host of a new port."),
    port_made(CREATE_PORT_PROFILE, Role.ADMIN, "Tell the host how to bind a new port."),
    port_made(CREATE_PORT_VNIC_TYPE, Role.MEMBER, "Choose the kind of card of a new port."),
    port_made(CREATE_PORT_RESOURCES, Role.ADMIN, "Ask for bandwidth for a new port."),
    port_made(CREATE_PORT_NUMA, Role.ADMIN, "Choose the NUMA affinity of a new port."),
    port_seen(GET_PORT, Role.READER, "See and use ports."),
    port_seen(GET_PORT_VIF_TYPE, Role.ADMIN, "See how a port is bound."),
    port_seen(GET_PORT_VIF_DETAILS, Role.ADMIN, "See details of how a port is bound."),
    port_seen(GET_PORT_HOST, Role.ADMIN, "See the host of a port."),
    port_seen(GET_PORT_PROFILE, Role.ADMIN, "See what the host of a port was told."),
    port_seen(GET_PORT_RESOURCES, Role.ADMIN, "See the bandwidth that a port asks for."),
    port_changed(
        *(UPDATE_PORT, Role.MEMBER, "Change a port."),
        *(INTERFACES, f"{ACTION} (addSecurityGroup, removeSecurityGroup)"),
    ),
    port_changed(UPDATE_PORT_DEVICE_ID, Role.MEMBER, "Say who uses a port.", *SERVERS_PORTS),
    port_changed(UPDATE_PORT_DEVICE_OWNER, Role.ADMIN, "Say which service uses a port."),
    port_changed(
        *(UPDATE_PORT_FIXED_IPS, Role.MEMBER, "Change addresses on an own network."),
        f"{ACTION} (addFixedIp, removeFixedIp)",
    ),
    port_changed(UPDATE_PORT_ADDRESS, Role.MEMBER, "Choose other addresses on an own network."),
    port_changed(
        *(UPDATE_PORT_SUBNET, Role.MEMBER, "Choose other subnets of an own network."),
        f"{ACTION} (addFixedIp)",
    ),
    port_changed(UPDATE_PORT_SECURITY, Role.MEMBER, "Change port security on an own network."),
    port_changed(UPDATE_PORT_HOST, Role.ADMIN, "Choose another host for a port."),
    port_changed(UPDATE_PORT_PROFILE, Role.ADMIN, "Tell the host how to bind a port."),
    port_changed(UPDATE_PORT_VNIC_TYPE, Role.MEMBER, "Choose another kind of card for a port."),
    port_changed(UPDATE_PORT_RESOURCES, Role.ADMIN, "Ask for other bandwidth for a port."),
    port_changed(UPDATE_PORT_NUMA, Role.ADMIN, "Choose another NUMA affinity for a port."),
    port_deleted(DELETE_PORT, Role.MEMBER, "Delete a port."),
    port_deleted(DELETE_PORT_OF_SERVER, Role.ADMIN, "Delete a port while a server has it."),
    group(CREATE_GROUP, Role.MEMBER, "Make a security group.", f"POST {GROUPS}"),
    group(GET_GROUP, Role.READER, "See security groups.", f"GET {GROUPS}", f"GET {GROUP}"),
    group(UPDATE_GROUP, Role.MEMBER, "Change a security group.", f"PUT {GROUP}"),
    group(DELETE_GROUP, Role.MEMBER, "Delete a security group.", f"DELETE {GROUP}"),
    group(
        *(CREATE_RULE, Role.MEMBER, "Add a rule to a security group, or describe one."),
        *(f"POST {RULES}", f"PUT {RULE}"),
    ),
    group(GET_RULE, Role.READER, "See their rules.", f"GET {RULES}", f"GET {RULE}"),
    group(DELETE_RULE, Role.MEMBER, "Delete a rule of a security group.", f"DELETE {RULE}"),
    floating_ip(CREATE_FLOATING_IP, Role.MEMBER, "Take a floating IP.", f"POST {FLOATING_IPS}"),
    floating_ip(
        CREATE_FLOATING_IP_ADDRESS, Role.MANAGER, "Choose which one.", f"POST {FLOATING_IPS}"
    ),
    floating_ip(
        *(GET_FLOATING_IP, Role.READER, "See floating IPs."),
        *(f"GET {FLOATING_IPS}", f"GET {FLOATING_IP}"),
    ),
    floating_ip(
        *(UPDATE_FLOATING_IP, Role.MEMBER, "Lend a floating IP to a port, or take it back."),
        *(f"PUT {FLOATING_IP}", f"{ACTION} (addFloatingIp, removeFloatingIp)"),
    ),
    floating_ip(DELETE_FLOATING_IP, Role.MEMBER, "Give it up.", f"DELETE {FLOATING_IP}"),
    quota(
        *(GET_QUOTA, Role.MANAGER, "See the network quotas of other projects."),
        *(f"GET {QUOTAS}", f"GET {QUOTA}"),
    ),
    quota(UPDATE_QUOTA, Role.ADMIN, "Set the network quotas of a project.", f"PUT {QUOTA}"),
    quota(DELETE_QUOTA, Role.ADMIN, "Go back to the default ones.", f"DELETE {QUOTA}"),
)
