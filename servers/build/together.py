"""Builds what waits together, on each host no more at once than the site wants.

How many builds a host has is counted by locks of the sessions that build, one for each place of
the host, so that what a lost worker built is free at once. Builds for which there is no place wait
in a queue of their own, which no worker reads; who frees places of a host lets the next ones go on.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from compute_site.db.locks import Kind, release
from compute_site.db.prepared import array, prepared_cursor
from servers.build.build import build_servers
from servers.lifecycle.companions import take_along
from servers.lifecycle.jobs import COMPUTE, BuildServer, defer_all

TOGETHER = 32
"""Servers that are built in the same statements."""

WAITING = "waiting for places"
"""The queue of builds whose hosts have no place."""

PLACES = 1024
"""A host has no more places for builds than this."""

LOCKS = 2**31
"""The second number of a lock is not larger."""

TAKE_PLACES = """
    SELECT wanted.node, free.lock
    FROM unnest(%(nodes)s::bigint[], %(numbers)s::int[]) AS wanted (node, number)
    CROSS JOIN LATERAL (
        SELECT lock FROM (
            SELECT ((wanted.node * %(places)s + place) %% %(locks)s)::int AS lock
            FROM generate_series(1, %(limit)s) AS place
        ) AS place
        WHERE pg_try_advisory_lock(%(kind)s, lock)
        LIMIT wanted.number
    ) AS free
"""
SET_ASIDE = """
    UPDATE procrastinate_jobs SET queue_name = %(waiting)s
    WHERE id IN (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = %(queue)s AND task_name = %(task)s
          AND (args ->> 'node_id')::bigint = ANY(%(nodes)s)
        FOR UPDATE SKIP LOCKED
    )
"""
LET_GO_ON = """
    WITH next AS (
        UPDATE procrastinate_jobs SET queue_name = %(queue)s::text
        -- an array is made once; IN may run its query for each row, and find others each time
        WHERE id = ANY(ARRAY(
            SELECT id FROM procrastinate_jobs
            WHERE status = 'todo' AND queue_name = %(waiting)s
              AND (args ->> 'node_id')::bigint = ANY(%(nodes)s::bigint[])
            ORDER BY id LIMIT %(most)s FOR UPDATE SKIP LOCKED
        ))
        RETURNING id
    )
    SELECT pg_notify('procrastinate_queue_v1#' || %(queue)s::text,
                     json_build_object('type', 'job_inserted', 'job_id', id)::text) FROM next
"""
NODES = "SELECT DISTINCT (args ->> 'node_id')::bigint FROM procrastinate_jobs WHERE queue_name = %s"


def build_server(job: BuildServer) -> None:
    """Build the server of the job, and with it others that wait."""
    with take_along(job, TOGETHER - 1) as jobs, _in_places(jobs) as admitted:
        if admitted:
            build_servers(admitted)


def let_waiting_go_on() -> None:
    """Let one build go on for each host where builds wait: the worker that should have done so may
    be lost.
    """
    with connection.cursor() as cursor:
        cursor.execute(NODES, [WAITING])
        nodes = [node for (node,) in cursor.fetchall()]
    for node in nodes:
        _let_go_on([node], 1)


@contextlib.contextmanager
def _in_places(jobs: Sequence[BuildServer]) -> Iterator[list[BuildServer]]:
    """Those of the builds for which their hosts have places, which are held inside the block. The
    others are set aside.
    """
    limit = min(settings.OPTIONS.max_concurrent_builds, PLACES)
    if limit <= 0:
        yield list(jobs)
        return
    places = _take_places(jobs, limit)
    left = Counter(node for node, _ in places)
    admitted: list[BuildServer] = []
    others: list[BuildServer] = []
    for job in jobs:
        (admitted if left[job.node_id] > 0 else others).append(job)
        left[job.node_id] -= 1
    try:
        if others:
            _set_aside(others)
        yield admitted
    finally:
        release(Kind.BUILD, *(lock for _, lock in places))
    _let_go_on([node for node, _ in places], len(places))


def _take_places(jobs: Sequence[BuildServer], limit: int) -> list[tuple[int, int]]:
    """The nodes and locks of the places; fewer than there are jobs where hosts have no more."""
    wanted = Counter(job.node_id for job in jobs)
    values: dict[str, Any] = {
        "nodes": array(wanted),
        "numbers": array(wanted.values()),
        "places": PLACES,
        "locks": LOCKS,
        "limit": limit,
        "kind": int(Kind.BUILD),
    }
    with prepared_cursor() as cursor:
        cursor.execute(TAKE_PLACES, values)
        return list(cursor.fetchall())


def _set_aside(jobs: Sequence[BuildServer]) -> None:
    """Put copies of the jobs, which end themselves, into the queue of those that wait, and all
    others of the same hosts as well, so that nobody fetches them in vain.
    """
    defer_all(jobs, queue=WAITING)
    values: dict[str, Any] = {
        "waiting": WAITING,
        "queue": COMPUTE,
        "task": BuildServer.task_name,
        "nodes": [job.node_id for job in jobs],
    }
    with connection.cursor() as cursor:
        cursor.execute(SET_ASIDE, values)


def _let_go_on(nodes: Sequence[int], most: int) -> None:
    values: dict[str, Any] = {
        "waiting": WAITING,
        "queue": COMPUTE,
        "nodes": array(nodes),
        "most": most,
    }
    with prepared_cursor() as cursor:
        cursor.execute(LET_GO_ON, values)
