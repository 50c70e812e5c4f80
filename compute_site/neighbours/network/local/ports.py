"""Makes ports with addresses and security groups; used for servers and by the network API."""

from __future__ import annotations

import ipaddress
import secrets
import uuid
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Q

from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network.local.addresses import (
    Need,
    choose_addresses,
    is_reserved,
    make_row,
    makes_own_address,
    slaac_address,
)
from compute_site.neighbours.network.models import (
    DEFAULT_GROUP,
    FixedIp,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
)
from compute_site.neighbours.network.protocol import (
    AddressOutside,
    NicFailed,
    NoAddressLeft,
)

ATTEMPTS = 64
"""How often addresses are chosen again when others are faster."""


def make_mac() -> str:
    octets = secrets.token_bytes(3)
    return "fa:16:3e:" + ":".join(f"{octet:02x}" for octet in octets)


def save_addresses(wanted: Sequence[tuple[Port, str | None]]) -> None:
    """Give each port the asked address, or else one address of each IP version of its network.

    Raises:
        NicFailed: an asked address is taken or in no subnet, or no address is left.
    """
    subnets: dict[uuid.UUID, list[Subnet]] = {}
    networks = {port.network_id for port, _ in wanted}
    for subnet in Subnet.objects.filter(network__in=networks).order_by("created_at", "pk"):
        subnets.setdefault(subnet.network_id, []).append(subnet)
    fixed: list[FixedIp] = []
    needs: list[Need] = []
    for port, address in wanted:
        choice = subnets.get(port.network_id, [])
        if address is not None:
            fixed.append(asked_address(port, address, choice))
        else:
            fixed += [
                make_row(port.pk, subnet, slaac_address(subnet, port.mac_address))
                for subnet in choice
                if makes_own_address(subnet)
            ]
            needs += _needs(port, choice)
    save_asked(fixed)
    save_chosen(needs)


def asked_address(port: Port, address: str, subnets: Sequence[Subnet]) -> FixedIp:
    """The address in its subnet, as a row that is not saved.

    Raises:
        AddressOutside: it is in none of the subnets, or no port can have it.
    """
    parsed = ipaddress.ip_address(address)
    for subnet in subnets:
        if parsed in ipaddress.ip_network(subnet.cidr):
            if is_reserved(subnet.cidr, parsed):
                raise AddressOutside(f"Address {address} stands for all of {subnet.cidr}.")
            return make_row(port.pk, subnet, parsed)
    raise AddressOutside(f"Address {address} is in no such subnet of network {port.network_id}.")


def _needs(port: Port, subnets: Sequence[Subnet]) -> list[Need]:
    versions = (
        [subnet for subnet in subnets if subnet.ip_version == version] for version in (4, 6)
    )
    return [
        Need(port.pk, tuple(choice))
        for choice in versions
        if choice and not any(makes_own_address(subnet) for subnet in choice)
    ]


def save_asked(rows: Sequence[FixedIp]) -> None:
    if not rows:
        return
    try:
        with transaction.atomic():
            FixedIp.objects.bulk_create(sorted(rows, key=_network_and_address))
    except IntegrityError:
        asked = ", ".join(row.address for row in rows)
        raise NicFailed(f"An address is in use already; asked for: {asked}.") from None


def save_chosen(needs: Sequence[Need]) -> None:
    """Give each port a free address of one of its subnets.

    Raises:
        NoAddressLeft: there is none.
    """
    if not needs:
        return
    for _ in range(ATTEMPTS):
        rows = [row for row in choose_addresses(needs) if row is not None]
        if len(rows) < len(needs):
            raise NoAddressLeft("A network has no address left.")
        try:
            # Sorted, so that two transactions cannot deadlock.
            with transaction.atomic():
                FixedIp.objects.bulk_create(sorted(rows, key=_network_and_address))
        except IntegrityError:
            continue
        return
    raise NoAddressLeft("A network is so full that others were faster at every attempt.")


def _network_and_address(row: FixedIp) -> tuple[str, int]:
    return str(row.network_id), int(ipaddress.ip_address(row.address))


def find_group_ids(project_id: str, names: Sequence[str]) -> list[uuid.UUID]:
    """The security groups of these ids or names; ``default`` is made when it is missing.

    Raises:
        NicFailed: a group does not exist, or several have the name.
    """
    wanted = list(dict.fromkeys(names)) or [DEFAULT_GROUP]
    groups = _groups_by_word(project_id, wanted)
    if DEFAULT_GROUP in wanted and DEFAULT_GROUP not in groups:
        make_default_groups([project_id])
        groups = _groups_by_word(project_id, wanted)
    found = []
    for word in wanted:
        ids = groups.get(word, [])
        if len(ids) != 1:
            problem = "does not exist" if not ids else "is the name of several"
            raise NicFailed(f"Security group {word} {problem} in the project.")
        found.append(ids[0])
    return list(dict.fromkeys(found))


def make_default_groups(project_ids: Sequence[str]) -> None:
    """Make the group ``default`` for each project that has none."""
    known = SecurityGroup.objects.filter(name=DEFAULT_GROUP, project__in=project_ids)
    missing = set(project_ids) - set(known.values_list("project", flat=True))
    groups = [
        SecurityGroup(
            name=DEFAULT_GROUP, description="Default security group", project_id=project_id
        )
        for project_id in sorted(missing)
    ]
    SecurityGroup.objects.bulk_create(groups, ignore_conflicts=True)
    # where another transaction has made the group meanwhile, ours was not inserted
    made = SecurityGroup.objects.filter(pk__in=[group.pk for group in groups])
    give_first_rules(list(made))


def give_first_rules(groups: Sequence[SecurityGroup]) -> None:
    """Make the rules of new groups: all traffic may leave; into a default group its members may
    send.
    """
    rules = []
    for group in groups:
        for ethertype in ("IPv4", "IPv6"):
            rules.append(SecurityGroupRule(group=group, direction="egress", ethertype=ethertype))
            if group.name == DEFAULT_GROUP:
                rules.append(
                    SecurityGroupRule(
                        group=group,
                        direction="ingress",
                        ethertype=ethertype,
                        remote_group=group,
                    )
                )
    SecurityGroupRule.objects.bulk_create(rules)


def _groups_by_word(project_id: str, words: Sequence[str]) -> dict[str, list[uuid.UUID]]:
    """Group ids by the given id or name; a word that is an id of one and a name of another group is
    taken as the id.
    """
    found = SecurityGroup.objects.filter(
        Q(name__in=words) | Q(pk__in=canonical_ids(words)), project=project_id
    ).values_list("pk", "name")
    by_name: dict[str, list[uuid.UUID]] = {}
    for group_id, name in found:
        by_name.setdefault(name, []).append(group_id)
    return by_name | {str(group_id): [group_id] for group_id, _ in found}
