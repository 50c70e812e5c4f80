"""Fetches jobs for the queue's workers: a job together with others of its kind that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from procrastinate.jobs import Job, Notification, Status
from procrastinate.manager import JobManager, NotificationCallback

from servers.lifecycle.companions import FETCH, fetch_values, keep_companions
from servers.worker.at_work import forget_parked


class JobsTogether(JobManager):
    """The queue of workers that read one queue each."""

    def __init__(self, *arguments: Any, **values: Any) -> None:
        super().__init__(*arguments, **values)
        self._told: Counter[str] = Counter()
        """How often each queue was said to have a new job."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """A worker forgets what it was told of new jobs while it fetched, when it sleeps; so it is
        looked again where it was told something and found nothing.
        """
        [queue] = queues or ()
        while True:
            told = self._told[queue]
            job = await self._fetch(queue, worker_id)
            if job is not None or told == self._told[queue]:
                return job

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:
        """One that waits for a host has not ended."""
        if not forget_parked(job):
            await super().finish_job(job, status, delete_job)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        [queue] = queues or ()

        async def count(*, channel: str, notification: Notification) -> None:
            self._told[queue] += 1
            await on_notification(channel=channel, notification=notification)

        await super().listen_for_jobs(on_notification=count, queues=[queue])

    async def _fetch(self, queue: str, worker_id: int) -> Job | None:
        values = fetch_values(queue, worker_id)
        rows = await self.connector.execute_query_all_async(query=FETCH, **values)
        if not rows:
            return None
        job, *companions = rows
        keep_companions(job["id"], [(row["id"], row["args"]) for row in companions])
        return Job.from_row(job)
