"""Makes ports with addresses and security groups; used for servers and by the network API."""

from __future__ import annotations

import dataclasses
import ipaddress
import secrets
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from django.db import IntegrityError, transaction
from django.db.models import Q

from compute_site.caller import Caller
from compute_site.db.prepared import array, prepared_cursor
from compute_site.faults import BadReference, BadRequest
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network.local.addresses import (
    Need,
    choose_addresses,
    draw_addresses,
    is_reserved,
    make_row,
    makes_own_address,
    slaac_address,
)
from compute_site.neighbours.network.local.missing import SubnetNotFound
from compute_site.neighbours.network.models import (
    DEFAULT_GROUP,
    OF_SERVICE,
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


class UnusableFixedIps(BadRequest):
    """What is asked for under ``fixed_ips`` cannot be given to one port."""

    code = "unusable_fixed_ips"


class IpAddressAlreadyAllocated(NicFailed):
    """An address that is asked for is one of another port; clients know it by this name."""

    code = "address_taken"


def make_mac() -> str:
    octets = secrets.token_bytes(3)
    return "fa:16:3e:" + ":".join(f"{octet:02x}" for octet in octets)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The addresses that ports get: those that are asked for, and needs for any address of some
    subnets.
    """

    asked: Sequence[FixedIp]
    needs: Sequence[Need]


def save_addresses(
    wanted: Sequence[tuple[Port, str | None]],
) -> dict[uuid.UUID, list[FixedIp]]:
    """Give each port the asked address, or else one of each IP version of its network, beside
    those that its guest makes itself. Returns the addresses of each port, in the order in which
    they were saved.

    Raises:
        NicFailed: an asked address is taken or in no subnet, or no address is left.
    """
    subnets: dict[uuid.UUID, list[Subnet]] = {}
    networks = {port.network_id for port, _ in wanted}
    for subnet in Subnet.objects.filter(network__in=networks).order_by("created_at", "pk"):
        subnets.setdefault(subnet.network_id, []).append(subnet)
    plan = plan_addresses(wanted, subnets)
    return by_port([*save_asked(plan.asked), *save_chosen(plan.needs)])


def plan_addresses(
    wanted: Sequence[tuple[Port, str | None]], subnets: Mapping[uuid.UUID, Sequence[Subnet]]
) -> Addresses:
    """As ``save_addresses``, with the subnets of each network; saves nothing yet."""
    fixed: list[FixedIp] = []
    needs: list[Need] = []
    for port, address in wanted:
        choice = serving(port, subnets.get(port.network_id, []))
        if address is not None:
            fixed.append(asked_address(port, address, choice))
        else:
            fixed += [
                make_row(port.pk, subnet, slaac_address(subnet, port.mac_address))
                for subnet in choice
                if makes_own_address(subnet)
            ]
            needs += _needs(port, choice)
    return Addresses(asked=fixed, needs=needs)


def serving(port: Port, subnets: Iterable[Subnet]) -> list[Subnet]:
    """The subnets that give addresses to ports of this owner, those for it alone first.

    Raises:
        NoAddressLeft: there are subnets, but all are for others.
    """
    known = list(subnets)
    fit = [one for one in known if not one.service_types or port.device_owner in one.service_types]
    if known and not fit:
        raise NoAddressLeft(
            f"No subnet of network {port.network_id} gives addresses to ports of the owner "
            f"{port.device_owner or 'nobody'}."
        )
    return sorted(fit, key=lambda subnet: not subnet.service_types)


def by_port(rows: Iterable[FixedIp]) -> dict[uuid.UUID, list[FixedIp]]:
    """The addresses of each port, in their order."""
    found: dict[uuid.UUID, list[FixedIp]] = {}
    for row in rows:
        found.setdefault(row.port_id, []).append(row)
    return found


def give_addresses(port: Port, entries: Sequence[Mapping[str, Any]]) -> None:
    """Give the port each asked address, and an address of each subnet that is named without one.
    Neutron: the addresses that a guest makes itself are there without being asked for.

    Raises:
        AddressOutside: an address is not in the subnet beside it, or in none.
        SubnetNotFound: there is no such subnet.
        BadReference: a subnet is not one of the network.
        UnusableFixedIps: an address is named twice, or an entry names nothing.
        NicFailed: an address is taken, or none is left.
    """
    known = Subnet.objects.filter(network=port.network_id)
    subnets = {row.pk: row for row in serving(port, known)} if entries else {}
    strange = {entry["subnet_id"] for entry in entries} - {None, *subnets}
    if strange:
        _blame(port, strange)
    addresses = [entry["ip_address"] for entry in entries if entry["ip_address"] is not None]
    if len(set(addresses)) < len(addresses):
        raise UnusableFixedIps("An address is named twice.", field="fixed_ips")
    if any(entry["subnet_id"] is None and entry["ip_address"] is None for entry in entries):
        raise UnusableFixedIps("Give each entry a subnet_id or an ip_address.", field="fixed_ips")
    own = {pk for pk, subnet in subnets.items() if makes_own_address(subnet)}
    asked = _asked_rows(port, entries, subnets)
    named = {row.subnet_id for row in asked}
    made = [] if not entries or port.device_owner in OF_SERVICE else sorted(own - named)
    save_asked(
        [
            *(
                make_row(port.pk, subnets[one], slaac_address(subnets[one], port.mac_address))
                for one in made
            ),
            *asked,
        ]
    )
    free = [entry["subnet_id"] for entry in entries if entry["ip_address"] is None]
    save_chosen([Need(port.pk, (subnets[one],)) for one in sorted(free) if one not in made])


def _asked_rows(
    port: Port, entries: Sequence[Mapping[str, Any]], subnets: Mapping[uuid.UUID, Subnet]
) -> list[FixedIp]:
    return [
        asked_address(
            port,
            entry["ip_address"],
            list(subnets.values()) if not entry["subnet_id"] else [subnets[entry["subnet_id"]]],
        )
        for entry in entries
        if entry["ip_address"] is not None
    ]


def _blame(port: Port, strange: Collection[uuid.UUID]) -> NoReturn:
    """Raise what is wrong with subnets that are not of the network of the port. Of those of other
    projects it does not tell that they exist.
    """
    known = Subnet.objects.filter(pk__in=strange, project=port.project_id)
    missing = set(strange) - set(known.values_list("pk", flat=True))
    if missing:
        told = ", ".join(sorted(map(str, missing)))
        raise SubnetNotFound(f"There is no subnet {told}.", field="fixed_ips")
    raise BadReference("A subnet under fixed_ips is not one of this network.", field="fixed_ips")


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
    others = [subnet for subnet in subnets if not makes_own_address(subnet)]
    versions = ([subnet for subnet in others if subnet.ip_version == version] for version in (4, 6))
    return [Need(port.pk, tuple(choice)) for choice in versions if choice]


def save_asked(rows: Sequence[FixedIp]) -> list[FixedIp]:
    """Save the addresses; returns them in the order of the rows."""
    if not rows:
        return []
    ordered = sorted(rows, key=network_and_address)
    try:
        with transaction.atomic():
            FixedIp.objects.bulk_create(ordered)
    except IntegrityError:
        asked = ", ".join(row.address for row in rows)
        raise IpAddressAlreadyAllocated(
            f"An address is in use already; asked for: {asked}."
        ) from None
    return ordered


def save_chosen(needs: Sequence[Need]) -> list[FixedIp]:
    """Give each port a free address of one of its subnets; returns them in the order of the rows.

    Raises:
        NoAddressLeft: there is none.
    """
    if not needs:
        return []
    drawn = sorted(draw_addresses(needs), key=network_and_address)
    if len(drawn) == len(needs) and _saved(drawn):
        return drawn
    for _ in range(ATTEMPTS):
        chosen = [row for row in choose_addresses(needs) if row is not None]
        if len(chosen) < len(needs):
            raise NoAddressLeft("A network has no address left.")
        chosen.sort(key=network_and_address)
        if _saved(chosen):
            return chosen
    raise NoAddressLeft("A network is so full that others were faster at every attempt.")


# Sorted, so that two transactions that meet never wait for each other crosswise.
SAVE = """
    INSERT INTO network_fixedip (port_id, network_id, subnet_id, address)
    SELECT port, network, subnet, address
    FROM unnest(%(ports)s::uuid[], %(networks)s::uuid[], %(subnets)s::uuid[],
                %(addresses)s::inet[]) WITH ORDINALITY AS row (port, network, subnet, address, n)
    ORDER BY n
    ON CONFLICT (network_id, address) DO NOTHING
    RETURNING id
"""


def _saved(rows: Sequence[FixedIp]) -> bool:
    """Save these rows, or, where others have one of the addresses, none."""
    values: dict[str, Any] = {
        "ports": array(row.port_id for row in rows),
        "networks": array(row.network_id for row in rows),
        "subnets": array(row.subnet_id for row in rows),
        "addresses": array(row.address for row in rows),
    }
    with transaction.atomic(), prepared_cursor() as cursor:
        cursor.execute(SAVE, values)
        complete = len(cursor.fetchall()) == len(rows)
        if not complete:
            transaction.set_rollback(True)
    return complete


def network_and_address(row: FixedIp) -> tuple[str, int]:
    """The order in which addresses are saved."""
    return str(row.network_id), int(ipaddress.ip_address(row.address))


class KnownGroup(NamedTuple):
    id: uuid.UUID
    name: str
    stateful: bool


class GroupsNotAlike(NicFailed):
    """Some security groups of a port are stateful, and some stateless."""

    code = "groups_not_alike"


def find_group_ids(project_id: str, names: Sequence[str]) -> list[uuid.UUID]:
    """As ``find_groups``: the ids alone."""
    return list(find_groups(project_id, names))


def find_groups(project_id: str, names: Sequence[str]) -> dict[uuid.UUID, str]:
    """The security groups of these ids or names: their names by id. ``default`` is made when it is
    missing.

    Raises:
        NicFailed: a group does not exist, several have the name, or they are not alike.
    """
    wanted = list(dict.fromkeys(names)) or [DEFAULT_GROUP]
    return choose_groups(project_id, wanted, _read_groups(project_id, wanted))


def choose_groups(
    project_id: str, wanted: Sequence[str], known: Sequence[KnownGroup]
) -> dict[uuid.UUID, str]:
    """As ``find_groups``, among groups of the project that were read already."""
    groups = _groups_by_word(known)
    if DEFAULT_GROUP in wanted and DEFAULT_GROUP not in groups:
        make_default_groups([project_id])
        groups = _groups_by_word(_read_groups(project_id, wanted))
    found: dict[uuid.UUID, KnownGroup] = {}
    for word in wanted:
        ids = groups.get(word, [])
        if len(ids) != 1:
            problem = "does not exist" if not ids else "is the name of several"
            raise NicFailed(f"Security group {word} {problem} in the project.")
        found[ids[0].id] = ids[0]
    check_alike(group.stateful for group in found.values())
    return {key: group.name for key, group in found.items()}


def check_alike(stateful: Iterable[bool]) -> None:
    """Neutron: the groups of a port are either all stateful or all stateless.

    Raises:
        GroupsNotAlike: some are the one, and some the other.
    """
    if len(set(stateful)) > 1:
        raise GroupsNotAlike("Stateful and stateless security groups cannot be on one port.")


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


@transaction.atomic
def give_default_group(caller: Caller) -> None:
    """Make the group ``default`` of the caller's project, which is there when groups are listed."""
    make_default_groups([caller.project_id])


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


def _read_groups(project_id: str, words: Sequence[str]) -> list[KnownGroup]:
    """The groups that have one of the words as id or name."""
    found = SecurityGroup.objects.filter(
        Q(name__in=words) | Q(pk__in=canonical_ids(words)), project=project_id
    )
    return [KnownGroup(*row) for row in found.values_list("pk", "name", "stateful")]


def _groups_by_word(groups: Sequence[KnownGroup]) -> dict[str, list[KnownGroup]]:
    """Groups by their ids and names; a word that is an id of one and a name of another group is
    taken as the id.
    """
    by_name: dict[str, list[KnownGroup]] = {}
    for group in groups:
        by_name.setdefault(group.name, []).append(group)
    return by_name | {str(group.id): [group] for group in groups}
