"""Runs the queue's workers in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import dataclasses
import logging
import signal
import socket
from collections.abc import Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.db_cleanup import close_db_connections
from procrastinate.contrib.django.utils import connector_params
from procrastinate.worker import Worker
from psycopg import AsyncConnection

from compute_site.db.outages import reason_of
from compute_site.db.schema import is_complete
from compute_site.db.sessions import BY_KEY, limit_sessions
from compute_site.metrics.meters import Flushing
from servers.models import Service
from servers.models.service import make_control_services
from servers.worker.at_work import hold_job
from servers.worker.fetch import JobsTogether
from servers.worker.patience import PatientConnector, PatientPool
from servers.worker.recovery import HEARTBEAT_SECONDS, LOST_AFTER_SECONDS

logger = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""A job that is due later is looked for so often; new jobs announce themselves."""

CONNECTION_SECONDS = 10.0
"""How long to wait for a connection before saying that the database is away."""

RECONNECT_SECONDS = 3.0
"""How long a lost connection is tried for again by itself, later each time; after that, anew and at
once whenever one is wanted.
"""

RESTART_SECONDS = 2.0
"""After the database was lost."""

NO_WAIT = "SET synchronous_commit TO off"
"""Workers do not wait for the disk. Should the database crash, the last moments of a build are lost
together with the end of its job, and the job is found and done again.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WorkerPool:
    """Workers on one queue; ``concurrency`` jobs run at once."""

    queue: str
    concurrency: int


async def run_workers(pools: Sequence[WorkerPool]) -> None:
    """Work until SIGTERM or SIGINT, then finish what has begun and return."""
    threads = sum(pool.concurrency for pool in pools) + 2
    loop = asyncio.get_running_loop()
    loop.set_default_executor(concurrent.futures.ThreadPoolExecutor(threads, "job"))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    connection_created.connect(_configure_django)
    limit_sessions(settings.OPTIONS.worker_statement_timeout_seconds, BY_KEY)
    await _wait_for_tables(stop)
    app.perform_import_paths()  # type: ignore[no-untyped-call]
    with app.replace_connector(_connector(threads)) as ours:
        ours.job_manager = JobsTogether(ours.connector)
        metrics = Flushing()
        try:
            await app.open_async()
            working = (_keep_working(pool, stop) for pool in pools)
            await asyncio.gather(_announce(stop), *working)
        finally:
            await app.close_async()
            await asyncio.to_thread(metrics.stop)


async def _wait_for_tables(stop: asyncio.Event) -> None:
    """Wait until the database is there, and migrated."""
    told = ""
    while not stop.is_set():
        try:
            if await sync_to_async(_has_tables, thread_sensitive=False)():
                return
            state = "the database is not migrated yet (manage.py migrate), the workers wait for it"
        except Exception as error:  # noqa: BLE001 - whatever it was, it may be over soon
            state = f"the workers have no database, they wait for it: {reason_of(error)}"
        if state != told:
            logger.warning("%s", state)
            told = state
        await _pause(stop)


def _has_tables() -> bool:
    close_old_connections()
    return is_complete()


async def _keep_working(pool: WorkerPool, stop: asyncio.Event) -> None:
    """Work on the queue. A worker that ends because the database went away is followed by
    another; what others have begun meanwhile goes on.
    """
    while not stop.is_set():
        try:
            await _work(pool, stop)
        except Exception as error:  # noqa: BLE001 - whatever it was, work goes on
            reason = reason_of(error)
            logger.warning("the workers of %s lost the database: %s", pool.queue, reason)
        await _pause(stop)


async def _work(pool: WorkerPool, stop: asyncio.Event) -> None:
    """Work until the end is asked for, or the database is lost."""
    worker = Worker(
        app=app,
        queues=[pool.queue],
        name=f"{pool.queue}@{socket.gethostname()}",
        concurrency=pool.concurrency,
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=LOST_AFTER_SECONDS,
        delete_jobs="successful",
        install_signal_handlers=False,
        task_middleware=[close_db_connections, hold_job],
    )
    running = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    worker.stop()  # type: ignore[no-untyped-call] # it finishes what it has begun
    await running


async def _pause(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), RESTART_SECONDS)


def _connector(connections: int) -> PatientConnector:
    """Connections of the workers themselves; jobs use Django's. Those that die are replaced."""
    return PatientConnector(
        pool_factory=PatientPool,
        kwargs=connector_params(),
        configure=_configure,
        min_size=1,
        max_size=connections,
        timeout=CONNECTION_SECONDS,
        reconnect_timeout=RECONNECT_SECONDS,
    )


async def _configure(connection: AsyncConnection[Any]) -> None:
    await connection.set_autocommit(True)  # each call of the queue is one statement
    await connection.execute(NO_WAIT)


def _configure_django(connection: BaseDatabaseWrapper, **_: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(NO_WAIT)


async def _announce(stop: asyncio.Event) -> None:
    """Say in the list of services that this process lives."""
    while not stop.is_set():
        try:
            await sync_to_async(announce, thread_sensitive=False)()
        except Exception as error:  # noqa: BLE001 - it is tried again soon
            logger.warning("cannot write to the list of services: %s", reason_of(error))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), HEARTBEAT_SECONDS * 2)


def announce() -> None:
    """Write heartbeats of the conductor and the scheduler into the list of services: the workers do
    the work of both.
    """
    close_old_connections()
    now = timezone.now()
    make_control_services()
    Service.objects.control().update(last_seen_up=now, updated_at=now)
