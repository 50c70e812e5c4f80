"""Makes the new ports of servers: one statement reads what is needed for all of them, and one
writes all rows. Plain SQL: to compile the query sets takes several times as long.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from django.db.models import NOT_PROVIDED

from compute_site.db.loading import load
from compute_site.db.prepared import array, prepared_cursor
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network.local.addresses import draw_addresses
from compute_site.neighbours.network.local.ports import (
    KnownGroup,
    by_port,
    choose_groups,
    network_and_address,
    plan_addresses,
    save_asked,
    save_chosen,
)
from compute_site.neighbours.network.models import DEFAULT_GROUP, FixedIp, Port, Subnet
from compute_site.neighbours.network.protocol import NicFailed

READ = """
    SELECT (
        SELECT jsonb_agg(jsonb_build_object(
            'id', id, 'network_id', network_id, 'ip_version', ip_version, 'cidr', cidr,
            'gateway_ip', host(gateway_ip), 'allocation_pools', allocation_pools,
            'service_types', service_types,
            'ipv6_address_mode', ipv6_address_mode) ORDER BY created_at, id)::text
        FROM network_subnet WHERE network_id = ANY(%(networks)s::uuid[])
    ), (
        SELECT jsonb_agg(jsonb_build_array(project_id, id, name, stateful)
                         ORDER BY created_at, id)::text
        FROM network_securitygroup
        WHERE project_id = ANY(%(projects)s::text[])
          AND (name = ANY(%(words)s::text[]) OR id = ANY(%(ids)s::uuid[]))
    )
"""
_FIELDS = [
    field
    for field in Port._meta.concrete_fields  # noqa: SLF001 - Django's public model API
    if field.db_default is NOT_PROVIDED
]
# No address is saved where one of them is taken: then all are chosen again. They are sorted, so
# that two transactions that meet never wait for each other crosswise.
WRITE = """
    WITH made AS (
        INSERT INTO network_port ({columns})
        SELECT {columns} FROM jsonb_populate_recordset(NULL::network_port, %(ports)s::jsonb)
    ), protected AS (
        INSERT INTO network_port_security_groups (port_id, securitygroup_id)
        SELECT * FROM unnest(%(protected)s::uuid[], %(groups)s::uuid[])
    ), asked AS MATERIALIZED (
        SELECT * FROM unnest(%(of)s::uuid[], %(networks)s::uuid[], %(subnets)s::uuid[],
                             %(addresses)s::inet[])
                      WITH ORDINALITY AS asked (port, network, subnet, address, n)
    ), saved AS (
        INSERT INTO network_fixedip (port_id, network_id, subnet_id, address)
        SELECT port, network, subnet, address FROM asked
        WHERE NOT EXISTS (
            SELECT FROM asked JOIN network_fixedip AS held
                ON held.network_id = asked.network AND held.address = asked.address)
        ORDER BY n
        ON CONFLICT (network_id, address) DO NOTHING
        RETURNING id
    )
    SELECT count(*) FROM saved
""".format(columns=", ".join(str(field.column) for field in _FIELDS))  # noqa: S608 - names of our own columns


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """A port to make, with the address and the security groups (ids or names) it shall have."""

    port: Port
    address: str | None
    groups: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        return self.groups or (DEFAULT_GROUP,)


@dataclasses.dataclass(frozen=True, slots=True)
class Made:
    """What a new port has: addresses in the order in which they were saved, names of groups."""

    addresses: Sequence[FixedIp]
    groups: Sequence[str]


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    subnets: Mapping[uuid.UUID, Sequence[Subnet]]
    """By network."""
    groups: Mapping[str, Sequence[KnownGroup]]
    """By project."""


def make_ports(wanted: Sequence[Wanted]) -> dict[uuid.UUID, Made]:
    """Save the ports with addresses and groups.

    Raises:
        NicFailed: an asked address is taken or in no subnet, no address is left, or a group does
            not exist.
    """
    known = _read(wanted)
    groups = _choose_groups(wanted, known)
    plan = plan_addresses([(one.port, one.address) for one in wanted], known.subnets)
    drawn = [] if plan.asked else sorted(draw_addresses(plan.needs), key=network_and_address)
    drawn = drawn if len(drawn) == len(plan.needs) else []
    saved = _write([one.port for one in wanted], groups, drawn)
    if saved < len(drawn):  # others were faster
        FixedIp.objects.filter(port__in=[one.port for one in wanted]).delete()
    complete = saved == len(plan.needs)
    addresses = by_port(
        [*save_asked(plan.asked), *(drawn if complete else save_chosen(plan.needs))]
    )
    return {
        one.port.pk: Made(
            addresses.get(one.port.pk, ()), list(groups.get(one.port.pk, {}).values())
        )
        for one in wanted
    }


def _read(wanted: Iterable[Wanted]) -> _Known:
    words = {word for one in wanted for word in one.words}
    values: dict[str, Any] = {
        "networks": array({one.port.network_id for one in wanted}),
        "projects": array({one.port.project_id for one in wanted}),
        "words": array(words),
        "ids": array(canonical_ids(words)),
    }
    with prepared_cursor() as cursor:
        cursor.execute(READ, values)
        found, listed = (orjson.loads(text) if text else [] for text in cursor.fetchone())
    subnets: dict[uuid.UUID, list[Subnet]] = {}
    for row in found:
        row |= {name: uuid.UUID(row[name]) for name in ("id", "network_id")}
        subnets.setdefault(row["network_id"], []).append(load(Subnet, **row))
    groups: dict[str, list[KnownGroup]] = {}
    for project_id, key, name, stateful in listed:
        groups.setdefault(project_id, []).append(KnownGroup(uuid.UUID(key), name, stateful))
    return _Known(subnets, groups)


def _choose_groups(
    wanted: Sequence[Wanted], known: _Known
) -> dict[uuid.UUID, Mapping[uuid.UUID, str]]:
    """The groups of each port: their names by id. A port without port security gets none."""
    found: dict[tuple[str, tuple[str, ...]], Mapping[uuid.UUID, str]] = {}
    groups: dict[uuid.UUID, Mapping[uuid.UUID, str]] = {}
    for one in wanted:
        port, project_id = one.port, one.port.project_id
        if not port.port_security_enabled:
            if set(one.words) - {DEFAULT_GROUP}:
                raise NicFailed(
                    f"Network {port.network_id} has no port security: security groups cannot "
                    "be applied there."
                )
            continue
        key = (project_id, one.words)
        if key not in found:
            words = list(dict.fromkeys(one.words))
            found[key] = choose_groups(project_id, words, known.groups.get(project_id, ()))
        groups[port.pk] = found[key]
    return groups


def _write(
    ports: Sequence[Port],
    groups: Mapping[uuid.UUID, Mapping[uuid.UUID, str]],
    addresses: Sequence[FixedIp],
) -> int:
    """Write all of it; the number of addresses that were saved."""
    rows = [{field.column: getattr(port, field.attname) for field in _FIELDS} for port in ports]
    pairs = [(port, group) for port, own in groups.items() for group in own]
    values: dict[str, Any] = {
        "ports": orjson.dumps(rows).decode(),
        "protected": array(port for port, _ in pairs),
        "groups": array(group for _, group in pairs),
        "of": array(row.port_id for row in addresses),
        "networks": array(row.network_id for row in addresses),
        "subnets": array(row.subnet_id for row in addresses),
        "addresses": array(row.address for row in addresses),
    }
    with prepared_cursor() as cursor:
        cursor.execute(WRITE, values)
        (saved,) = cursor.fetchone()
    return int(saved)
