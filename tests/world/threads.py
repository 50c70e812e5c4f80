"""Runs a function in many threads at once, each with its own database connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import OperationalError, connection

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds for all threads to have a connection. The sessions of tests that have ended take a moment
to leave a server that has no place for more.
"""


def _connect() -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return connection.ensure_connection()
        except OperationalError as error:
            if "too many clients" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def run_at_once(jobs: list[Callable[[], T]]) -> list[T | Exception]:
    """What each job returned or raised; none begins before all are ready."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T | Exception:
        try:
            _connect()
            gate.wait(timeout=PATIENCE)
            return job()
        except Exception as error:  # noqa: BLE001 - the outcome is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))
