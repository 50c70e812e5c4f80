"""Marks running jobs by advisory locks, which end with the worker that holds them."""

from __future__ import annotations

from typing import Any

from procrastinate.job_context import JobContext
from procrastinate.middleware import SyncCallNext
from procrastinate.worker import Worker

from compute_site.db.locks import Kind, hold
from servers.lifecycle.companions import JOB_KEYS, current_job


def hold_job(call_next: SyncCallNext, context: JobContext, _worker: Worker) -> Any:
    """Hold the lock of a job while it runs; a middleware of tasks, in the thread of the job."""
    token = current_job.set(context.job.id)
    try:
        with hold(Kind.JOB, int(context.job.id or 0) % JOB_KEYS):
            return call_next()
    finally:
        current_job.reset(token)
