"""Lets a worker that fetches a job do others of its kind together with it. Under load many jobs
then share their statements and transactions, and without load a job waits for no other.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection

from compute_site.db.locks import Kind
from compute_site.db.outages import reason_of
from compute_site.db.prepared import array, prepared_cursor
from servers.lifecycle.jobs import (
    COMPUTE,
    CONDUCTOR,
    BuildServer,
    Job,
    ScheduleAndBuild,
    defer_all,
)

logger = logging.getLogger(__name__)

JOB_KEYS = 2**31
"""The second number of a lock is not larger."""

KINS = {COMPUTE: (BuildServer.task_name, 32), CONDUCTOR: (ScheduleAndBuild.task_name, 16)}
"""Of each queue the jobs that are done together, and how many of them."""

current_job: ContextVar[int | None] = ContextVar("current_job", default=None)
"""The key of the job that this thread does."""


@contextlib.contextmanager
def doing(job: int | None) -> Iterator[None]:
    """Inside of the block this thread does that job; ``None``: the one that it does anyway."""
    token = current_job.set(job if job is not None else current_job.get())
    try:
        yield
    finally:
        current_job.reset(token)


RESUMED = 1
"""The priority of jobs that have begun before and waited for a host: they come first."""

is_resumed: ContextVar[bool] = ContextVar("is_resumed", default=False)
"""Has the job that this thread does begun before, and waited for a host?"""

FEW_SERVERS = 4
"""Reservations of so many servers are placed together, and larger ones alone."""

SMALL = """NOT EXISTS (
              SELECT FROM servers_instance AS server
              WHERE server.reservation_id = args ->> 'reservation_id'
                AND server.launch_index >= %(few)s)"""
# The queue's own statement finds one job, and walks past all that are in other queues. No job of
# ours has one of the queue's locks. A job that was tried before runs alone, so that what it failed
# of fails no others again.
FETCH = f"""
    WITH first AS MATERIALIZED (
        SELECT id, task_name, attempts, args FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = %(queue)s
          AND lock IS NULL AND (scheduled_at IS NULL OR scheduled_at <= now())
        ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED
    ), others AS MATERIALIZED (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'todo' AND queue_name = %(queue)s AND task_name = %(task)s
          AND attempts = 0 AND lock IS NULL AND (scheduled_at IS NULL OR scheduled_at <= now())
          AND (SELECT task_name = %(task)s AND attempts = 0 AND {SMALL} FROM first)
          AND id <> (SELECT id FROM first) AND {SMALL}
        ORDER BY priority DESC, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ), taken AS (
        UPDATE procrastinate_jobs AS job SET status = 'doing', worker_id = %(worker)s::bigint
        FROM (SELECT id FROM first UNION ALL SELECT id FROM others) AS chosen
        WHERE job.id = chosen.id
        RETURNING job.id, job.status, job.task_name, job.priority, job.lock, job.queueing_lock,
                  job.args, job.scheduled_at, job.queue_name, job.attempts, job.worker_id
    )
    SELECT taken.* FROM taken ORDER BY id <> (SELECT id FROM first), id
"""  # noqa: S608 - put together from constants
HOLD = """
    SELECT pg_try_advisory_lock(%(kind)s, (id %% %(keys)s)::int)
    FROM unnest(%(jobs)s::bigint[]) AS id
"""
LET_GO = """
    SELECT pg_advisory_unlock(%(kind)s, (id %% %(keys)s)::int)
    FROM unnest(%(jobs)s::bigint[]) AS id
"""
# A companion may have been given to another worker meanwhile, if this one was taken for lost: it is
# not ours any more, but its lock is, and ends in any case.
OURS = """
    WITH ours AS MATERIALIZED (
        SELECT id FROM procrastinate_jobs
        WHERE id = ANY(%(jobs)s::bigint[]) AND status = 'doing' ORDER BY id FOR UPDATE
    )
    SELECT pg_advisory_unlock(%(kind)s, (id %% %(keys)s)::int),
           CASE WHEN ours.id IS NOT NULL THEN {end} END
    FROM unnest(%(jobs)s::bigint[]) AS id LEFT JOIN ours USING (id)
"""
FINISH = OURS.format(end="procrastinate_finish_job_v1(ours.id, 'succeeded', true)")
GIVE_BACK = OURS.format(end="procrastinate_retry_job_v2(ours.id, now(), NULL, NULL, NULL)")
# Their number of attempts stays as it is: they were not tried.
PUT_INTO = f"""
    WITH put AS (
        UPDATE procrastinate_jobs SET status = 'todo', queue_name = %(queue)s, worker_id = NULL
        WHERE id = ANY(%(jobs)s::bigint[]) AND status = 'doing'
    )
    {LET_GO}
"""  # noqa: S608 - put together from constants

_fetched: dict[int, Sequence[tuple[int, Mapping[str, Any]]]] = {}
"""By the key of a job that this process has fetched and not begun: its companions."""


def fetch_values(queue: str, worker: int | None) -> dict[str, Any]:
    """The values of ``FETCH``, which returns the job to do and behind it its companions."""
    task, most = KINS[queue]
    return {
        "queue": queue,
        "worker": worker,
        "task": task,
        # with faults on request a build that hangs shall keep no other one waiting
        "most": 0 if settings.OPTIONS.faults_on_request else most - 1,
        "few": FEW_SERVERS,
    }


def keep_companions(job: int, companions: Sequence[tuple[int, Mapping[str, Any]]]) -> None:
    """Keep keys and arguments of what was fetched together with the job until that begins."""
    if companions:
        _fetched[job] = companions


class Group:
    """Jobs that are done together, by their keys. That of the first one is ``None``: the queue ends
    it.
    """

    def __init__(self, first: Job, companions: Mapping[int, Job]) -> None:
        self.jobs: dict[int | None, Any] = {None: first}
        self.jobs.update(companions.items())

    @property
    def companions(self) -> list[int]:
        return [key for key in self.jobs if key is not None]

    def put_into(self, queue: str, keys: Collection[int | None]) -> None:
        """Move these jobs to another queue; of the first one, which ends here, put a copy there."""
        given_up = {key: self.jobs.pop(key) for key in keys}
        if None in given_up:
            defer_all([given_up[None]], queue=queue)
        companions = [key for key in given_up if key is not None]
        if companions:
            _for_each(PUT_INTO, companions, queue=queue)

    def let_go(self, keys: Collection[int | None]) -> None:
        """Leave these jobs, which somebody has put back into a queue; the first one is left to the
        caller.
        """
        companions = [key for key in keys if key is not None]
        for key in companions:
            del self.jobs[key]
        if companions:
            _for_each(LET_GO, companions)


@contextlib.contextmanager
def take_along(first: Job) -> Iterator[Group]:
    """The job together with what was fetched with it, which ends with the block. If the block
    fails, the companions go back into the queue, where each is then done alone.
    """
    fetched = dict(_fetched.pop(current_job.get() or 0, ()))
    kind = type(first)
    group = Group(first, {key: kind.from_arguments(found) for key, found in fetched.items()})
    try:
        if fetched:
            _for_each(HOLD, list(fetched))
        yield group
    except Exception:
        _end(GIVE_BACK, group)
        raise
    _end(FINISH, group)


def _end(how: str, group: Group) -> None:
    """End the companions. Where that fails, the session ends, and with it their locks: then it is
    found that nobody works on them.
    """
    if not group.companions:
        return
    try:
        _for_each(how, group.companions)
    except DatabaseError as error:
        logger.warning("companions are left to those who look for lost jobs: %s", reason_of(error))
        connection.close()


def _for_each(statement: str, jobs: Sequence[int], **values: Any) -> None:
    values |= {"kind": int(Kind.JOB), "keys": JOB_KEYS, "jobs": array(jobs)}
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
