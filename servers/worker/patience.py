"""What a worker does when the database or a service does not answer: it tries again, later."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from procrastinate import BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg import errors
from psycopg_pool import AsyncConnectionPool

from compute_site.db.outages import as_outage
from compute_site.faults import Unavailable
from servers.worker.recovery import MAX_ATTEMPTS

Result = TypeVar("Result")

ATTEMPTS = 5
"""Of a job that fails for reasons of its own."""

OUTAGE_SECONDS = 5
"""The longest wait where the database or a service does not answer."""

LONGEST_WAIT_SECONDS = 300

REFUSED = (
    errors.QueryCanceled,
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.SerializationFailure,
)
"""The connection is as good as before, and nothing was done."""

WAITS_SECONDS = (0.1, 0.5, 2.0)


@dataclasses.dataclass(frozen=True, slots=True)
class Again(BaseRetryStrategy):
    """When a failed job is run again. Where the database or a service does not answer: soon, and
    ``MAX_ATTEMPTS`` times. After other failures: ``attempts`` times, with a longer wait each time.
    ``attempts`` of ``None``: without end in both cases.
    """

    attempts: int | None

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        outage = isinstance(exception, Unavailable) or as_outage(exception) is not None
        if self.attempts is not None and job.attempts >= (
            MAX_ATTEMPTS if outage else self.attempts
        ):
            return None
        wait = 2 ** min(job.attempts, 10)
        longest = OUTAGE_SECONDS if outage else LONGEST_WAIT_SECONDS
        return RetryDecision(retry_in={"seconds": min(wait if outage else 2 * wait, longest)})


AGAIN = Again(ATTEMPTS)
UNTIL_DONE = Again(None)
"""For jobs that give something back: if given up, other services would keep it for ever."""


class PatientPool(AsyncConnectionPool[Any]):
    """A pool that can be opened while the database does not answer: it waits when a connection is
    asked for.
    """

    async def open(self, *_: Any, **__: Any) -> None:
        await super().open(wait=False)


class PatientConnector(PsycopgConnector):
    """Sends the queue's own statements again when the database refuses them. Otherwise a refused
    heartbeat would stop its worker, and a job whose end is refused would never end.
    """

    async def execute_query_async(self, query: Any, **arguments: Any) -> None:
        await _again(super().execute_query_async, query, **arguments)

    async def execute_query_one_async(self, query: Any, **arguments: Any) -> dict[str, Any]:
        return await _again(super().execute_query_one_async, query, **arguments)

    async def execute_query_all_async(self, query: Any, **arguments: Any) -> list[dict[str, Any]]:
        return await _again(super().execute_query_all_async, query, **arguments)


async def _again(execute: Callable[..., Awaitable[Result]], query: Any, **arguments: Any) -> Result:
    for seconds in WAITS_SECONDS:
        try:
            return await execute(query, **arguments)
        except ConnectorException as error:
            if not isinstance(error.__cause__, REFUSED):
                raise
            await asyncio.sleep(seconds)
    return await execute(query, **arguments)
