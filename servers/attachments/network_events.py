"""Updates the servers' ``network_info``, a cache of their NICs, from the network service.

A service in this database is read in the transaction of the change. One elsewhere is read before
it; where somebody else has changed the cache meanwhile, all of it is read again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.faults import Fault, Unavailable
from compute_site.neighbours import network_service
from compute_site.neighbours.calls import runs_outside
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.network.protocol import Nic
from servers.holdings.ask_first import take_precaution
from servers.lifecycle.guard import check_unlocked
from servers.lifecycle.jobs import ReadNics
from servers.models import Instance, VmState
from servers.placement.hot_plug import unplug

# One statement for the thousands of servers that a network of another name may have.
REMEMBER = """
    UPDATE servers_instance AS server SET network_info = new.nics::jsonb
    FROM unnest(%s::bigint[], %s::text[]) AS new (id, nics)
    WHERE server.id = new.id
"""


Result = TypeVar("Result")

UNKNOWN_FROM = 500
"""Errors from this status on do not say that nothing was changed."""

READ_ATTEMPTS = 5
"""How often NICs elsewhere are read while others change them here."""


class NicsKeepChanging(Unavailable):
    """The NICs of a server change faster than they can be read."""

    code = "nics_keep_changing"


class _ReadTooEarly(Exception):
    """Somebody has written the cache since the NICs were read."""


@dataclasses.dataclass(frozen=True, slots=True)
class NicsElsewhere:
    """The NICs of servers, and what was known of them before they were read, by server id."""

    known: Mapping[str, Any]
    nics: Mapping[str, tuple[Nic, ...]]


Reading = NicsElsewhere | None
"""``None``: the service is in this database."""


def are_elsewhere() -> bool:
    """Is the network service one that is asked outside of our transactions?"""
    return runs_outside(network_service().plug)


def with_nics(server_ids: Collection[str], act: Callable[[Reading], Result]) -> Result:
    """Let ``act``, which opens a transaction and calls ``refresh_nics`` in it, do so with what was
    read before.

    Raises:
        NicsKeepChanging: see there.
    """
    if not are_elsewhere():
        return act(None)
    for _ in range(READ_ATTEMPTS):
        try:
            return act(_read_elsewhere(server_ids))
        except _ReadTooEarly:
            continue
    raise NicsKeepChanging("The NICs of a server change all the time; try again.")


def _read_elsewhere(server_ids: Collection[str]) -> NicsElsewhere:
    ids = [str(server_id) for server_id in canonical_ids(server_ids)]
    rows = Instance.objects.alive().filter(uuid__in=ids).values_list("uuid", "network_info")
    known = {str(server_id): info for server_id, info in rows}
    return NicsElsewhere(known=known, nics=network_service().nics(list(known)) if known else {})


def update_nics(server_ids: Collection[str]) -> None:
    """Read the NICs of these servers again, in a transaction of its own."""

    def act(reading: Reading) -> None:
        with transaction.atomic():
            refresh_nics(server_ids, reading=reading)

    with_nics(server_ids, act)


def change_nics(server_ids: Collection[str], act: Callable[[], None]) -> None:
    """Make a change of NICs, and read them again: in one transaction, or, where they are elsewhere,
    first the one and then the other; a job does the latter if this process dies in between.
    """
    if not are_elsewhere():
        with transaction.atomic():
            lock_nics(server_ids)
            act()
            refresh_nics(server_ids)
        return
    precaution = take_precaution(ReadNics(servers=tuple(server_ids)))
    try:
        act()
    except Fault as fault:
        if fault.status < UNKNOWN_FROM:
            precaution.keep()  # nothing was changed
        raise

    def note(reading: Reading) -> None:
        with transaction.atomic():
            refresh_nics(server_ids, reading=reading)
            precaution.keep()

    with_nics(server_ids, note)


def lock_nics(server_ids: Collection[str], **_: Any) -> None:
    """Lock these servers, so that other changes of their NICs wait for this one. Servers are
    always locked before their ports.
    """
    list(_followers(server_ids).values_list("pk", flat=True))


def refresh_nics(server_ids: Collection[str], *, reading: Reading = None, **_: Any) -> None:
    """Read the NICs of these servers again, or take those that were read before the transaction; a
    server without any is being built, and its build reads them. What a NIC that is gone has taken
    of the host is given back.
    """
    servers = list(_followers(server_ids).values_list("pk", "uuid", "network_info"))
    if reading is None:
        nics: Mapping[str, tuple[Nic, ...]] = network_service().nics(
            [str(server_id) for _, server_id, _ in servers]
        )
    else:
        nics = reading.nics
        if any(reading.known.get(str(server_id)) != known for _, server_id, known in servers):
            raise _ReadTooEarly
    columns, gone = [], []
    for key, server_id, known in servers:
        now = nics.get(str(server_id), ())
        columns.append(orjson.dumps([dataclasses.asdict(nic) for nic in now]).decode())
        left = {nic["port_id"] for nic in known} - {nic.port_id for nic in now}
        gone += [(key, port_id) for port_id in left]
    if servers:
        with connection.cursor() as cursor:
            cursor.execute(REMEMBER, [[key for key, *_ in servers], columns])
    for key, port_id in gone:
        unplug(key, port_id)


def _followers(server_ids: Collection[str]) -> QuerySet[Instance]:
    """The servers among these whose NICs are cached here, locked in one order for all callers."""
    return (
        Instance.objects.alive()
        .filter(uuid__in=canonical_ids(server_ids))
        .exclude(network_info=[], vm_state=VmState.BUILDING)
        .select_for_update(no_key=True)
        .order_by("pk")
    )


def tell_network(caller: Caller, instance: Instance) -> None:
    """Update the server's cached NICs from the network service.

    Raises:
        ServerLocked: the server is locked, and the caller is no admin.
    """
    check_unlocked(caller, instance)
    update_nics([str(instance.uuid)])
