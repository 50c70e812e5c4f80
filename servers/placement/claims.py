"""Takes resources of providers for servers, and gives them back: allocations and inventories in
one statement.

Who changes what providers have or have given away locks the roots of their trees first, in the
order of keys (``ResourceProvider.objects.lock_trees``), so that two workers never wait for each
other crosswise; the rows of inventories and of the node come after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from compute_site.db.prepared import array, prepared_cursor
from servers.models import Consumer, ConsumerType, Instance, Migration
from servers.placement.choose import Placement


class Need(NamedTuple):
    """What one server takes of one provider; all but the amount are keys or names."""

    server: int
    provider: int
    resource_class: str
    amount: int


# Of the providers in ``sums``: the roots of their trees are locked, and who looks at either learns
# of a change by the generation.
LOCK_TREES = """
    trees AS MATERIALIZED (
        SELECT id, root_id FROM servers_resourceprovider
        WHERE id = ANY(ARRAY(SELECT provider FROM sums))
    ), locked AS MATERIALIZED (
        SELECT id, node_id FROM servers_resourceprovider
        WHERE id = ANY(ARRAY(SELECT root_id FROM trees)) ORDER BY id FOR NO KEY UPDATE
    ), ours AS MATERIALIZED (
        SELECT trees.id, locked.id AS root_id FROM trees JOIN locked ON locked.id = trees.root_id
    ), told AS (
        UPDATE servers_resourceprovider SET generation = generation + 1
        WHERE id = ANY(ARRAY(SELECT root_id FROM ours UNION SELECT id FROM ours))
    )
"""

# An inventory without room, or without the class, is missing among those taken. The condition is
# checked on the row as it is when nobody else has it locked.
# Keys are given as arrays: of a join the planner may think that it is best to read a whole table.
CLAIM = f"""
    WITH needs AS MATERIALIZED (
        SELECT * FROM unnest(%(servers)s::bigint[], %(providers)s::bigint[], %(classes)s::text[],
                             %(amounts)s::bigint[])
                      AS need (server, provider, class, amount)
    ), sums AS MATERIALIZED (
        SELECT provider, class, sum(amount)::bigint AS amount, min(amount) AS least,
               max(amount) AS most, array_agg(amount) AS amounts
        FROM needs GROUP BY provider, class
    ), {LOCK_TREES}, taken AS (
        UPDATE servers_inventory AS stock SET used = used + sums.amount
        FROM sums
        WHERE stock.provider_id = ANY(ARRAY(SELECT id FROM ours))
          AND stock.provider_id = sums.provider AND stock.resource_class = sums.class
          AND sums.amount <= stock.free AND sums.least >= stock.min_unit
          AND sums.most <= stock.max_unit
          AND (stock.step_size = 1 OR NOT EXISTS (
               SELECT FROM unnest(sums.amounts) AS amount WHERE amount %% stock.step_size <> 0))
        RETURNING 1
    ), consumers AS (
        INSERT INTO servers_consumer
            (uuid, consumer_type, project_id, user_id, generation, instance_id, created_at)
        SELECT uuid, 'INSTANCE', project_id, user_id, 1, id, now() FROM servers_instance
        WHERE id = ANY(ARRAY(SELECT DISTINCT server FROM needs))
        RETURNING id, instance_id
    ), allocations AS (
        INSERT INTO servers_allocation
            (consumer_id, provider_id, resource_class, amount, created_at)
        SELECT consumers.id, needs.provider, needs.class, needs.amount, now()
        FROM needs JOIN consumers ON consumers.instance_id = needs.server
    ), counted AS (
        UPDATE servers_computenode AS node SET running_vms = running_vms + guests.number
        FROM (SELECT locked.node_id, count(DISTINCT needs.server) AS number
              FROM needs JOIN ours ON ours.id = needs.provider
              JOIN locked ON locked.id = ours.root_id
              GROUP BY locked.node_id) AS guests
        WHERE node.id = ANY(ARRAY(SELECT node_id FROM locked)) AND node.id = guests.node_id
    )
    SELECT (SELECT count(*) FROM taken) = (SELECT count(*) FROM sums)
"""  # noqa: S608 - a part of our own
# Who deletes an allocation gives it back: a second worker finds no row, and gives back nothing.
RELEASE = f"""
    WITH holders AS MATERIALIZED (
        SELECT id FROM servers_consumer WHERE instance_id = ANY(%(servers)s)
          AND (migration_id IS NOT NULL) = ANY(%(moves)s)
    ), gone AS (
        DELETE FROM servers_allocation WHERE consumer_id = ANY(ARRAY(SELECT id FROM holders))
        RETURNING consumer_id, provider_id, resource_class, amount
    ), ended AS (
        DELETE FROM servers_consumer WHERE id = ANY(ARRAY(SELECT id FROM holders))
    ), unplaced AS (
        DELETE FROM servers_hardwareclaim WHERE consumer_id = ANY(ARRAY(SELECT id FROM holders))
    ), returned AS (
        UPDATE servers_pcidevice SET consumer_id = NULL
        WHERE consumer_id = ANY(ARRAY(SELECT id FROM holders))
    ), sums AS MATERIALIZED (
        SELECT provider_id AS provider, resource_class AS class, sum(amount) AS amount
        FROM gone GROUP BY 1, 2
    ), {LOCK_TREES}, counted AS (
        UPDATE servers_computenode AS node SET running_vms = running_vms - guests.number
        FROM (SELECT locked.node_id, count(DISTINCT gone.consumer_id) AS number
              FROM gone JOIN ours ON ours.id = gone.provider_id
              JOIN locked ON locked.id = ours.root_id
              GROUP BY locked.node_id) AS guests
        WHERE node.id = ANY(ARRAY(SELECT node_id FROM locked)) AND node.id = guests.node_id
    )
    UPDATE servers_inventory AS stock SET used = used - sums.amount
    FROM sums
    WHERE stock.provider_id = ANY(ARRAY(SELECT id FROM ours))
      AND stock.provider_id = sums.provider AND stock.resource_class = sums.class
"""  # noqa: S608 - a part of our own


# What was fitted is out of date where the provider has changed otherwise than by the claim before.
CLAIM_HARDWARE = """
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(%(servers)s::bigint[], %(nodes)s::bigint[], %(roots)s::bigint[],
                             %(generations)s::bigint[], %(placements)s::text[])
                      AS given (server, node, root, generation, placement)
    ), fresh AS MATERIALIZED (
        SELECT given.*, consumer.id AS consumer FROM given
        JOIN servers_resourceprovider AS provider ON provider.id = given.root
             AND provider.id = ANY(ARRAY(SELECT root FROM given))
             AND provider.generation = given.generation + 1
        JOIN servers_consumer AS consumer ON consumer.instance_id = given.server
             AND consumer.instance_id = ANY(ARRAY(SELECT server FROM given))
             AND consumer.migration_id IS NULL
    ), written AS (
        INSERT INTO servers_hardwareclaim (consumer_id, node_id, placement)
        SELECT consumer, node, placement::jsonb FROM fresh RETURNING 1
    ), wanted AS MATERIALIZED (
        SELECT fresh.node, fresh.consumer, address #>> '{}' AS address
        FROM fresh, jsonb_path_query(fresh.placement::jsonb, '$.devices[*].addresses[*]') AS address
    ), handed AS (
        UPDATE servers_pcidevice AS device SET consumer_id = wanted.consumer FROM wanted
        WHERE device.node_id = wanted.node AND device.address = wanted.address
          AND device.node_id = ANY(ARRAY(SELECT node FROM wanted))
          AND device.consumer_id IS NULL
        RETURNING 1
    )
    SELECT (SELECT count(*) FROM written) = (SELECT count(*) FROM given)
       AND (SELECT count(*) FROM handed) = (SELECT count(*) FROM wanted)
"""


class RoomTaken(Exception):
    """Somebody else has taken the room on a host since it was read."""


def claim_places(placements: Mapping[int, Placement]) -> None:
    """Take what the search has found for each server (by key): resources, CPUs, pages, devices.

    Raises:
        RoomTaken: the room was taken, or the host has changed, since it was read; the transaction
            must be rolled back.
    """
    claim(
        Need(server, *need) for server, placement in placements.items() for need in placement.needs
    )
    bound = {server: one for server, one in placements.items() if one.guest is not None}
    if bound:
        _claim_hardware(bound)


def _claim_hardware(bound: Mapping[int, Placement]) -> None:
    placements = bound.values()
    parameters: dict[str, list[Any]] = {
        "servers": list(bound),
        "nodes": [one.host.node_id for one in placements],
        "roots": [one.host.provider_id for one in placements],
        "generations": [one.generation for one in placements],
        "placements": [
            orjson.dumps(one.guest.as_json()).decode() for one in placements if one.guest
        ],
    }
    with prepared_cursor() as cursor:
        cursor.execute(CLAIM_HARDWARE, parameters)
        (all_written,) = cursor.fetchone()
    if not all_written:
        raise RoomTaken


def claim(needs: Iterable[Need]) -> None:
    """Take what servers need of providers; none of them holds anything yet.

    Raises:
        RoomTaken: a provider has no room any more; the transaction must be rolled back.
    """
    rows = [need for need in needs if need.amount]
    parameters = {
        "servers": array(need.server for need in rows),
        "providers": array(need.provider for need in rows),
        "classes": array(need.resource_class for need in rows),
        "amounts": array(need.amount for need in rows),
    }
    with prepared_cursor() as cursor:
        cursor.execute(CLAIM, parameters)
        (all_taken,) = cursor.fetchone()
    if not all_taken:
        raise RoomTaken


def claim_move(placement: Placement, move: Migration) -> None:
    """Take what was found where the server moves to. The move holds what the server held, until
    the move ends.

    Raises:
        RoomTaken: as ``claim``.
    """
    Consumer.objects.filter(instance=move.instance_id, migration__isnull=True).update(
        uuid=move.uuid, consumer_type=ConsumerType.MIGRATION, migration=move.pk
    )
    claim_places({move.instance_id: placement})


def stay(move: Migration) -> None:
    """End a move where it began: what the server was to leave is its own again."""
    held = Consumer.objects.filter(migration=move.pk)
    if held.exists():  # else the server has taken nothing of another host yet
        with transaction.atomic():
            _release([move.instance_id], moves=[False])
            server = Instance.objects.values_list("uuid", flat=True).get(pk=move.instance_id)
            held.update(uuid=server, consumer_type=ConsumerType.INSTANCE, migration=None)


def leave(move: Migration) -> None:
    """End a move where it went: what the server left is given back."""
    _release([move.instance_id], moves=[True])


def release(servers: Sequence[int]) -> None:
    """Give back all that these servers hold; a second time gives back nothing."""
    _release(servers, moves=[True, False])


def release_own(server: int) -> None:
    """Give back what the server itself holds; what a move holds for it stays."""
    _release([server], moves=[False])


def _release(servers: Sequence[int], *, moves: Sequence[bool]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(RELEASE, {"servers": list(servers), "moves": list(moves)})
