"""Runs a function in many threads at once, each with its own database connection."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def run_at_once(jobs: list[Callable[[], T]]) -> list[T | Exception]:
    """What each job returned or raised; none begins before all are ready."""
    gate = threading.Barrier(len(jobs))

    def run(job: Callable[[], T]) -> T | Exception:
        try:
            connection.ensure_connection()
            gate.wait(timeout=60)
            return job()
        except Exception as error:  # noqa: BLE001 - the outcome is what the test looks at
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))
