"""The policy rules of networks, named and granted by default as in Neutron.

A rule of an attribute, such as ``create_port:mac_address``, is checked where a request sets it.
``local/rights.py`` says in which project a rule must be held.
"""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

CREATE_NETWORK = rule(
    "create_network",
    Role.MEMBER,
    "Make a network.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_SHARED = rule(
    "create_network:shared",
    Role.ADMIN,
    "Make a network that all projects use.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_EXTERNAL = rule(
    "create_network:router:external",
    Role.ADMIN,
    "Make a network that leads out.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_IS_DEFAULT = rule(
    "create_network:is_default",
    Role.ADMIN,
    "Make the default external network.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_PORT_SECURITY = rule(
    "create_network:port_security_enabled",
    Role.MEMBER,
    "Make a network without port security.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_TYPE = rule(
    "create_network:provider:network_type",
    Role.ADMIN,
    "Choose the type of a new network.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_PHYSICAL = rule(
    "create_network:provider:physical_network",
    Role.ADMIN,
    "Choose what a new network lies on.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
CREATE_NETWORK_SEGMENT = rule(
    "create_network:provider:segmentation_id",
    Role.ADMIN,
    "Choose the segment of a new network.",
    ("POST /network/v2.0/networks",),
    noun="network",
)
GET_NETWORK = rule(
    "get_network",
    Role.READER,
    "See and use networks.",
    ("GET /network/v2.0/networks", "GET /network/v2.0/networks/{network_id}"),
    noun="network",
    of_services=True,
)
GET_NETWORK_TYPE = rule(
    "get_network:provider:network_type",
    Role.ADMIN,
    "See the type of a network.",
    ("GET /network/v2.0/networks", "GET /network/v2.0/networks/{network_id}"),
    noun="network",
)
GET_NETWORK_PHYSICAL = rule(
    "get_network:provider:physical_network",
    Role.ADMIN,
    "See what a network lies on.",
    ("GET /network/v2.0/networks", "GET /network/v2.0/networks/{network_id}"),
    noun="network",
)
GET_NETWORK_SEGMENT = rule(
    "get_network:provider:segmentation_id",
    Role.ADMIN,
    "See the segment of a network.",
    ("GET /network/v2.0/networks", "GET /network/v2.0/networks/{network_id}"),
    noun="network",
)
UPDATE_NETWORK = rule(
    "update_network",
    Role.MEMBER,
    "Change a network.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_SHARED = rule(
    "update_network:shared",
    Role.ADMIN,
    "Let all projects use a network, or not.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_EXTERNAL = rule(
    "update_network:router:external",
    Role.ADMIN,
    "Let a network lead out, or not.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_IS_DEFAULT = rule(
    "update_network:is_default",
    Role.ADMIN,
    "Choose the default external network.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_PORT_SECURITY = rule(
    "update_network:port_security_enabled",
    Role.MEMBER,
    "Change the port security of a network.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_TYPE = rule(
    "update_network:provider:network_type",
    Role.ADMIN,
    "Change the type of a network.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_PHYSICAL = rule(
    "update_network:provider:physical_network",
    Role.ADMIN,
    "Change what a network lies on.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
UPDATE_NETWORK_SEGMENT = rule(
    "update_network:provider:segmentation_id",
    Role.ADMIN,
    "Change the segment of a network.",
    ("PUT /network/v2.0/networks/{network_id}",),
    noun="network",
)
DELETE_NETWORK = rule(
    "delete_network",
    Role.MEMBER,
    "Delete a network.",
    ("DELETE /network/v2.0/networks/{network_id}",),
    noun="network",
)
ATTACH_EXTERNAL_NETWORK = rule(
    "network:attach_external_network",
    Role.ADMIN,
    "Put a server on an external network that is not shared.",
    ("POST /servers", "POST /servers/{server_id}/os-interface"),
    noun="network",
)

CREATE_SUBNET = rule(
    "create_subnet",
    Role.MEMBER,
    "Make a subnet of an own network.",
    ("POST /network/v2.0/subnets",),
    noun="subnet",
)
GET_SUBNET = rule(
    "get_subnet",
    Role.READER,
    "See subnets.",
    ("GET /network/v2.0/subnets", "GET /network/v2.0/subnets/{subnet_id}"),
    noun="subnet",
    of_services=True,
)
UPDATE_SUBNET = rule(
    "update_subnet",
    Role.MEMBER,
    "Change a subnet.",
    ("PUT /network/v2.0/subnets/{subnet_id}",),
    noun="subnet",
)
DELETE_SUBNET = rule(
    "delete_subnet",
    Role.MEMBER,
    "Delete a subnet.",
    ("DELETE /network/v2.0/subnets/{subnet_id}",),
    noun="subnet",
)

CREATE_PORT = rule(
    "create_port",
    Role.MEMBER,
    "Make a port on an own or shared network.",
    ("POST /network/v2.0/ports", "POST /servers", "POST /servers/{server_id}/os-interface"),
    noun="port",
    of_services=True,
)
CREATE_PORT_DEVICE_ID = rule(
    "create_port:device_id",
    Role.MEMBER,
    "Say who uses a new port.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_DEVICE_OWNER = rule(
    "create_port:device_owner",
    Role.ADMIN,
    "Make a port that a service uses.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_MAC = rule(
    "create_port:mac_address",
    Role.MEMBER,
    "Choose the MAC address on an own network.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_FIXED_IPS = rule(
    "create_port:fixed_ips",
    Role.MEMBER,
    "Say where the addresses come from.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_ADDRESS = rule(
    "create_port:fixed_ips:ip_address",
    Role.MEMBER,
    "Choose addresses on an own network.",
    ("POST /network/v2.0/ports", "POST /servers", "POST /servers/{server_id}/os-interface"),
    noun="port",
    of_services=True,
)
CREATE_PORT_SUBNET = rule(
    "create_port:fixed_ips:subnet_id",
    Role.MEMBER,
    "Choose subnets of an own or shared network.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_SECURITY = rule(
    "create_port:port_security_enabled",
    Role.MEMBER,
    "Leave port security out on an own network.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_PAIRS = rule(
    "create_port:allowed_address_pairs",
    Role.MEMBER,
    "Let a new port on an own network have further addresses.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_HOST = rule(
    "create_port:binding:host_id",
    Role.ADMIN,
    "Choose the host of a new port.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_PROFILE = rule(
    "create_port:binding:profile",
    Role.ADMIN,
    "Tell the host how to bind a new port.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_VNIC_TYPE = rule(
    "create_port:binding:vnic_type",
    Role.MEMBER,
    "Choose the kind of NIC (`vnic_type`) of a new port.",
    ("POST /network/v2.0/ports",),
    noun="port",
    of_services=True,
)
CREATE_PORT_NUMA = rule(
    "create_port:numa_affinity_policy",
    Role.ADMIN,
    "Choose the NUMA affinity of a new port.",
    ("POST /network/v2.0/ports",),
    noun="port",
)
GET_PORT = rule(
    "get_port",
    Role.READER,
    "See and use ports.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
    of_services=True,
)
GET_PORT_VIF_TYPE = rule(
    "get_port:binding:vif_type",
    Role.ADMIN,
    "See how a port is bound.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
    of_services=True,
)
GET_PORT_VIF_DETAILS = rule(
    "get_port:binding:vif_details",
    Role.ADMIN,
    "See details of how a port is bound.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
    of_services=True,
)
GET_PORT_HOST = rule(
    "get_port:binding:host_id",
    Role.ADMIN,
    "See the host of a port.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
    of_services=True,
)
GET_PORT_PROFILE = rule(
    "get_port:binding:profile",
    Role.ADMIN,
    "See what the host of a port was told.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
    of_services=True,
)
GET_PORT_RESOURCES = rule(
    "get_port:resource_request",
    Role.ADMIN,
    "See the bandwidth that a port asks for.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
)
UPDATE_PORT = rule(
    "update_port",
    Role.MEMBER,
    "Change a port.",
    (
        "PUT /network/v2.0/ports/{port_id}",
        "POST /servers/{server_id}/os-interface",
        "POST /servers/{server_id}/action (addSecurityGroup, removeSecurityGroup)",
    ),
    noun="port",
    of_services=True,
)
UPDATE_PORT_DEVICE_ID = rule(
    "update_port:device_id",
    Role.MEMBER,
    "Say who uses a port.",
    (
        "PUT /network/v2.0/ports/{port_id}",
        "POST /servers",
        "POST /servers/{server_id}/os-interface",
    ),
    noun="port",
    of_services=True,
)
UPDATE_PORT_DEVICE_OWNER = rule(
    "update_port:device_owner",
    Role.ADMIN,
    "Say which service uses a port.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_MAC = rule(
    "update_port:mac_address",
    Role.MANAGER,
    "Change the MAC address of a port on an own network.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_FIXED_IPS = rule(
    "update_port:fixed_ips",
    Role.MEMBER,
    "Change addresses on an own network.",
    (
        "PUT /network/v2.0/ports/{port_id}",
        "POST /servers/{server_id}/action (addFixedIp, removeFixedIp)",
    ),
    noun="port",
    of_services=True,
)
UPDATE_PORT_ADDRESS = rule(
    "update_port:fixed_ips:ip_address",
    Role.MEMBER,
    "Choose other addresses on an own network.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_SUBNET = rule(
    "update_port:fixed_ips:subnet_id",
    Role.MEMBER,
    "Choose other subnets of an own network.",
    ("PUT /network/v2.0/ports/{port_id}", "POST /servers/{server_id}/action (addFixedIp)"),
    noun="port",
    of_services=True,
)
UPDATE_PORT_SECURITY = rule(
    "update_port:port_security_enabled",
    Role.MEMBER,
    "Change port security on an own network.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_PAIRS = rule(
    "update_port:allowed_address_pairs",
    Role.MEMBER,
    "Change which further addresses a port on an own network has.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_HOST = rule(
    "update_port:binding:host_id",
    Role.ADMIN,
    "Choose another host for a port.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_PROFILE = rule(
    "update_port:binding:profile",
    Role.ADMIN,
    "Tell the host how to bind a port.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_VNIC_TYPE = rule(
    "update_port:binding:vnic_type",
    Role.MEMBER,
    "Choose another kind of NIC (`vnic_type`) for a port.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
UPDATE_PORT_NUMA = rule(
    "update_port:numa_affinity_policy",
    Role.ADMIN,
    "Choose another NUMA affinity for a port.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
)
DELETE_PORT = rule(
    "delete_port",
    Role.MEMBER,
    "Delete a port.",
    ("DELETE /network/v2.0/ports/{port_id}",),
    noun="port",
    of_services=True,
)
DELETE_PORT_OF_SERVER = rule(
    "delete_port:compute_device",
    Role.ADMIN,
    "Delete a port while a server has it.",
    ("DELETE /network/v2.0/ports/{port_id}",),
    noun="port",
)
"""Neutron has it as a condition of ``delete_port``: a server's port is deleted by services only."""

CREATE_GROUP = rule(
    "create_security_group",
    Role.MEMBER,
    "Make a security group.",
    ("POST /network/v2.0/security-groups",),
    noun="security_group",
)
GET_GROUP = rule(
    "get_security_group",
    Role.READER,
    "See security groups.",
    ("GET /network/v2.0/security-groups", "GET /network/v2.0/security-groups/{security_group_id}"),
    noun="security_group",
)
UPDATE_GROUP = rule(
    "update_security_group",
    Role.MEMBER,
    "Change a security group.",
    ("PUT /network/v2.0/security-groups/{security_group_id}",),
    noun="security_group",
)
DELETE_GROUP = rule(
    "delete_security_group",
    Role.MEMBER,
    "Delete a security group.",
    ("DELETE /network/v2.0/security-groups/{security_group_id}",),
    noun="security_group",
)
CREATE_RULE = rule(
    "create_security_group_rule",
    Role.MEMBER,
    "Add a rule to a security group, or describe one.",
    ("POST /network/v2.0/security-group-rules", "PUT /network/v2.0/security-group-rules/{rule_id}"),
    noun="security_group",
)
GET_RULE = rule(
    "get_security_group_rule",
    Role.READER,
    "See the rules of security groups.",
    ("GET /network/v2.0/security-group-rules", "GET /network/v2.0/security-group-rules/{rule_id}"),
    noun="security_group",
)
DELETE_RULE = rule(
    "delete_security_group_rule",
    Role.MEMBER,
    "Delete a rule of a security group.",
    ("DELETE /network/v2.0/security-group-rules/{rule_id}",),
    noun="security_group",
)

CREATE_ROUTER = rule(
    "create_router",
    Role.MEMBER,
    "Make a router.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
CREATE_ROUTER_GATEWAY = rule(
    "create_router:external_gateway_info",
    Role.MEMBER,
    "Make a router that leads out.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
CREATE_ROUTER_GATEWAY_NETWORK = rule(
    "create_router:external_gateway_info:network_id",
    Role.MEMBER,
    "Choose the external network of a new router.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
CREATE_ROUTER_SNAT = rule(
    "create_router:external_gateway_info:enable_snat",
    Role.ADMIN,
    "Choose whether a new router hides the addresses behind it.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
CREATE_ROUTER_ADDRESSES = rule(
    "create_router:external_gateway_info:external_fixed_ips",
    Role.ADMIN,
    "Choose the outer addresses of a new router.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
GET_ROUTER = rule(
    "get_router",
    Role.READER,
    "See routers.",
    ("GET /network/v2.0/routers", "GET /network/v2.0/routers/{router_id}"),
    noun="router",
)
UPDATE_ROUTER = rule(
    "update_router",
    Role.MEMBER,
    "Change a router.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
UPDATE_ROUTER_GATEWAY = rule(
    "update_router:external_gateway_info",
    Role.MEMBER,
    "Change how a router leads out.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
UPDATE_ROUTER_GATEWAY_NETWORK = rule(
    "update_router:external_gateway_info:network_id",
    Role.MEMBER,
    "Choose the external network of a router.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
UPDATE_ROUTER_SNAT = rule(
    "update_router:external_gateway_info:enable_snat",
    Role.ADMIN,
    "Choose whether a router hides the addresses behind it.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
UPDATE_ROUTER_ADDRESSES = rule(
    "update_router:external_gateway_info:external_fixed_ips",
    Role.ADMIN,
    "Choose the outer addresses of a router.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
DELETE_ROUTER = rule(
    "delete_router",
    Role.MEMBER,
    "Delete a router.",
    ("DELETE /network/v2.0/routers/{router_id}",),
    noun="router",
)
ADD_ROUTER_INTERFACE = rule(
    "add_router_interface",
    Role.MEMBER,
    "Put a router into a subnet.",
    ("PUT /network/v2.0/routers/{router_id}/add_router_interface",),
    noun="router",
)
REMOVE_ROUTER_INTERFACE = rule(
    "remove_router_interface",
    Role.MEMBER,
    "Take a router out of a subnet.",
    ("PUT /network/v2.0/routers/{router_id}/remove_router_interface",),
    noun="router",
)
ADD_EXTRA_ROUTES = rule(
    "add_extraroutes",
    Role.MEMBER,
    "Add routes to a router.",
    ("PUT /network/v2.0/routers/{router_id}/add_extraroutes",),
    noun="router",
)
REMOVE_EXTRA_ROUTES = rule(
    "remove_extraroutes",
    Role.MEMBER,
    "Take routes away from a router.",
    ("PUT /network/v2.0/routers/{router_id}/remove_extraroutes",),
    noun="router",
)

CREATE_FLOATING_IP = rule(
    "create_floatingip",
    Role.MEMBER,
    "Take a floating IP.",
    ("POST /network/v2.0/floatingips",),
    noun="floatingip",
)
CREATE_FLOATING_IP_ADDRESS = rule(
    "create_floatingip:floating_ip_address",
    Role.MANAGER,
    "Choose which floating IP to take.",
    ("POST /network/v2.0/floatingips",),
    noun="floatingip",
)
GET_FLOATING_IP = rule(
    "get_floatingip",
    Role.READER,
    "See floating IPs.",
    ("GET /network/v2.0/floatingips", "GET /network/v2.0/floatingips/{floatingip_id}"),
    noun="floatingip",
)
UPDATE_FLOATING_IP = rule(
    "update_floatingip",
    Role.MEMBER,
    "Lend a floating IP to a port, or take it back.",
    (
        "PUT /network/v2.0/floatingips/{floatingip_id}",
        "POST /servers/{server_id}/action (addFloatingIp, removeFloatingIp)",
    ),
    noun="floatingip",
)
DELETE_FLOATING_IP = rule(
    "delete_floatingip",
    Role.MEMBER,
    "Give a floating IP up.",
    ("DELETE /network/v2.0/floatingips/{floatingip_id}",),
    noun="floatingip",
)

GET_ZONE = rule(
    "get_availability_zone",
    Role.READER,
    "See the availability zones of networks.",
    ("GET /network/v2.0/availability_zones",),
    noun="network",
)
GET_IP_AVAILABILITY = rule(
    "get_network_ip_availability",
    Role.ADMIN,
    "See how many addresses of all networks are in use.",
    (
        "GET /network/v2.0/network-ip-availabilities",
        "GET /network/v2.0/network-ip-availabilities/{network_id}",
    ),
    noun="network",
    of_services=True,
)

GET_QUOTA = rule(
    "get_quota",
    Role.MANAGER,
    "See the network quotas of other projects.",
    ("GET /network/v2.0/quotas", "GET /network/v2.0/quotas/{project_id}"),
    noun="quota",
)
UPDATE_QUOTA = rule(
    "update_quota",
    Role.ADMIN,
    "Set the network quotas of a project.",
    ("PUT /network/v2.0/quotas/{project_id}",),
    noun="quota",
)
DELETE_QUOTA = rule(
    "delete_quota",
    Role.ADMIN,
    "Go back to the default network quotas.",
    ("DELETE /network/v2.0/quotas/{project_id}",),
    noun="quota",
)
CREATE_RBAC = rule(
    "create_rbac_policy",
    Role.MEMBER,
    "Open networks to other projects.",
    ("POST /network/v2.0/rbac-policies",),
    noun="rbac_policy",
)
CREATE_RBAC_FOR_ALL = rule(
    "create_rbac_policy:target_tenant",
    Role.ADMIN,
    "Open networks to all projects.",
    ("POST /network/v2.0/rbac-policies",),
    noun="rbac_policy",
)
GET_RBAC = rule(
    "get_rbac_policy",
    Role.READER,
    "See to which projects networks were opened.",
    ("GET /network/v2.0/rbac-policies", "GET /network/v2.0/rbac-policies/{id}"),
    noun="rbac_policy",
)
UPDATE_RBAC = rule(
    "update_rbac_policy",
    Role.MEMBER,
    "Open a network to another project instead.",
    ("PUT /network/v2.0/rbac-policies/{id}",),
    noun="rbac_policy",
)
UPDATE_RBAC_FOR_ALL = rule(
    "update_rbac_policy:target_tenant",
    Role.ADMIN,
    "Open a network to all projects instead.",
    ("PUT /network/v2.0/rbac-policies/{id}",),
    noun="rbac_policy",
)
DELETE_RBAC = rule(
    "delete_rbac_policy",
    Role.MEMBER,
    "Close a network to another project.",
    ("DELETE /network/v2.0/rbac-policies/{id}",),
    noun="rbac_policy",
)
GET_BINDING = rule(
    "get_port_binding",
    Role.ADMIN,
    "See for which hosts a port is prepared.",
    (
        "GET /network/v2.0/ports/{port_id}/bindings",
        "GET /network/v2.0/ports/{port_id}/bindings/{host}",
    ),
    noun="port",
    of_services=True,
)
CREATE_BINDING = rule(
    "create_port_binding",
    Role.ADMIN,
    "Prepare a port for a further host.",
    ("POST /network/v2.0/ports/{port_id}/bindings",),
    noun="port",
    of_services=True,
)
UPDATE_BINDING = rule(
    "update_port_binding",
    Role.ADMIN,
    "Change what a port is prepared with.",
    ("PUT /network/v2.0/ports/{port_id}/bindings/{host}",),
    noun="port",
)
DELETE_BINDING = rule(
    "delete_port_binding",
    Role.ADMIN,
    "Forget a host that a port is prepared for.",
    ("DELETE /network/v2.0/ports/{port_id}/bindings/{host}",),
    noun="port",
    of_services=True,
)
ACTIVATE_BINDING = rule(
    "activate",
    Role.ADMIN,
    "Bind a port on a host that it is prepared for.",
    ("PUT /network/v2.0/ports/{port_id}/bindings/{host}/activate",),
    noun="port",
    of_services=True,
)
CREATE_QOS = rule(
    "create_policy",
    Role.MANAGER,
    "Make QoS policies.",
    ("POST /network/v2.0/qos/policies",),
    noun="qos_policy",
)
CREATE_QOS_SHARED = rule(
    "create_policy:shared",
    Role.ADMIN,
    "Make QoS policies for all projects.",
    ("POST /network/v2.0/qos/policies",),
    noun="qos_policy",
)
GET_QOS = rule(
    "get_policy",
    Role.READER,
    "See and use QoS policies.",
    ("GET /network/v2.0/qos/policies", "GET /network/v2.0/qos/policies/{id}"),
    noun="qos_policy",
)
UPDATE_QOS = rule(
    "update_policy",
    Role.MANAGER,
    "Change QoS policies.",
    ("PUT /network/v2.0/qos/policies/{id}",),
    noun="qos_policy",
)
UPDATE_QOS_SHARED = rule(
    "update_policy:shared",
    Role.ADMIN,
    "Share QoS policies with all projects.",
    ("PUT /network/v2.0/qos/policies/{id}",),
    noun="qos_policy",
)
DELETE_QOS = rule(
    "delete_policy",
    Role.MANAGER,
    "Delete QoS policies.",
    ("DELETE /network/v2.0/qos/policies/{id}",),
    noun="qos_policy",
)
GET_RULE_TYPE = rule(
    "get_rule_type",
    Role.READER,
    "See which kinds of QoS rules there are.",
    ("GET /network/v2.0/qos/rule-types", "GET /network/v2.0/qos/rule-types/{type}"),
    noun="qos_policy",
)
GET_PROVIDER = rule(
    "get_service_provider",
    Role.READER,
    "See what does the work of services.",
    ("GET /network/v2.0/service-providers",),
    noun="network",
)
QOS_VERBS = {"create": "Make", "get": "See", "update": "Change", "delete": "Delete"}
QOS_METHODS = {"create": "POST", "get": "GET", "update": "PUT", "delete": "DELETE"}
QOS_RULES = {
    (kind, verb): rule(
        f"{verb}_policy_{kind}_rule",
        Role.READER if verb == "get" else Role.MANAGER,
        f"{QOS_VERBS[verb]} rules of QoS policies for {told}.",
        (
            f"{QOS_METHODS[verb]} /network/v2.0/qos/policies/{{policy_id}}/{kind}_rules"
            + ("" if verb == "create" else "/{rule_id}"),
        ),
        noun="qos_policy",
    )
    for kind, told in (
        ("bandwidth_limit", "the most bandwidth"),
        ("minimum_bandwidth", "the least bandwidth"),
        ("minimum_packet_rate", "the least packets"),
        ("dscp_marking", "how packets are marked"),
    )
    for verb in QOS_VERBS
}
"""By the kind of rule and what is done."""


def _rules_of(noun: str, plural: str, things: str) -> dict[tuple[str, str], str]:
    """The rules of a kind that every project has of its own, by the kind and what they let do."""
    url = f"/network/v2.0/{plural}"
    one = f"{url}/{{{noun}_id}}"
    return {
        (noun, verb): rule(f"{verb}_{noun}", role, f"{does} {things}.", operations, noun=noun)
        for verb, role, does, operations in (
            ("create", Role.MEMBER, "Make", (f"POST {url}",)),
            ("get", Role.READER, "See and use", (f"GET {url}", f"GET {one}")),
            ("update", Role.MEMBER, "Change", (f"PUT {one}",)),
            ("delete", Role.MEMBER, "Delete", (f"DELETE {one}",)),
        )
    }


CREATE_ROUTER_HA = rule(
    "create_router:ha",
    Role.ADMIN,
    "Say that a new router is not highly available: none is.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
CREATE_ROUTER_DISTRIBUTED = rule(
    "create_router:distributed",
    Role.ADMIN,
    "Say that a new router is not distributed: none is.",
    ("POST /network/v2.0/routers",),
    noun="router",
)
UPDATE_ROUTER_HA = rule(
    "update_router:ha",
    Role.ADMIN,
    "Say that a router is not highly available.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
UPDATE_ROUTER_DISTRIBUTED = rule(
    "update_router:distributed",
    Role.ADMIN,
    "Say that a router is not distributed.",
    ("PUT /network/v2.0/routers/{router_id}",),
    noun="router",
)
CREATE_PORT_TRUSTED = rule(
    "create_port:trusted",
    Role.ADMIN,
    "Let the virtual function of a new port change its MAC address.",
    ("POST /network/v2.0/ports",),
    noun="port",
)
UPDATE_PORT_TRUSTED = rule(
    "update_port:trusted",
    Role.ADMIN,
    "Let the virtual function of a port change its MAC address, or not.",
    ("PUT /network/v2.0/ports/{port_id}",),
    noun="port",
)
GET_PORT_TRUSTED = rule(
    "get_port:trusted",
    Role.ADMIN,
    "See whether the virtual function of a port may change its MAC address.",
    ("GET /network/v2.0/ports", "GET /network/v2.0/ports/{port_id}"),
    noun="port",
)
OWN = {
    **_rules_of("address_scope", "address-scopes", "address scopes"),
    **_rules_of("subnetpool", "subnetpools", "subnet pools"),
    **_rules_of("address_group", "address-groups", "address groups"),
}
CREATE_SCOPE_SHARED = rule(
    "create_address_scope:shared",
    Role.ADMIN,
    "Make an address scope that all projects use.",
    ("POST /network/v2.0/address-scopes",),
    noun="address_scope",
)
UPDATE_SCOPE_SHARED = rule(
    "update_address_scope:shared",
    Role.ADMIN,
    "Let all projects use an address scope.",
    ("PUT /network/v2.0/address-scopes/{address_scope_id}",),
    noun="address_scope",
)
CREATE_POOL_SHARED = rule(
    "create_subnetpool:shared",
    Role.ADMIN,
    "Make a subnet pool that all projects use.",
    ("POST /network/v2.0/subnetpools",),
    noun="subnetpool",
)
CREATE_POOL_DEFAULT = rule(
    "create_subnetpool:is_default",
    Role.ADMIN,
    "Make the default subnet pool of an IP version.",
    ("POST /network/v2.0/subnetpools",),
    noun="subnetpool",
)
UPDATE_POOL_DEFAULT = rule(
    "update_subnetpool:is_default",
    Role.ADMIN,
    "Choose the default subnet pool of an IP version.",
    ("PUT /network/v2.0/subnetpools/{subnetpool_id}",),
    noun="subnetpool",
)
ADD_ADDRESSES = rule(
    "add_addresses",
    Role.MEMBER,
    "Add ranges to an address group.",
    ("PUT /network/v2.0/address-groups/{address_group_id}/add_addresses",),
    noun="address_group",
)
REMOVE_ADDRESSES = rule(
    "remove_addresses",
    Role.MEMBER,
    "Take ranges out of an address group.",
    ("PUT /network/v2.0/address-groups/{address_group_id}/remove_addresses",),
    noun="address_group",
)
ADD_PREFIXES = rule(
    "add_prefixes",
    Role.MEMBER,
    "Add ranges to a subnet pool.",
    ("PUT /network/v2.0/subnetpools/{subnetpool_id}/add_prefixes",),
    noun="subnetpool",
)
REMOVE_PREFIXES = rule(
    "remove_prefixes",
    Role.MEMBER,
    "Take ranges out of a subnet pool.",
    ("PUT /network/v2.0/subnetpools/{subnetpool_id}/remove_prefixes",),
    noun="subnetpool",
)
