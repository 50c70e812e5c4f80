"""Reads how the queue of jobs is doing: what waits in it, how long, and whether workers live."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.db import connection

from servers.lifecycle.jobs import COMPUTE, CONDUCTOR
from servers.models import Service
from servers.models.service import CONTROL_BINARIES

LATE_SECONDS = 60
"""A job that is due for longer has no worker, or too few."""

MOST_COUNTED = 10_000

# A job without a time is due since it came, or since it was put back. What waits longest has the
# smallest key.
WAITING = """
    WITH due AS MATERIALIZED (
        SELECT id, queue_name FROM procrastinate_jobs
        WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now())
        LIMIT %(most)s
    ), counted AS (
        SELECT queue_name, count(*) AS number, min(id) AS oldest FROM due GROUP BY queue_name
    )
    SELECT counted.queue_name, counted.number, COALESCE(EXTRACT(epoch FROM now() - COALESCE(
        job.scheduled_at,
        (SELECT max(event.at) FROM procrastinate_events AS event WHERE event.job_id = job.id)
    )), 0)::float
    FROM counted JOIN procrastinate_jobs AS job ON job.id = counted.oldest
    ORDER BY counted.queue_name
"""


@dataclasses.dataclass(frozen=True, slots=True)
class Queue:
    """What is due in a queue and waits for a worker; the oldest has waited for ``seconds``."""

    name: str
    waiting: int
    seconds: float

    @property
    def is_late(self) -> bool:
        """Has a job waited too long? Builds that wait for places of their hosts are in a queue of
        their own, where that is no trouble.
        """
        return self.name in (CONDUCTOR, COMPUTE) and self.seconds > LATE_SECONDS


def read_queues() -> list[Queue]:
    """The queues in which jobs are due."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"most": MOST_COUNTED})
        return [Queue(*row) for row in cursor.fetchall()]


def are_workers_up() -> bool:
    """Does somebody do the conductor's and scheduler's work?"""
    return Service.objects.control().up().count() == len(CONTROL_BINARIES)


def find_trouble(queues: Sequence[Queue], *, workers_up: bool) -> str:
    """Why nothing goes on, as a sentence; empty if all is well."""
    if not workers_up:
        return "No worker is up: whatever servers wait for does not happen until one is started."
    late = [queue for queue in queues if queue.is_late]
    if late:
        names = ", ".join(f"{queue.name} ({round(queue.seconds)} s)" for queue in late)
        return f"Jobs have waited for a worker for more than a minute in {names}: start more."
    return ""
