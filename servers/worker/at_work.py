"""Marks running jobs by advisory locks, which end with the worker that holds them."""

from __future__ import annotations

from typing import Any

from procrastinate.job_context import JobContext
from procrastinate.middleware import SyncCallNext
from procrastinate.worker import Worker

from compute_site.db.locks import Kind, hold

JOB_KEYS = 2**31
"""The second number of a lock is not larger."""


def hold_job(call_next: SyncCallNext, context: JobContext, _worker: Worker) -> Any:
    """Hold the lock of a job while it runs; a middleware of tasks, in the thread of the job."""
    with hold(Kind.JOB, int(context.job.id or 0) % JOB_KEYS):
        return call_next()
