"""Workers fetch what was announced while they looked for jobs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from procrastinate.testing import InMemoryConnector

from servers.lifecycle.jobs import COMPUTE
from servers.worker.fetch import JobsTogether

JOB = {
    "id": 7,
    "status": "doing",
    "task_name": "servers.build_server",
    "priority": 0,
    "lock": None,
    "queueing_lock": None,
    "args": {},
    "scheduled_at": None,
    "queue_name": COMPUTE,
    "attempts": 0,
    "worker_id": 1,
}


class Connector(InMemoryConnector):
    """Finds nothing at first, and announces a job meanwhile, as often as ``late`` says."""

    def __init__(self, late: int) -> None:
        super().__init__()
        self.late = late
        self.looked = 0

    async def execute_query_all_async(self, query: Any, **_: Any) -> list[dict[str, Any]]:
        self.looked += 1
        if self.looked > self.late:
            return [JOB] if self.late else []
        await self.announce("queue", json.dumps({"type": "job_inserted", "job_id": 7}))
        return []

    async def listen_notify(self, on_notification: Any, channels: Any) -> None:
        self.announce = on_notification


def looks(late: int) -> tuple[int | None, int, int]:
    """The job that is found, how often it was looked for, and how often the worker was told."""
    connector = Connector(late)
    manager = JobsTogether(connector)
    told: list[Any] = []

    async def tell(**notice: Any) -> None:
        told.append(notice)

    async def look() -> int | None:
        await manager.listen_for_jobs(on_notification=tell, queues=[COMPUTE])
        job = await manager.fetch_job([COMPUTE], 1)
        return None if job is None else job.id

    return asyncio.run(look()), connector.looked, len(told)


def test_a_job_that_is_announced_while_the_worker_looks_is_fetched() -> None:
    """The worker forgets announcements when it finds nothing, and would sleep."""
    assert looks(late=2) == (7, 3, 2)


def test_where_nothing_is_announced_it_is_looked_once() -> None:
    assert looks(late=0) == (None, 1, 0)
