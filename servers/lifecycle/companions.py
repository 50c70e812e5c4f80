"""Lets a worker that has fetched a job do others of its kind together with it.

The queue hands out one job at a time. The job itself takes along what waits behind it, in one
statement: alone it is done at once, and under load many share their statements and transactions.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, TypeVar

import orjson
from django.db import DatabaseError, connection

from compute_site.db.locks import Kind
from compute_site.db.prepared import prepared_cursor
from servers.lifecycle.jobs import Job

JOB_KEYS = 2**31
"""The second number of a lock is not larger."""

current_job: ContextVar[int | None] = ContextVar("current_job", default=None)
"""The key of the job that this thread does."""

# A job that was tried before runs alone, so that what it failed of fails no others again. The
# companions belong to the worker of the first job, and each is held as that one is.
TAKE = """
    WITH waiting AS MATERIALIZED (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'todo' AND task_name = %(task)s AND queue_name = %(queue)s
          AND attempts = 0 AND lock IS NULL AND (scheduled_at IS NULL OR scheduled_at <= now())
          AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE id = %(first)s AND attempts > 0)
        ORDER BY priority DESC, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE procrastinate_jobs AS job
        SET status = 'doing',
            worker_id = (SELECT worker_id FROM procrastinate_jobs WHERE id = %(first)s)
        FROM waiting WHERE job.id = waiting.id
        RETURNING job.id, job.args
    )
    SELECT id, args, pg_try_advisory_lock(%(kind)s, (id %% %(keys)s)::int) FROM taken ORDER BY id
"""
FINISH = "SELECT procrastinate_finish_job_v1(id, 'succeeded', true)"
GIVE_BACK = "SELECT procrastinate_retry_job_v2(id, now(), NULL, NULL, NULL)"
AND_RELEASE = """,
    pg_advisory_unlock(%(kind)s, (id %% %(keys)s)::int) FROM unnest(%(jobs)s::bigint[]) AS id
"""

Kin = TypeVar("Kin", bound=Job)


@contextlib.contextmanager
def take_along(first: Kin, most: int) -> Iterator[list[Kin]]:
    """The job and up to so many others of its kind, which end with the block. If it fails, they go
    back into the queue, where each is then done alone.
    """
    found = _take(first, most)
    try:
        yield [first, *(type(first).from_arguments(arguments) for _, arguments in found)]
    except Exception:
        with contextlib.suppress(DatabaseError):  # else it is found that nobody works on them
            _end(GIVE_BACK, found)
        raise
    _end(FINISH, found)


def _take(first: Job, most: int) -> list[tuple[int, dict[str, Any]]]:
    values: dict[str, Any] = {
        "task": first.task_name,
        "queue": first.queue,
        "most": most,
        "first": current_job.get(),
        "kind": int(Kind.JOB),
        "keys": JOB_KEYS,
    }
    with prepared_cursor() as cursor:
        cursor.execute(TAKE, values)
        return [(job, orjson.loads(arguments)) for job, arguments, _ in cursor.fetchall()]


def _end(how: str, found: list[tuple[int, dict[str, Any]]]) -> None:
    if not found:
        return
    values: dict[str, Any] = {"kind": Kind.JOB, "keys": JOB_KEYS, "jobs": [job for job, _ in found]}
    with connection.cursor() as cursor:
        cursor.execute(how + AND_RELEASE, values)
