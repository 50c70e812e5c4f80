"""Takes resources of hosts for servers, and gives them back: rows and counters in one step.

Nodes are always changed in the order of their keys, so that two workers never wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db import connection

from servers.models import Allocation
from servers.placement.demand import Demand

# The condition keeps two conductors from taking the same room; the node's check constraints would
# refuse it as well, but only by an error.
CLAIM = """
    UPDATE servers_computenode
    SET vcpus_used = vcpus_used + %(vcpus)s, memory_mb_used = memory_mb_used + %(memory_mb)s,
        local_gb_used = local_gb_used + %(disk_gb)s, running_vms = running_vms + %(count)s
    WHERE id = %(node)s
      AND vcpus_used + %(vcpus)s <= vcpus * cpu_allocation_ratio
      AND memory_mb_used + %(memory_mb)s <= memory_mb * ram_allocation_ratio
      AND local_gb_used + %(disk_gb)s <= local_gb * disk_allocation_ratio
"""
# Who deletes an allocation gives it back: a second worker finds no row, and gives back nothing.
RELEASE = """
    WITH gone AS (
        DELETE FROM servers_allocation WHERE instance_id = ANY(%s) AND leaving = ANY(%s)
        RETURNING node_id, vcpus, memory_mb, disk_gb
    ), freed AS (
        SELECT node_id, sum(vcpus) AS vcpus, sum(memory_mb) AS memory_mb, sum(disk_gb) AS disk_gb,
               count(*) AS servers
        FROM gone GROUP BY node_id
    ), locked AS (
        SELECT node.id FROM servers_computenode AS node
        WHERE node.id IN (SELECT node_id FROM freed) ORDER BY node.id FOR NO KEY UPDATE
    )
    UPDATE servers_computenode AS node
    SET vcpus_used = node.vcpus_used - freed.vcpus,
        memory_mb_used = node.memory_mb_used - freed.memory_mb,
        local_gb_used = node.local_gb_used - freed.disk_gb,
        running_vms = node.running_vms - freed.servers
    FROM freed JOIN locked ON locked.id = freed.node_id
    WHERE node.id = freed.node_id
"""


class RoomTaken(Exception):
    """Somebody else has taken the room on a host since it was read."""


def claim(demand: Demand, nodes: Mapping[int, int]) -> None:
    """Take what each server demands of its node (server's key → node's key).

    Raises:
        RoomTaken: a node has no room any more; the transaction must be rolled back.
    """
    Allocation.objects.bulk_create(
        Allocation(
            instance_id=server,
            node_id=node,
            vcpus=demand.vcpus,
            memory_mb=demand.memory_mb,
            disk_gb=demand.disk_gb,
        )
        for server, node in nodes.items()
    )
    with connection.cursor() as cursor:
        for node, count in sorted(Counter(nodes.values()).items()):
            amounts = {
                "node": node,
                "count": count,
                "vcpus": demand.vcpus * count,
                "memory_mb": demand.memory_mb * count,
                "disk_gb": demand.disk_gb * count,
            }
            cursor.execute(CLAIM, amounts)
            if cursor.rowcount != 1:
                raise RoomTaken


def claim_move(demand: Demand, server: int, node: int) -> None:
    """Take what the server demands of the node it moves to; it keeps what it holds meanwhile.

    Raises:
        RoomTaken: as ``claim``.
    """
    Allocation.objects.filter(instance_id=server).update(leaving=True)
    claim(demand, {server: node})


def stay(server: int) -> None:
    """End a move where it began: what the server was to leave is its own again."""
    left = Allocation.objects.filter(instance_id=server, leaving=True)
    if left.exists():  # else it has taken nothing of another host yet
        _release([server], [False])
        left.update(leaving=False)


def leave(server: int) -> None:
    """End a move where it went: what the server left is given back."""
    _release([server], [True])


def release(servers: Sequence[int]) -> None:
    """Give back all that these servers hold; a second time gives back nothing."""
    _release(servers, [True, False])


def _release(servers: Sequence[int], leaving: Sequence[bool]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, [list(servers), list(leaving)])
