"""Builds model instances from values of the network API; nothing is saved here."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db.models import Q

from compute_site.faults import BadRequest
from compute_site.neighbours.network.local.addresses import default_pools, is_reserved
from compute_site.neighbours.network.local.ports import make_mac
from compute_site.neighbours.network.models import (
    PROTOCOLS,
    Network,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)

NETWORK_COLUMNS = {
    "name": "name",
    "shared": "shared",
    "external": "router:external",
    "is_default": "is_default",
    "admin_state_up": "admin_state_up",
    "status": "status",
    "mtu": "mtu",
    "port_security_enabled": "port_security_enabled",
    "network_type": "provider:network_type",
    "physical_network": "provider:physical_network",
    "segmentation_id": "provider:segmentation_id",
    "availability_zone_hints": "availability_zone_hints",
    "qos_policy_id": "qos_policy_id",
    "description": "description",
    "tags": "tags",
}
SUBNET_COLUMNS = {
    "name": "name",
    "network_id": "network_id",
    "cidr": "cidr",
    "enable_dhcp": "enable_dhcp",
    "dns_nameservers": "dns_nameservers",
    "ipv6_address_mode": "ipv6_address_mode",
    "ipv6_ra_mode": "ipv6_ra_mode",
    "host_routes": "host_routes",
    "service_types": "service_types",
    "description": "description",
    "tags": "tags",
}
PORT_COLUMNS = {
    "name": "name",
    "network_id": "network_id",
    "device_id": "device_id",
    "device_owner": "device_owner",
    "status": "status",
    "admin_state_up": "admin_state_up",
    "port_security_enabled": "port_security_enabled",
    "vnic_type": "binding:vnic_type",
    "vif_type": "binding:vif_type",
    "binding_host": "binding:host_id",
    "binding_profile": "binding:profile",
    "ip_allocation": "ip_allocation",
    "resource_request": "resource_request",
    "numa_affinity_policy": "numa_affinity_policy",
    "device_profile": "device_profile",
    "trusted": "trusted",
    "dns_name": "dns_name",
    "allowed_address_pairs": "allowed_address_pairs",
    "extra_dhcp_opts": "extra_dhcp_opts",
    "qos_policy_id": "qos_policy_id",
    "description": "description",
    "tags": "tags",
}

RULE_COLUMNS = (
    *("direction", "ethertype", "protocol", "port_range_min", "port_range_max"),
    *("remote_ip_prefix", "remote_group_id", "remote_address_group_id", "description"),
)


WITH_PORTS = (6, 17, 132, 33, 136)
"""TCP, UDP, SCTP, DCCP and UDPlite."""
ICMP, ICMP_V6 = 1, 58
LARGEST_ICMP = 255
ALL_ADDRESSES = ("0.0.0.0/0", "::/0")


MAKING_OWN = frozenset(("slaac", "dhcpv6-stateless"))
OWN_PREFIX = 64
"""Half of an IPv6 address is made of a MAC address."""


class UnusableRule(BadRequest):
    """The parts of a security group rule contradict each other."""

    code = "unusable_rule"


class UnusableSubnet(BadRequest):
    """The parts of a subnet contradict each other; ``field`` names the wrong one."""

    code = "unusable_subnet"


class PoolConflict(UnusableSubnet):
    """An address would be in two pools, or is the gateway's."""

    status = 409
    code = "pool_conflict"


def network_row(values: Mapping[str, Any], row_id: uuid.UUID, project_id: str) -> Network:
    return Network(id=row_id, project_id=project_id, **_columns(values, NETWORK_COLUMNS))


def subnet_row(
    values: Mapping[str, Any], given: Collection[str], row_id: uuid.UUID, project_id: str
) -> Subnet:
    """``given`` names the keys of the request: a given gateway of null means no gateway.

    Raises:
        UnusableSubnet: range, version, gateway and pools do not fit together.
    """
    network = ipaddress.ip_network(values["cidr"])
    if values["ip_version"] not in (None, network.version):
        raise UnusableSubnet(f"{network} is IPv{network.version}.", field="ip_version")
    gateway = gateway_of(values, given)
    check_gateway(str(network), gateway)
    check_pools(str(network), values["allocation_pools"] or (), gateway)
    subnet = Subnet(
        id=row_id,
        project_id=project_id,
        ip_version=network.version,
        gateway_ip=gateway,
        allocation_pools=values["allocation_pools"] or default_pools(str(network), gateway),
        **_columns(values, SUBNET_COLUMNS),
    )
    check_modes(subnet)
    return subnet


def gateway_of(values: Mapping[str, Any], given: Collection[str]) -> str | None:
    """The gateway of a new subnet: the first address of its range where none is given."""
    network = ipaddress.ip_network(values["cidr"])
    if "gateway_ip" in given or network.num_addresses <= 2:
        gateway: str | None = values["gateway_ip"]
        return gateway
    return str(network.network_address + 1)


def check_modes(subnet: Subnet) -> None:
    """Check what does not fit the range of a subnet.

    Raises:
        UnusableSubnet: a mode of IPv6 in IPv4, two modes that differ, a range in which DHCP has
            nothing to give away, a name server or a route twice, or one of the other IP version.
    """
    network = ipaddress.ip_network(subnet.cidr)
    modes = {"ipv6_address_mode": subnet.ipv6_address_mode, "ipv6_ra_mode": subnet.ipv6_ra_mode}
    told = {key: mode for key, mode in modes.items() if mode}
    if told and network.version == 4:
        raise UnusableSubnet(f"{network} is IPv4 and has no such mode.", field=next(iter(told)))
    if len(set(told.values())) > 1:
        raise UnusableSubnet("Both modes must be the same.", field="ipv6_ra_mode")
    if told and not subnet.enable_dhcp:
        raise UnusableSubnet("A mode needs enable_dhcp.", field=next(iter(told)))
    if MAKING_OWN.intersection(told.values()) and network.prefixlen != OWN_PREFIX:
        raise UnusableSubnet(
            f"Addresses that NICs make themselves need a range of /{OWN_PREFIX}.", field="cidr"
        )
    if network.version == 4 and subnet.enable_dhcp:
        if network.num_addresses <= 2:
            raise UnusableSubnet(f"{network} is too small for DHCP.", field="cidr")
        if int(network.network_address) == 0:
            raise UnusableSubnet(f"DHCP cannot give away {network}.", field="cidr")
    if len(set(subnet.dns_nameservers)) < len(subnet.dns_nameservers):
        raise UnusableSubnet("A name server is named twice.", field="dns_nameservers")
    routes = {(route["destination"], route["nexthop"]) for route in subnet.host_routes}
    hops = [hop for route in routes for hop in route]
    for field, found in (("dns_nameservers", subnet.dns_nameservers), ("host_routes", hops)):
        other = [one for one in found if ipaddress.ip_interface(one).version != network.version]
        if other:
            raise UnusableSubnet(f"{other[0]} is not IPv{network.version}.", field=field)
    if len(routes) < len(subnet.host_routes):
        raise UnusableSubnet("A route is named twice.", field="host_routes")


def check_gateway(cidr: str, gateway: str | None) -> None:
    """Raises ``UnusableSubnet`` where the gateway's address cannot be used."""
    network = ipaddress.ip_network(cidr)
    if gateway is None:
        return
    address = ipaddress.ip_address(gateway)
    if address.version != network.version or (
        network.version == 4 and is_reserved(str(network), address)
    ):
        raise UnusableSubnet(f"{gateway} cannot be the gateway of {network}.", field="gateway_ip")


def check_pools(cidr: str, pools: Sequence[Mapping[str, str]], gateway: str | None) -> None:
    """Check the allocation pools of a subnet.

    Raises:
        UnusableSubnet: a range is not within the allocatable addresses of the subnet.
        PoolConflict: two of them overlap, or one has the gateway.
    """
    network = ipaddress.ip_network(cidr)
    seen: list[tuple[int, int]] = []
    for pool in pools:
        start, end = (ipaddress.ip_address(pool[edge]) for edge in ("start", "end"))
        within = all(edge in network and not is_reserved(cidr, edge) for edge in (start, end))
        if not within or int(start) > int(end):
            raise UnusableSubnet(
                f"{start} to {end} is no range within {network}.", field="allocation_pools"
            )
        if any(first <= int(end) and int(start) <= last for first, last in seen):
            raise PoolConflict(f"{start} to {end} overlaps another.", field="allocation_pools")
        seen.append((int(start), int(end)))
    if gateway is None or ipaddress.ip_address(gateway).version != network.version:
        return
    if any(first <= int(ipaddress.ip_address(gateway)) <= last for first, last in seen):
        raise PoolConflict(f"The gateway {gateway} is in a pool.", field="allocation_pools")


def port_row(values: Mapping[str, Any], row_id: uuid.UUID, project_id: str) -> Port:
    columns = _columns(values, PORT_COLUMNS)
    mac = values["mac_address"] or make_mac()
    port = Port(id=row_id, project_id=project_id, mac_address=mac, **columns)
    port.allowed_address_pairs = complete_pairs(port)
    return port


def complete_pairs(port: Port) -> list[dict[str, str]]:
    """The port's address pairs; one without a MAC address is meant for that of the port."""
    return [
        {"ip_address": pair["ip_address"], "mac_address": pair["mac_address"] or port.mac_address}
        for pair in port.allowed_address_pairs or ()
    ]


def check_rule(values: Mapping[str, Any]) -> None:
    """Check that the parts of a security group rule fit together.

    Raises:
        UnusableRule: the text says which do not.
    """
    protocol, ether_type = number_of(values["protocol"]), values["ethertype"]
    low, high = values["port_range_min"], values["port_range_max"]
    prefix = values["remote_ip_prefix"]
    remotes = ("remote_ip_prefix", "remote_group_id", "remote_address_group_id")
    if sum(values[key] is not None for key in remotes) > 1:
        raise UnusableRule(f"Give one of {', '.join(remotes)}.", field="remote_ip_prefix")
    if prefix and ipaddress.ip_interface(prefix).version != int(ether_type[-1]):
        raise UnusableRule(  # Tempest reads the first words, here and below
            f"Conflicting value ethertype {ether_type}: {prefix} is not of it.",
            field="remote_ip_prefix",
        )
    if protocol == ICMP_V6 and ether_type == "IPv4":
        raise UnusableRule(f"{values['protocol']} goes with IPv6 alone.", field="protocol")
    if low is None and high is None:
        return
    if protocol in WITH_PORTS:
        if low is None or high is None or low > high:
            raise UnusableRule(
                "Give both ends: port_range_min must be <= port_range_max.",
                field="port_range_min",
            )
        if low == 0:
            raise UnusableRule("The ports begin at 1.", field="port_range_min")
    elif protocol in (ICMP, ICMP_V6):
        if low is None:
            raise UnusableRule(
                "The ICMP type (port-range-min) is missing; a code (port_range_max) needs it.",
                field="port_range_min",
            )
        for part, number in (("type", low), ("code", high or 0)):
            if number > LARGEST_ICMP:
                field = "port_range_min" if part == "type" else "port_range_max"
                raise UnusableRule(
                    f"Invalid value for ICMP {part} {number}: give {LARGEST_ICMP} at most.",
                    field=field,
                )
    else:
        raise UnusableRule(
            "Ports go with the protocols tcp, udp, sctp, dccp and udplite.", field="protocol"
        )


def rule_row(
    values: Mapping[str, Any], row_id: uuid.UUID, group: SecurityGroup
) -> SecurityGroupRule:
    columns = {key: values[key] for key in RULE_COLUMNS}
    if values["ethertype"] == "IPv6" and number_of(values["protocol"]) == ICMP:
        # Neutron: ICMP in IPv6 is ICMPv6, whatever it is called
        columns["protocol"] = "ipv6-icmp"
    return SecurityGroupRule(id=row_id, group=group, **columns)


def number_of(protocol: str | None) -> int | None:
    """The number of an IP protocol, which is named or numbered."""
    if protocol is None:
        return None
    return int(protocol) if protocol.isdigit() else PROTOCOLS.get(protocol)


def normal_range(prefix: str | None) -> str | None:
    """The range of a rule without the bits beyond its prefix."""
    return None if prefix is None else str(ipaddress.ip_interface(prefix).network)


def by_remote(prefix: str | None) -> Q:
    """A filter for the rules of the same other side. Neutron: a range is told by how it is
    written, but all addresses are the same as none being named.
    """
    if prefix not in (None, *ALL_ADDRESSES):
        return Q(remote_ip_prefix=prefix)
    return Q(remote_ip_prefix=None) | Q(remote_ip_prefix__in=ALL_ADDRESSES)


def by_protocol(protocol: str | None, ethertype: str) -> dict[str, Any]:
    """A filter for the rules of the same protocol, under each of its names."""
    number = number_of(protocol)
    if number is None:
        return {"protocol": protocol}
    same = {number, ICMP_V6} if ethertype == "IPv6" and number == ICMP else {number}
    names = [name for name, other in PROTOCOLS.items() if other in same]
    return {"protocol__in": [*names, *map(str, same)]}


def _columns(values: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    """The values by column; a column whose key is not in the values keeps its default."""
    return {column: values[key] for column, key in columns.items() if key in values}
