"""Networks, subnets and security groups, as the network API v2.0 shows them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from compute_site.cloudfile.cloud import Cloud, check_ids, known_ids, own_id, save_rows
from compute_site.cloudfile.entry import Entry
from compute_site.cloudfile.section import Section
from compute_site.identity.models import Project
from compute_site.neighbours.network.api.shapes import NETWORK, SECURITY_GROUP, SUBNET
from compute_site.neighbours.network.local.addresses import pools_without
from compute_site.neighbours.network.local.ports import give_first_rules, make_default_groups
from compute_site.neighbours.network.local.rows import (
    UnusableSubnet,
    gateway_of,
    network_row,
    rule_row,
    subnet_row,
)
from compute_site.neighbours.network.models import (
    DEFAULT_GROUP,
    Network,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)


def write_networks(entries: Sequence[Entry], cloud: Cloud) -> None:
    rows = []
    for entry in entries:
        project_id = cloud.project(entry, "project_id")
        row_id = own_id(entry, "network", project_id, entry["name"])
        rows.append(network_row(entry.values, row_id, project_id))
    save_rows(Network, rows)


def write_subnets(entries: Sequence[Entry], cloud: Cloud) -> None:
    check_ids(entries, "network_id", Network, noun="network")
    save_rows(Subnet, [_make_subnet(entry, cloud) for entry in entries])


def _make_subnet(entry: Entry, cloud: Cloud) -> Subnet:
    """The API refuses pools with the gateway. A file may describe a cloud that has such: there the
    gateway is left out of the pools.
    """
    row_id = own_id(entry, "subnet", str(entry["network_id"]), entry["name"], entry["cidr"])
    gateway = gateway_of(entry.values, entry.given)
    pools = pools_without(entry["allocation_pools"] or (), gateway) or entry["allocation_pools"]
    values = {**entry.values, "allocation_pools": pools}
    try:
        return subnet_row(values, entry.given, row_id, cloud.project(entry, "project_id"))
    except UnusableSubnet as error:
        raise entry.wrong(error.field or "cidr", error.detail) from None


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
                stateful=entry["stateful"],
                tags=entry["tags"],
                project_id=project_id,
            )
        )
    known = known_ids(SecurityGroup, [row.pk for row in rows])
    save_rows(SecurityGroup, rows)
    _write_rules(entries, rows, known)
    make_default_groups(list(Project.objects.values_list("pk", flat=True)))


def _write_rules(
    entries: Sequence[Entry], groups: Sequence[SecurityGroup], known: Collection[uuid.UUID]
) -> None:
    """Give the groups the rules of the file; new groups without rules get the default ones."""
    pairs = list(zip(entries, groups, strict=True))
    described = [(e, group) for e, group in pairs if "security_group_rules" in e.given]
    give_first_rules(
        [g for e, g in pairs if g.pk not in known and "security_group_rules" not in e.given]
    )
    wanted = {}
    for entry, group in described:
        for index, rule in enumerate(entry["security_group_rules"] or ()):
            row_id = uuid.uuid5(group.pk, f"{index}")
            wanted[row_id] = rule_row(rule, row_id, group)
    held = SecurityGroupRule.objects.filter(group__in=[group for _, group in described])
    held.exclude(pk__in=wanted).delete()
    save_rows(SecurityGroupRule, list(wanted.values()))


SECTIONS = (
    Section(
        name="networks",
        after=("projects",),
        keys=NETWORK,
        write=write_networks,
        unique=(("id",),),
    ),
    Section(
        name="subnets",
        after=("networks",),
        keys=SUBNET,
        write=write_subnets,
        unique=(("id",),),
    ),
    Section(
        name="security_groups",
        after=("networks",),
        keys=SECURITY_GROUP,
        write=write_security_groups,
        unique=(("id",),),
    ),
)
