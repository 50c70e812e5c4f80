"""Updates the servers' ``network_info``, a cache of their NICs, from the network service."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import orjson
from django.db import connection, transaction
from django.db.models import QuerySet

from compute_site.caller import Caller
from compute_site.neighbours import network_service
from compute_site.neighbours.ids import canonical_ids
from servers.lifecycle.guard import check_unlocked
from servers.models import Instance, VmState
from servers.placement.hot_plug import unplug

# One statement for the thousands of servers that a network of another name may have.
REMEMBER = """
    UPDATE servers_instance AS server SET network_info = new.nics::jsonb
    FROM unnest(%s::bigint[], %s::text[]) AS new (id, nics)
    WHERE server.id = new.id
"""


def lock_nics(server_ids: Collection[str], **_: Any) -> None:
    """Lock these servers, so that other changes of their NICs wait for this one. Servers are
    always locked before their ports.
    """
    list(_followers(server_ids).values_list("pk", flat=True))


def refresh_nics(server_ids: Collection[str], **_: Any) -> None:
    """Read the NICs of these servers again; a server without any is being built, and its build
    reads them. What a NIC that is gone has taken of the host is given back.
    """
    servers = list(_followers(server_ids).values_list("pk", "uuid", "network_info"))
    nics = network_service().nics([str(server_id) for _, server_id, _ in servers])
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
    with transaction.atomic():
        refresh_nics([str(instance.uuid)])
