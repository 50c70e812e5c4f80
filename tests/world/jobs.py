"""Runs queued jobs in the test's own process and connection, as a worker would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from django.db import connection
from procrastinate.contrib.django import app

FETCH = "SELECT id, task_name, args FROM procrastinate_fetch_job_v2(NULL, NULL)"


def run_jobs(*, most: int = 500) -> int:
    """Run everything in the queue, also what the jobs put there; the number of jobs run."""
    number = 0
    for number, (job, task, arguments) in enumerate(_jobs(), start=1):
        assert number <= most, "the jobs never end"
        app.tasks[task].func(**arguments)
        _finish(job)
    return number


def queued(task: str | None = None) -> list[dict[str, Any]]:
    """The arguments of the jobs that wait, of this task or of all."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE status = 'todo'"
            " AND (%(task)s::text IS NULL OR task_name = %(task)s) ORDER BY id",
            {"task": task},
        )
        return [row[0] if isinstance(row[0], dict) else _load(row[0]) for row in cursor.fetchall()]


def drop_jobs() -> None:
    """Lose all jobs, as if they had failed too often."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs")


def _jobs() -> Iterator[tuple[int, str, dict[str, Any]]]:
    app.perform_import_paths()
    while True:
        with connection.cursor() as cursor:
            cursor.execute(FETCH)
            job, task, arguments = cursor.fetchone()
        if job is None:
            return
        yield job, task, _load(arguments)


def _finish(job: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", [job])


def _load(arguments: Any) -> dict[str, Any]:
    value = json.loads(arguments) if isinstance(arguments, str) else arguments
    assert isinstance(value, dict)
    return value
