"""Describes how NICs are connected to those who carry their packets."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Collection, Iterable, Sequence

from compute_site.neighbours.network.carried import PacketRule
from compute_site.neighbours.network.local.rows import normal_range
from compute_site.neighbours.network.models import FixedIp, Port, SecurityGroupRule
from compute_site.neighbours.network.protocol import WiredSubnet, Wiring


def find_wiring(server_id: str) -> Sequence[Wiring]:
    ports = list(
        Port.objects.of_servers([server_id])
        .order_by("position", "created_at", "pk")
        .select_related("network")
        .prefetch_related("fixed_ips__subnet", "security_groups", "lent_floating_ips")
    )
    filtered = [port for port in ports if port.port_security_enabled]
    groups = {group.pk for port in filtered for group in port.security_groups.all()}
    rules = describe_rules(groups)
    return [_describe(port, rules) for port in ports]


def describe_rules(groups: Collection[uuid.UUID]) -> list[tuple[uuid.UUID, PacketRule]]:
    """The rules of the groups, in their order, each with the key of its group."""
    rows = SecurityGroupRule.objects.filter(group__in=groups)
    rules = list(rows.select_related("remote_address_group").order_by("created_at", "pk"))
    members = _members_of({rule.remote_group_id for rule in rules} - {None})
    return [(rule.group_id, _describe_rule(rule, members)) for rule in rules]


def _members_of(groups: Collection[uuid.UUID | None]) -> dict[tuple[uuid.UUID, int], list[str]]:
    """The addresses of the ports in each group, by the IP version."""
    found: dict[tuple[uuid.UUID, int], list[str]] = {}
    if not groups:
        return found
    held = FixedIp.objects.filter(port__security_groups__in=groups).order_by("pk")
    rows = held.values_list("port__security_groups", "subnet__ip_version", "address")
    for group, version, address in rows:
        found.setdefault((group, version), []).append(address)
    return found


def _describe(port: Port, rules: Iterable[tuple[uuid.UUID, PacketRule]]) -> Wiring:
    network = port.network
    own = {group.pk for group in port.security_groups.all()} if port.port_security_enabled else ()
    return Wiring(
        port_id=str(port.pk),
        network_id=str(network.pk),
        mac=port.mac_address,
        mtu=network.mtu,
        network_type=network.network_type,
        physical_network=network.physical_network,
        segmentation_id=network.segmentation_id,
        subnets=_subnets(port),
        port_security=port.port_security_enabled,
        rules=tuple(rule for group_id, rule in rules if group_id in own),
        address_pairs=tuple(
            (pair["ip_address"], pair["mac_address"]) for pair in port.allowed_address_pairs
        ),
        floating=tuple(
            (floating.address, floating.fixed_address)
            for floating in port.lent_floating_ips.all()
            if floating.fixed_address
        ),
    )


def _subnets(port: Port) -> tuple[WiredSubnet, ...]:
    """In the order of the port's addresses."""
    held = sorted(port.fixed_ips.all(), key=lambda fixed: fixed.pk)
    subnets = {fixed.subnet_id: fixed.subnet for fixed in held}
    return tuple(
        WiredSubnet(
            id=str(subnet.pk),
            cidr=subnet.cidr,
            version=subnet.ip_version,
            gateway=subnet.gateway_ip,
            dhcp=subnet.enable_dhcp,
            dns=tuple(subnet.dns_nameservers),
            routes=tuple((route["destination"], route["nexthop"]) for route in subnet.host_routes),
            addresses=tuple(fixed.address for fixed in held if fixed.subnet_id == subnet.pk),
        )
        for subnet in subnets.values()
    )


def _describe_rule(
    rule: SecurityGroupRule, members: dict[tuple[uuid.UUID, int], list[str]]
) -> PacketRule:
    """``rule`` comes with its ``remote_address_group``."""
    version = int(rule.ethertype[-1])
    remotes: tuple[str, ...] | None = None
    if rule.remote_ip_prefix:
        remotes = (str(normal_range(rule.remote_ip_prefix)),)
    elif rule.remote_group_id is not None:
        remotes = tuple(members.get((rule.remote_group_id, version), ()))
    elif rule.remote_address_group is not None:
        ranges = rule.remote_address_group.addresses
        remotes = tuple(one for one in ranges if ipaddress.ip_network(one).version == version)
    return PacketRule(
        direction=rule.direction,
        ethertype=rule.ethertype,
        protocol=rule.protocol,
        port_min=rule.port_range_min,
        port_max=rule.port_range_max,
        remotes=remotes,
    )
