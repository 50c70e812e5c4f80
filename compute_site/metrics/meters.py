"""What this process has counted and not yet written to the database."""

from __future__ import annotations

import bisect
import json
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, connection, connections

from compute_site.db.outages import reason_of

logger = logging.getLogger(__name__)

REQUESTS = "requests"
BUILDS = "builds"
PLACEMENT = "placement_seconds"
SERVICE_CALLS = "service_calls"
SERVICE_SECONDS = "service_call_seconds"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of durations, in seconds."""
ENDLESS = "+Inf"
FLUSH_SECONDS = 10.0

Key = tuple[str, tuple[str, ...]]

_lock = threading.Lock()
_pending: dict[Key, float] = {}

# In order, so that two processes do not wait for each other's rows crosswise.
WRITE = """
    INSERT INTO metrics_counter AS known (name, labels, value)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::float8[]) AS given (name, labels, value)
    ORDER BY 1, 2
    ON CONFLICT (name, labels) DO UPDATE SET value = known.value + excluded.value
"""


def count(name: str, *labels: str, amount: float = 1.0) -> None:
    """Add to a counter."""
    key = (name, labels)
    with _lock:
        _pending[key] = _pending.get(key, 0.0) + amount


def observe(name: str, seconds: float) -> None:
    """Add a duration to a histogram."""
    place = bisect.bisect_left(BUCKETS, seconds)
    bound = str(BUCKETS[place]) if place < len(BUCKETS) else ENDLESS
    count(f"{name}_bucket", bound)
    count(f"{name}_sum", amount=seconds)


@contextmanager
def timed(name: str) -> Iterator[None]:
    """Observe how long the block takes, also where it fails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        observe(name, time.perf_counter() - began)


def flush() -> None:
    """Write what was counted; what cannot be written now is kept for the next time.

    Raises:
        DatabaseError: it was not written.
    """
    with _lock:
        taken = dict(_pending)
        _pending.clear()
    if not taken:
        return
    names = [name for name, _ in taken]
    labels = [json.dumps(values) for _, values in taken]
    try:
        with connection.cursor() as cursor:
            cursor.execute(WRITE, [names, labels, list(taken.values())])
    except BaseException:
        for (name, values), amount in taken.items():
            count(name, *values, amount=amount)
        raise


class Flushing:
    """A thread that writes what the process counts, from its beginning to its end."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._go_on, name="metrics", daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Write the last, and return."""
        self.over.set()
        self.thread.join(FLUSH_SECONDS)

    def _go_on(self) -> None:
        while not self.over.wait(FLUSH_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        try:
            flush()
        except DatabaseError as error:
            logger.warning("metrics are kept back: %s", reason_of(error))
        finally:
            connections.close_all()  # of this thread
