"""Chooses addresses for ports. If two requests choose the same address, the unique constraint of
the table refuses the second.

An address is drawn at random first (``draw_addresses``), without a statement. Where that fails,
a few random addresses of the pools are looked up in one statement, so that the cost does not grow
with the number of ports. The pools are searched only if all guesses are taken.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import random
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from compute_site.neighbours.network.models import FixedIp, Subnet

GUESSES = 8
LISTED = 2**16
"""Of a pool of up to so many addresses all are tried; in a larger one, those next to taken ones."""
SLAAC_MODES = ("slaac", "dhcpv6-stateless")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclasses.dataclass(frozen=True, slots=True)
class Need:
    """A port needs one address out of any of these subnets, which are of one IP version."""

    port_id: uuid.UUID
    subnets: tuple[Subnet, ...]


def draw_addresses(needs: Sequence[Need]) -> list[FixedIp]:
    """A random address of the first subnet for each need, all different. Whether others have them,
    nobody has looked.
    """
    pools: dict[uuid.UUID, list[tuple[Address, int]]] = {}
    drawn: dict[tuple[uuid.UUID, Address], FixedIp] = {}
    for need in needs:
        subnet = need.subnets[0]
        spans = pools.setdefault(subnet.pk, list(_spans(subnet)))
        if not spans:
            continue
        for _ in range(GUESSES):
            start, size = random.choice(spans)  # noqa: S311 - no secret
            address = start + random.randrange(size)  # noqa: S311 - no secret
            place = (subnet.network_id, address)
            if place not in drawn and str(address) != subnet.gateway_ip:
                drawn[place] = make_row(need.port_id, subnet, address)
                break
    return list(drawn.values())


def choose_addresses(needs: Sequence[Need]) -> list[FixedIp | None]:
    """A free address for each need; ``None`` where none is left.

    Rows are not saved. Another transaction may take an address meanwhile: saving then violates
    ``network_address_once_in_network``, and the caller chooses again.
    """
    guesses = [_guess(need.subnets) for need in needs]
    taken = _taken((subnet.network_id, address) for guess in guesses for subnet, address in guess)
    chosen: list[FixedIp | None] = []
    for need, guess in zip(needs, guesses, strict=True):
        free = (pair for pair in guess if (pair[0].network_id, pair[1]) not in taken)
        pair = next(free, None) or _search(need.subnets, taken)
        if pair is not None:
            taken.add((pair[0].network_id, pair[1]))
        chosen.append(pair and make_row(need.port_id, *pair))
    return chosen


COUNT_TAKEN = """
    SELECT pool.number, taken.number
    FROM unnest(%(networks)s::uuid[], %(starts)s::inet[], %(ends)s::inet[])
        WITH ORDINALITY AS pool (network, start, last, number)
    CROSS JOIN LATERAL (
        SELECT count(*) AS number FROM (
            SELECT FROM network_fixedip
            WHERE network_id = pool.network AND address BETWEEN pool.start AND pool.last
            LIMIT %(most)s
        ) AS held
    ) AS taken
"""


def count_free(subnets: Sequence[Subnet]) -> list[tuple[Subnet, int | None]]:
    """How many addresses of each subnet nobody has; ``None`` where too many are taken to count."""
    pools = [(subnet, *span) for subnet in subnets for span in _spans(subnet)]
    values: dict[str, Any] = {
        "networks": [subnet.network_id for subnet, _, _ in pools],
        "starts": [str(start) for _, start, _ in pools],
        "ends": [str(start + (size - 1)) for _, start, size in pools],
        "most": LISTED,
    }
    with connection.cursor() as cursor:
        cursor.execute(COUNT_TAKEN, values)
        taken = dict(cursor.fetchall())
    free: dict[uuid.UUID, int | None] = {subnet.pk: 0 for subnet in subnets}
    for number, (subnet, _, size) in enumerate(pools, start=1):
        before = free[subnet.pk]
        uncounted = before is None or taken[number] >= LISTED < size
        free[subnet.pk] = None if uncounted else (before or 0) + size - taken[number]
    return [(subnet, free[subnet.pk]) for subnet in subnets]


def make_row(port_id: uuid.UUID, subnet: Subnet, address: Address) -> FixedIp:
    return FixedIp(
        port_id=port_id, network_id=subnet.network_id, subnet=subnet, address=str(address)
    )


def makes_own_address(subnet: Subnet) -> bool:
    """Does a guest make its address of this subnet from its MAC address (SLAAC)?"""
    return (
        subnet.ipv6_address_mode in SLAAC_MODES
        and ipaddress.ip_network(subnet.cidr).prefixlen == 64
    )


def slaac_address(subnet: Subnet, mac: str) -> Address:
    """The address that a NIC with this MAC address gives itself (modified EUI-64)."""
    octets = bytearray.fromhex(mac.replace(":", ""))
    octets[0] ^= 0x02
    interface = octets[:3] + b"\xff\xfe" + octets[3:]
    network = ipaddress.ip_network(subnet.cidr)
    return ipaddress.ip_address(int(network.network_address) | int.from_bytes(interface, "big"))


def default_pools(cidr: str, gateway_ip: str | None) -> list[dict[str, str]]:
    """The pools of all allocatable addresses: all but those of network, broadcast and gateway."""
    network = ipaddress.ip_network(cidr)
    edge = 1 if network.num_addresses > 2 else 0
    first = network.network_address + edge
    last = network.broadcast_address - (edge if network.version == 4 else 0)
    return pools_without([{"start": str(first), "end": str(last)}], gateway_ip)


def pools_without(pools: Iterable[Mapping[str, str]], address: str | None) -> list[dict[str, str]]:
    """The same pools without one address, which divides the pool that it lies in."""
    if address is None:
        return [dict(pool) for pool in pools]
    left_out = ipaddress.ip_address(address)
    kind, number = type(left_out), int(left_out)
    left: list[dict[str, str]] = []
    for pool in pools:
        start, end = (ipaddress.ip_address(pool[edge]) for edge in ("start", "end"))
        if start.version != left_out.version or not int(start) <= number <= int(end):
            left.append(dict(pool))
            continue
        parts = [(int(start), number - 1), (number + 1, int(end))]
        left += [
            {"start": str(kind(first)), "end": str(kind(last))}
            for first, last in parts
            if first <= last
        ]
    return left


def is_reserved(cidr: str, address: Address) -> bool:
    """Is it the address of the network itself, or its broadcast address?"""
    network = ipaddress.ip_network(cidr)
    if network.num_addresses <= 2:
        return False
    edges = [network.network_address]
    if network.version == 4:
        edges.append(network.broadcast_address)
    return address in edges


def overlap(one: str, other: str) -> bool:
    """Do two ranges of addresses have an address in common?"""
    first, second = ipaddress.ip_network(one), ipaddress.ip_network(other)
    return first.version == second.version and first.overlaps(second)


def _guess(subnets: Collection[Subnet]) -> list[tuple[Subnet, Address]]:
    """Random addresses of the pools, those of the first subnet first."""
    return [
        (subnet, address)
        for subnet in subnets
        for start, size in _spans(subnet)
        for address in (start + random.randrange(size) for _ in range(GUESSES))  # noqa: S311 - no secret
        if str(address) != subnet.gateway_ip
    ]


TAKEN = """
    SELECT held.network_id, host(held.address)
    FROM unnest(%(networks)s::uuid[], %(addresses)s::inet[]) AS guess (network, address)
    JOIN network_fixedip AS held
        ON held.network_id = guess.network AND held.address = guess.address
"""


def _taken(pairs: Iterable[tuple[uuid.UUID, Address]]) -> set[tuple[uuid.UUID, Address]]:
    guesses = list(pairs)
    if not guesses:
        return set()
    values: dict[str, Any] = {
        "networks": [network_id for network_id, _ in guesses],
        "addresses": [str(address) for _, address in guesses],
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKEN, values)
        return {(network, ipaddress.ip_address(address)) for network, address in cursor.fetchall()}


def _search(
    subnets: Collection[Subnet], taken: Collection[tuple[uuid.UUID, Address]]
) -> tuple[Subnet, Address] | None:
    """Any free address of the pools, found by a search in the database."""
    for subnet in subnets:
        avoid = [str(address) for network, address in taken if network == subnet.network_id]
        if subnet.gateway_ip is not None:
            avoid.append(subnet.gateway_ip)
        for start, size in _spans(subnet):
            left = _search_span(subnet, start, size, avoid)
            if left is not None:
                return subnet, left
    return None


# Begins at a random address, so that concurrent searches seldom find the same one.
LIST_ALL = """
    SELECT host(candidate) FROM (
        SELECT %(start)s::inet + (generate_series(0, %(size)s - 1) + %(offset)s) %% %(size)s
            AS candidate
    ) AS walk
    WHERE candidate <> ALL(%(avoid)s::inet[]) AND NOT EXISTS (
        SELECT FROM network_fixedip AS held
        WHERE held.network_id = %(network)s AND held.address = candidate)
    LIMIT 1
"""
# The address before a free one is taken, or must be avoided, or is not in the pool: so the search
# walks from a random address along the index of those that are taken, and looks at the next ones.
LOOK_BESIDE = """
    SELECT host(candidate) FROM (
        SELECT unnest(%(points)s::inet[]) AS candidate
        UNION ALL
        (SELECT address + 1 FROM network_fixedip
         WHERE network_id = %(network)s AND address >= %(middle)s AND address < %(last)s
         ORDER BY address)
        UNION ALL
        (SELECT address + 1 FROM network_fixedip
         WHERE network_id = %(network)s AND address >= %(start)s AND address < %(middle)s
         ORDER BY address)
    ) AS walk
    WHERE candidate BETWEEN %(start)s AND %(last)s AND candidate <> ALL(%(avoid)s::inet[])
      AND NOT EXISTS (
        SELECT FROM network_fixedip AS held
        WHERE held.network_id = %(network)s AND held.address = candidate)
    LIMIT 1
"""


def _search_span(subnet: Subnet, start: Address, size: int, avoid: list[str]) -> Address | None:
    offset = random.randrange(size)  # noqa: S311 - no secret
    last = start + (size - 1)
    beside = [ipaddress.ip_address(address) for address in avoid]
    within = [one for one in beside if int(start) <= int(one) < int(last)]
    points = [start, start + offset, *(one + 1 for one in within if one.version == start.version)]
    values: dict[str, Any] = {
        "start": str(start),
        "last": str(last),
        "middle": str(start + offset),
        "points": [str(point) for point in points],
        "size": size,
        "offset": offset,
        "network": subnet.network_id,
        "avoid": avoid,
    }
    with connection.cursor() as cursor:
        cursor.execute(LIST_ALL if size <= LISTED else LOOK_BESIDE, values)
        row = cursor.fetchone()
    return None if row is None else ipaddress.ip_address(row[0])


def _spans(subnet: Subnet) -> Iterator[tuple[Address, int]]:
    """First address and number of addresses of each pool."""
    for pool in subnet.allocation_pools:
        start = ipaddress.ip_address(pool["start"])
        yield start, int(ipaddress.ip_address(pool["end"])) - int(start) + 1
