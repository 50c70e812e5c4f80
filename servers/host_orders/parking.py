"""Jobs that wait for hosts. Such a job ends for its worker, and lies in a queue that nobody reads
until the answer of the host puts it back, in the answer's own transaction. It then runs again from
its beginning and finds the answers of all orders that it gave before.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from compute_site.db.prepared import array, prepared_cursor
from servers.lifecycle.companions import RESUMED
from servers.lifecycle.jobs import COMPUTE

PARKED = "waiting for hosts"
"""The queue of jobs that wait for hosts."""


class WaitingForHost(BaseException):
    """The host has its order and has not answered yet; the job goes on when it has. It is no
    failure, so that nothing that handles failures shall catch it.
    """

    def __init__(self, order: uuid.UUID) -> None:
        super().__init__(order)
        self.order = order


# Whoever answers an order locks its row first, too: so either the answer is seen here, or whoever
# writes it sees that the job waits. An order that is gone is waited for by nobody.
PARK = """
    WITH waiting AS MATERIALIZED (
        SELECT given.job, orders.not_after
        FROM unnest(%(jobs)s::bigint[], %(orders)s::uuid[]) AS given (job, uuid)
        JOIN servers_hostorder AS orders ON orders.uuid = given.uuid
        WHERE orders.done_at IS NULL
        ORDER BY orders.id FOR UPDATE OF orders
    ), put AS (
        UPDATE procrastinate_jobs AS job
        SET status = 'todo', worker_id = NULL, priority = %(resumed)s,
            queue_name = CASE WHEN waiting.job IS NULL THEN %(queue)s ELSE %(parked)s END,
            scheduled_at = waiting.not_after
        FROM unnest(%(jobs)s::bigint[]) AS given (id) LEFT JOIN waiting ON waiting.job = given.id
        WHERE job.id = given.id AND job.status = 'doing'
        RETURNING job.id, job.queue_name
    )
    SELECT pg_notify('procrastinate_queue_v1#' || %(queue)s::text,
                     json_build_object('type', 'job_inserted', 'job_id', max(id))::text)
    FROM put WHERE queue_name = %(queue)s HAVING count(*) > 0
"""
WAKE = """
    WITH woken AS (
        UPDATE procrastinate_jobs SET queue_name = %(queue)s, scheduled_at = NULL
        WHERE status = 'todo' AND queue_name = %(parked)s AND {which}
        RETURNING id
    )
    SELECT pg_notify('procrastinate_queue_v1#' || %(queue)s::text,
                     json_build_object('type', 'job_inserted', 'job_id', max(id))::text)
    FROM woken HAVING count(*) > 0
"""
WAKE_THESE = WAKE.format(which="id = ANY(%(jobs)s::bigint[])")
WAKE_LATE = WAKE.format(which="scheduled_at <= now()")


def park(waiting: Mapping[int, WaitingForHost]) -> None:
    """Let these running jobs (by key) wait until their orders are answered, or it is too late for
    that; one whose order is answered already goes on at once.
    """
    if not waiting:
        return
    orders = [str(one.order) for one in waiting.values()]
    _run(PARK, jobs=array(waiting), orders=array(orders), resumed=RESUMED)


def wake(jobs: Collection[int]) -> None:
    """Let these jobs go on, as far as they wait."""
    if jobs:
        _run(WAKE_THESE, jobs=array(jobs))


def wake_late() -> None:
    """Let the jobs go on whose hosts have not answered in time."""
    _run(WAKE_LATE)


def _run(statement: str, **values: Any) -> None:
    with prepared_cursor() as cursor:
        cursor.execute(statement, {"queue": COMPUTE, "parked": PARKED, **values})
        cursor.fetchall()
