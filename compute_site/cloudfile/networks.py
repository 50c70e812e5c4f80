"""Networks, subnets and security groups, as the network API v2.0 shows them."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud, check_ids, own_id, save_rows
from compute_site.cloudfile.keys import (
    IGNORED,
    Key,
    address,
    cidr,
    filled_text,
    flag,
    list_of,
    one_of,
    positive,
    record,
    text,
    uuid_text,
    whole,
)
from compute_site.cloudfile.section import Entry, Section
from compute_site.identity.models import Project
from compute_site.services.network.addresses import default_pools
from compute_site.services.network.models import DEFAULT_GROUP, Network, SecurityGroup, Subnet
from compute_site.services.network.ports import make_default_groups

PROJECT = Key(text, required=True, other_name="tenant_id")
COMMON = dict.fromkeys(("created_at", "updated_at", "revision_number", "tags"), IGNORED)
IPV6_MODE = Key(one_of("slaac", "dhcpv6-stateful", "dhcpv6-stateless"))
POOL = {"start": Key(address, required=True), "end": Key(address, required=True)}
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
}
SUBNET_COLUMNS = (
    *("name", "network_id", "cidr", "enable_dhcp", "dns_nameservers"),
    *("ipv6_address_mode", "ipv6_ra_mode"),
)


def write_networks(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = []
    for entry in entries:
        project_id = cloud.project(entry, "project_id")
        rows.append(
            Network(
                id=own_id(entry, "network", project_id, entry["name"]),
                project_id=project_id,
                **{column: entry[key] for column, key in NETWORK_COLUMNS.items()},
            )
        )
    save_rows(Network, rows)


def write_subnets(entries: Sequence[Entry], cloud: Cloud) -> None:
    check_ids(entries, "network_id", Network, noun="network")
    save_rows(Subnet, [_make_subnet(entry, cloud) for entry in entries])


def _make_subnet(entry: Entry, cloud: Cloud) -> Subnet:
    network = ipaddress.ip_network(entry["cidr"])
    if entry["ip_version"] not in (None, network.version):
        raise entry.wrong("ip_version", f"{entry['cidr']} is IPv{network.version}")
    gateway = entry["gateway_ip"]
    if "gateway_ip" not in entry.given and network.num_addresses > 2:
        gateway = str(network.network_address + 1)
    for pool in entry["allocation_pools"] or ():
        _check_pool(entry, pool, network)
    return Subnet(
        id=own_id(entry, "subnet", str(entry["network_id"]), entry["name"], entry["cidr"]),
        project_id=cloud.project(entry, "project_id"),
        ip_version=network.version,
        gateway_ip=gateway,
        allocation_pools=entry["allocation_pools"] or default_pools(entry["cidr"], gateway),
        **{key: entry[key] for key in SUBNET_COLUMNS},
    )


def _check_pool(entry: Entry, pool: dict[str, str], network: Any) -> None:
    start, end = (ipaddress.ip_address(pool[key]) for key in ("start", "end"))
    if start not in network or end not in network or int(start) > int(end):
        raise entry.wrong("allocation_pools", f"{start} to {end} is no range within {network}")


def write_security_groups(entries: Sequence[Entry], cloud: Cloud) -> None:
    defaults = dict(
        SecurityGroup.objects.filter(name=DEFAULT_GROUP).values_list("project_id", "pk")
    )
    rows = []
    for entry in entries:
        project_id = cloud.project(entry, "project_id")
        group_id = own_id(entry, "security group", project_id, entry["name"])
        if entry["name"] == DEFAULT_GROUP and project_id in defaults:
            if entry["id"] not in (None, defaults[project_id]):
                raise entry.wrong(
                    "id", f"the default group of this project is {defaults[project_id]}"
                )
            group_id = defaults[project_id]
        rows.append(
            SecurityGroup(
                id=group_id,
                name=entry["name"],
                description=entry["description"],
                project_id=project_id,
            )
        )
    save_rows(SecurityGroup, rows)
    make_default_groups(list(Project.objects.values_list("pk", flat=True)))


SECTIONS = (
    Section(
        name="networks",
        keys={
            "id": Key(uuid_text),
            "name": Key(text, default=""),
            "project_id": PROJECT,
            "shared": Key(flag, default=False),
            "router:external": Key(flag, default=False),
            "is_default": Key(flag, default=False),
            "admin_state_up": Key(flag, default=True),
            "status": Key(text, default="ACTIVE"),
            "mtu": Key(positive, default=1450),
            "port_security_enabled": Key(flag, default=True),
            "provider:network_type": Key(filled_text, default="vxlan"),
            "provider:physical_network": Key(text),
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
        },
        write=write_networks,
        unique=(("id",),),
    ),
    Section(
        name="subnets",
        keys={
            "id": Key(uuid_text),
            "name": Key(text, default=""),
            "network_id": Key(uuid_text, required=True),
            "project_id": PROJECT,
            "cidr": Key(cidr, required=True),
            "ip_version": Key(one_of(4, 6)),
            "gateway_ip": Key(address),
            "enable_dhcp": Key(flag, default=True),
            "allocation_pools": Key(list_of(record(POOL))),
            "dns_nameservers": Key(list_of(address), default=[]),
            "ipv6_address_mode": IPV6_MODE,
            "ipv6_ra_mode": IPV6_MODE,
            "description": IGNORED,
            "host_routes": IGNORED,
            "service_types": IGNORED,
            "segment_id": IGNORED,
            "subnetpool_id": IGNORED,
            "dns_publish_fixed_ip": IGNORED,
            **COMMON,
        },
        write=write_subnets,
        unique=(("id",),),
    ),
    Section(
        name="security_groups",
        keys={
            "id": Key(uuid_text),
            "name": Key(filled_text, required=True),
            "description": Key(text, default=""),
            "project_id": PROJECT,
            "security_group_rules": IGNORED,
            "stateful": IGNORED,
            "shared": IGNORED,
            **COMMON,
        },
        write=write_security_groups,
        unique=(("id",),),
    ),
)
