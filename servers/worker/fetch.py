"""Fetches jobs for the queue's workers, with each those that are done together with it."""

from __future__ import annotations

from collections.abc import Iterable

from procrastinate.jobs import Job
from procrastinate.manager import JobManager

from servers.lifecycle.companions import FETCH, fetch_values, keep_companions


class JobsTogether(JobManager):
    """The queue of workers that read one queue each."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        [queue] = queues or ()
        values = fetch_values(queue, worker_id)
        rows = await self.connector.execute_query_all_async(query=FETCH, **values)
        if not rows:
            return None
        job, *companions = rows
        keep_companions(job["id"], [(row["id"], row["args"]) for row in companions])
        return Job.from_row(job)
