"""Runs queued jobs in the test's own process and connection, as a worker would."""

from __future__ import annotations

import json
from typing import Any

from django.db import connection
from procrastinate.contrib.django import app

from servers.lifecycle.companions import (
    FETCH,
    RESUMED,
    doing,
    fetch_values,
    is_resumed,
    keep_companions,
)
from servers.lifecycle.jobs import COMPUTE, CONDUCTOR, ORIGIN
from servers.worker.at_work import PARKED_HERE

QUEUES = """
    SELECT queue_name FROM procrastinate_jobs
    WHERE status = 'todo' AND queue_name = ANY(%s) AND coalesce(scheduled_at <= now(), true)
    GROUP BY queue_name ORDER BY min(id)
"""

_resumed: set[int] = set()
"""The keys of jobs that were fetched after they had waited for a host."""


def run_jobs(*, most: int = 500) -> int:
    """Run everything in the queue, also what the jobs put there; the number of jobs run."""
    number = 0
    while run_next():
        number += 1
        assert number <= most, "the jobs never end"
    return number


def finish() -> None:
    """Do all jobs, also those that wait for their time."""
    while run_jobs() + make_due():
        pass


def run_next() -> bool:
    """Run the next job with its companions; ``False``: there was none."""
    app.perform_import_paths()
    found = fetch_job()
    if found is None:
        return False
    job, task, arguments = found
    resumed = is_resumed.set(job in _resumed)
    try:
        with doing(job):
            result = app.tasks[task].func(**arguments)
    finally:
        is_resumed.reset(resumed)
    if result is not PARKED_HERE:
        _finish(job)
    return True


def queued(task: str | None = None) -> list[dict[str, Any]]:
    """The arguments of the jobs that wait, of this task or of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE status = 'todo'"
            " AND (%(task)s::text IS NULL OR task_name = %(task)s) ORDER BY id",
            {"task": task},
        )
        found = [row[0] if isinstance(row[0], dict) else _load(row[0]) for row in cursor.fetchall()]
    return [{key: value for key, value in job.items() if key != ORIGIN} for job in found]


def drop_jobs() -> None:
    """Lose all jobs, as if they had failed too often."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def make_due() -> int:
    """The jobs that wait for their time are due now; their number."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE procrastinate_jobs SET scheduled_at = now()"
            " WHERE status = 'todo' AND scheduled_at > now()"
        )
        return int(cursor.rowcount)


def fetch_job() -> tuple[int, str, dict[str, Any]] | None:
    """Key, task and arguments of the next job, which has its companions with it."""
    with connection.cursor() as cursor:
        cursor.execute(QUEUES, [[CONDUCTOR, COMPUTE]])
        for (queue,) in cursor.fetchall():
            cursor.execute(FETCH, fetch_values(queue, None))
            names = [column.name for column in cursor.description]
            found = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
            if found:  # else another worker was faster
                job, *others = [(row["id"], _load(row["args"])) for row in found]
                keep_companions(job[0], others)
                if found[0]["priority"] == RESUMED:
                    _resumed.add(job[0])
                return job[0], found[0]["task_name"], job[1]
    return None


def _finish(job: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", [job])


def _load(arguments: Any) -> dict[str, Any]:
    value = json.loads(arguments) if isinstance(arguments, str) else arguments
    assert isinstance(value, dict)
    return value
