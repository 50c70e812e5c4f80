"""Builds what waits together, on each host no more at once than the site wants.

How many builds a host has is counted by locks of the sessions that build, one for each place of
the host, so that what a lost worker built is free at once. Builds for which there is no place wait
in a queue of their own, which no worker reads; who frees places of a host lets the next ones go on.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from compute_site.db.locks import Kind, release_by
from compute_site.db.prepared import array, prepared_cursor
from servers.build.build import Waiting, build_servers
from servers.build.place import place_reservations
from servers.host_orders.parking import WaitingForHost, park
from servers.lifecycle.companions import Group, current_job, take_along
from servers.lifecycle.exclusive import key_of
from servers.lifecycle.jobs import COMPUTE, BuildServer, ScheduleAndBuild
from servers.models.server_step import QUEUED, WAITING_FOR_PLACE

WAITING = "waiting for places"
"""The queue of builds whose hosts have no place."""

PLACES = 1024
"""A host has no more places for builds than this."""

LOCKS = 2**31
"""The second number of a lock is not larger."""

Place = tuple[int, int]
"""A node, and the lock of one of its places."""

# What this session holds already is left out first (OFFSET keeps the planner from changing the
# order): it would get the same lock once more.
TAKE_PLACES = """
    SELECT wanted.node, free.lock
    FROM unnest(%(nodes)s::bigint[], %(numbers)s::int[]) AS wanted (node, number)
    CROSS JOIN LATERAL (
        SELECT lock FROM (
            SELECT lock FROM (
                SELECT ((wanted.node * %(places)s + place) %% %(locks)s)::int AS lock
                FROM generate_series(1, %(limit)s) AS place
            ) AS place
            WHERE lock <> ALL(%(held)s::int[]) OFFSET 0
        ) AS place
        WHERE pg_try_advisory_lock(%(kind)s, lock)
        LIMIT wanted.number
    ) AS free
"""
SET_ASIDE = """
    WITH moved AS (
        UPDATE procrastinate_jobs SET queue_name = %(waiting)s
        WHERE id = ANY(ARRAY(
            SELECT id FROM procrastinate_jobs
            WHERE status = 'todo' AND queue_name = %(queue)s AND task_name = 'servers.build_server'
              AND (args ->> 'node_id')::bigint = ANY(%(nodes)s::bigint[])
            FOR UPDATE SKIP LOCKED
        ))
        RETURNING (args ->> 'server_id')::uuid AS server
    )
    INSERT INTO servers_serverstep (instance_id, step, host, started_at)
    SELECT id, %(step)s, host, %(now)s FROM servers_instance
    WHERE uuid = ANY(ARRAY(SELECT server FROM moved UNION ALL SELECT unnest(%(servers)s::uuid[])))
"""
# Of the servers, all locks are waited for, in the order of their keys (compute_site/db/locks.py).
BEGIN = f"""
    WITH places AS MATERIALIZED ({TAKE_PLACES}),
    servers AS MATERIALIZED (
        SELECT pg_advisory_lock(%(of_server)s, key) FROM unnest(%(servers)s::int[]) AS key
    )
    SELECT places.* FROM places CROSS JOIN (SELECT count(*) FROM servers) AS locked
"""  # noqa: S608 - put together from constants
# Arrays are made once; IN may run its query for each row, and find others each time. One notice
# wakes all workers, when the statement is over and the places are free.
END = """
    WITH released AS MATERIALIZED (
        SELECT pg_advisory_unlock(kind, key)
        FROM unnest(%(kinds)s::int[], %(keys)s::int[]) AS lock (kind, key)
    ), next AS (
        UPDATE procrastinate_jobs SET queue_name = %(queue)s::text
        WHERE id = ANY(ARRAY(
            SELECT job.id
            FROM unnest(%(nodes)s::bigint[], %(numbers)s::int[]) AS free (node, number)
            CROSS JOIN LATERAL (
                SELECT id FROM procrastinate_jobs
                WHERE status = 'todo' AND queue_name = %(waiting)s
                  AND task_name = 'servers.build_server'
                  AND (args ->> 'node_id')::bigint = free.node
                ORDER BY id LIMIT free.number FOR UPDATE SKIP LOCKED
            ) AS job
        ))
        RETURNING id, (args ->> 'server_id')::uuid AS server
    ), noted AS (
        INSERT INTO servers_serverstep (instance_id, step, host, started_at)
        SELECT id, %(step)s, host, %(now)s FROM servers_instance
        WHERE uuid = ANY(ARRAY(SELECT server FROM next))
    )
    SELECT (SELECT count(*) FROM released), (
        SELECT pg_notify('procrastinate_queue_v1#' || %(queue)s::text,
                         json_build_object('type', 'job_inserted', 'job_id', max(id))::text)
        FROM next HAVING count(*) > 0
    )
"""
NODES = """
    SELECT DISTINCT (args ->> 'node_id')::bigint FROM procrastinate_jobs
    WHERE status = 'todo' AND queue_name = %s AND task_name = 'servers.build_server'
"""


def build_server(job: BuildServer) -> None:
    """Build the server of the job together with those whose jobs were fetched with it."""
    with take_along(job) as group:
        waiting = _build(group)
    if waiting is not None:
        raise waiting


def place_and_build(job: ScheduleAndBuild) -> None:
    """Place the reservation of the job, and with it others that wait; build at once what can be."""
    waiting = None
    with take_along(job) as group:
        first = current_job.get()
        keys = {found.reservation_id: key or first for key, found in group.jobs.items()}
        jobs = {reservation: key for reservation, key in keys.items() if key is not None}
        for key, build in place_reservations(list(keys), jobs).items():
            group.jobs[None if key == first else key] = build
        if any(isinstance(one, BuildServer) for one in group.jobs.values()):
            waiting = _build(group)
    if waiting is not None:
        raise waiting


def _build(group: Group) -> WaitingForHost | None:
    """Build the servers of the group, as far as their hosts have places. What the first one waits
    for, if it does; others that wait have left the group.
    """
    waiting: Waiting = {}
    with _in_places(group):
        builds = _builds_of(group)
        if builds:
            waiting = build_servers(builds)
    first = waiting.pop(None, None)
    park({key: one for key, one in waiting.items() if key is not None})
    group.let_go(waiting)
    return first


def _builds_of(group: Group) -> dict[int | None, BuildServer]:
    return {key: job for key, job in group.jobs.items() if isinstance(job, BuildServer)}


def let_waiting_go_on() -> None:
    """Let builds that wait go on where there are places. Run again and again, because the worker
    that freed the places may have died before it did this.
    """
    with connection.cursor() as cursor:
        cursor.execute(NODES, [WAITING])
        nodes = [node for (node,) in cursor.fetchall()]
    _fill(nodes)


@contextlib.contextmanager
def _in_places(group: Group) -> Iterator[None]:
    """Leave in the group what the hosts have places for, which are held inside the block, as are
    the locks of the servers. The others are set aside.
    """
    builds = _builds_of(group).values()
    servers = sorted(key_of(job.server_id) for job in builds)
    limit = _limit()
    wanted = Counter(job.node_id for job in builds) if limit else {}
    places = _begin(wanted, servers, limit)
    try:
        if limit:
            _keep_placed(group, places)
        yield
    finally:
        _end(places, servers)


def _keep_placed(group: Group, places: Sequence[Place]) -> None:
    """Set those of the group aside that have no place."""
    left = Counter(node for node, _ in places)
    others = []
    for key, job in _builds_of(group).items():
        if left[job.node_id] <= 0:
            others.append(key)
        left[job.node_id] -= 1
    if others:
        _set_aside(group, others, held=[lock for _, lock in places])


def _limit() -> int:
    """How many builds a host may have at once; 0: any number."""
    return max(0, min(settings.OPTIONS.max_concurrent_builds, PLACES))


def _begin(
    wanted: Mapping[int, int], servers: Sequence[int], limit: int, held: Sequence[int] = ()
) -> list[Place]:
    """Lock the servers, and take places of the nodes: fewer than are wanted where hosts have no
    more. ``held``: the places that this session has already.
    """
    values: dict[str, Any] = {
        "nodes": array(wanted),
        "numbers": array(wanted.values()),
        "places": PLACES,
        "locks": LOCKS,
        "limit": limit,
        "held": array(held),
        "kind": int(Kind.BUILD),
        "servers": array(servers),
        "of_server": int(Kind.SERVER),
    }
    try:
        with prepared_cursor() as cursor:
            cursor.execute(BEGIN, values)
            return list(cursor.fetchall())
    except DatabaseError:
        connection.close()  # locks may have been granted in the last moment
        raise


def _end(places: Sequence[Place], servers: Sequence[int] = ()) -> None:
    """Release all of it, and let as many waiting builds of each host go on."""
    free = Counter(node for node, _ in places)
    locks = [(Kind.BUILD, lock) for _, lock in places] + [(Kind.SERVER, key) for key in servers]
    values: dict[str, Any] = {
        "kinds": array(int(kind) for kind, _ in locks),
        "keys": array(key for _, key in locks),
        "waiting": WAITING,
        "queue": COMPUTE,
        "nodes": array(free),
        "numbers": array(free.values()),
        "step": QUEUED,
        "now": timezone.now(),
    }

    def run() -> None:
        with prepared_cursor() as cursor:
            cursor.execute(END, values)

    release_by(run)


def _set_aside(group: Group, keys: Sequence[int | None], held: Sequence[int]) -> None:
    """Put these builds into the queue of those that wait, and with them all other builds for the
    same hosts, so that no worker fetches them in vain. A worker that freed places meanwhile has not
    seen them in that queue yet, so look for places once more.
    """
    builds = _builds_of(group)
    nodes = {builds[key].node_id for key in keys}
    values: dict[str, Any] = {
        "waiting": WAITING,
        "queue": COMPUTE,
        "nodes": array(nodes),
        "servers": array([builds[key].server_id for key in keys]),
        "step": WAITING_FOR_PLACE,
        "now": timezone.now(),
    }
    group.put_into(WAITING, keys)
    with prepared_cursor() as cursor:
        cursor.execute(SET_ASIDE, values)
    _fill(nodes, held)


def _fill(nodes: Collection[int], held: Sequence[int] = ()) -> None:
    """Let as many builds go on as these hosts have places."""
    limit = _limit()
    _end(_begin(dict.fromkeys(nodes, limit), (), limit, held))
