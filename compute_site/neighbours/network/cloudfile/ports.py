"""Ports, as the network API v2.0 shows them, with their addresses and security groups."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Mapping, Sequence

from compute_site.cloudfile.cloud import Cloud, check_ids, known_ids, own_id, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.errors import CloudFileError
from compute_site.cloudfile.section import Section
from compute_site.neighbours.network.api.shapes import PORT
from compute_site.neighbours.network.local.addresses import make_row
from compute_site.neighbours.network.local.ports import save_addresses
from compute_site.neighbours.network.local.rows import port_row
from compute_site.neighbours.network.models import (
    DEFAULT_GROUP,
    FixedIp,
    Network,
    Port,
    SecurityGroup,
    Subnet,
)
from compute_site.neighbours.network.protocol import NicFailed

CHANGED_BY_SERVERS = (
    *("device_id", "device_owner", "status", "vif_type", "binding_host"),
    *("mac_address", "tag", "position", "created_by_server"),
)


def write_ports(entries: Sequence[Entry], cloud: Cloud) -> None:
    check_ids(entries, "network_id", Network, noun="network")
    ports = []
    for entry in entries:
        project_id = cloud.project(entry, "project_id")
        row_id = own_id(entry, "port", project_id, str(entry["network_id"]), entry["name"])
        ports.append(port_row(entry.values, row_id, project_id))
    known = known_ids(Port, [port.pk for port in ports])
    save_rows(Port, ports, keep=CHANGED_BY_SERVERS)
    pairs = list(zip(entries, ports, strict=True))
    _write_addresses([pair for pair in pairs if "fixed_ips" in pair[0].given])
    _choose_addresses(
        [(e, port) for e, port in pairs if "fixed_ips" not in e.given and port.pk not in known]
    )
    _write_groups(
        [(e, port) for e, port in pairs if "security_groups" in e.given or port.pk not in known]
    )


def _write_addresses(pairs: Sequence[tuple[Entry, Port]]) -> None:
    """Give the ports exactly the addresses of the file."""
    networks = {port.network_id for _, port in pairs}
    subnets: dict[uuid.UUID, list[Subnet]] = {}
    for subnet in Subnet.objects.filter(network__in=networks).order_by("created_at", "pk"):
        subnets.setdefault(subnet.network_id, []).append(subnet)
    wanted = {}
    for entry, port in pairs:
        for fixed_ip in entry["fixed_ips"]:
            subnet = _subnet_of(entry, fixed_ip, subnets.get(port.network_id, []))
            address = fixed_ip["ip_address"]
            wanted[port.pk, address] = make_row(port.pk, subnet, ipaddress.ip_address(address))
    held = {
        (row.port_id, row.address): row.pk
        for row in FixedIp.objects.filter(port__in=[port.pk for _, port in pairs])
    }
    surplus = [pk for key, pk in held.items() if key not in wanted]
    FixedIp.objects.filter(pk__in=surplus).delete()
    FixedIp.objects.bulk_create(row for key, row in wanted.items() if key not in held)


def _subnet_of(entry: Entry, fixed_ip: Mapping[str, str], subnets: Sequence[Subnet]) -> Subnet:
    if fixed_ip["ip_address"] is None:
        raise entry.wrong("fixed_ips", "each address stands under ip_address")
    found = ipaddress.ip_address(fixed_ip["ip_address"])
    for subnet in subnets:
        asked = fixed_ip["subnet_id"] in (None, subnet.pk)
        if asked and found in ipaddress.ip_network(subnet.cidr):
            return subnet
    raise entry.wrong("fixed_ips", f"{found} is in no such subnet of the port's network")


def _choose_addresses(pairs: Sequence[tuple[Entry, Port]]) -> None:
    try:
        save_addresses([(port, None) for _, port in pairs])
    except NicFailed as error:
        raise CloudFileError([f"ports: {error}"]) from error


def _write_groups(pairs: Sequence[tuple[Entry, Port]]) -> None:
    """Put the ports into the security groups of the file, or into the default one."""
    asked = {group_id for entry, _ in pairs for group_id in entry["security_groups"] or ()}
    known = known_ids(SecurityGroup, asked)
    defaults = dict(
        SecurityGroup.objects.filter(name=DEFAULT_GROUP).values_list("project_id", "pk")
    )
    wanted = set()
    for entry, port in pairs:
        group_ids = entry["security_groups"]
        if group_ids is None:
            group_ids = [defaults[port.project_id]] if port.port_security_enabled else []
        for group_id in group_ids:
            if group_id not in known and group_id not in defaults.values():
                raise entry.wrong("security_groups", f"there is no security group {group_id}")
            wanted.add((port.pk, group_id))
    through = Port.security_groups.through
    held = through.objects.filter(port__in=[port.pk for _, port in pairs])
    surplus = [link.pk for link in held if (link.port_id, link.securitygroup_id) not in wanted]
    through.objects.filter(pk__in=surplus).delete()
    through.objects.bulk_create(
        [through(port_id=port_id, securitygroup_id=group_id) for port_id, group_id in wanted],
        ignore_conflicts=True,
    )


SECTIONS = (
    Section(
        name="ports",
        after=(
            "subnets",
            "security_groups",
        ),
        keys=PORT,
        write=write_ports,
        unique=(("id",),),
    ),
)
