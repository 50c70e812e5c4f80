"""Marks running jobs by advisory locks, which end with the worker that holds them, and keeps jobs
apart that have not ended but wait for hosts.
"""

from __future__ import annotations

from typing import Any

from procrastinate.job_context import JobContext
from procrastinate.jobs import Job
from procrastinate.middleware import SyncCallNext
from procrastinate.worker import Worker

from compute_site.db.locks import Kind, hold
from servers.lifecycle.companions import JOB_KEYS, RESUMED, doing, is_resumed

PARKED_HERE = object()
"""What a task returns whose job was put aside, to wait for a host."""

_parked: dict[int, Job] = {}
"""By what the worker knows them by: the same job may run again before the worker is done."""


def hold_job(call_next: SyncCallNext, context: JobContext, _worker: Worker) -> Any:
    """Hold the lock of a job while it runs; a middleware of tasks, in the thread of the job."""
    resumed = is_resumed.set(context.job.priority == RESUMED)
    try:
        with doing(context.job.id), hold(Kind.JOB, int(context.job.id or 0) % JOB_KEYS):
            result = call_next()
            if result is PARKED_HERE:
                _parked[id(context.job)] = context.job
            return result
    finally:
        is_resumed.reset(resumed)


def forget_parked(job: Job) -> bool:
    """Was it put aside, so that it has not ended?"""
    return _parked.pop(id(job), None) is not None
