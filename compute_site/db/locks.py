"""Locks that processes hold against each other, whatever machines they run on.

An advisory lock belongs to the database session: a process that is killed loses it at once.
"""

from __future__ import annotations

import contextlib
import enum
import time
from collections.abc import Callable, Iterator

from django.db import connection

NAMESPACE = 7100
"""The first number of our locks keeps them apart from others'."""

POLL_SECONDS = 0.2


class Lock(enum.IntEnum):
    """What only one process may do at a time."""

    MIGRATION = 1
    CLOUD = 2


@contextlib.contextmanager
def alone(lock: Lock, *, tell_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Wait until nobody else holds the lock, and hold it; ``tell_waiting`` is called before a wait.
    Who holds it already goes on.

    Asked for again and again: a statement that waits would hold up the migrations that wait for the
    end of all statements.
    """
    if not _try(lock):
        tell_waiting()
        while not _try(lock):
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [NAMESPACE, lock])


def _try(lock: Lock) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [NAMESPACE, lock])
        return bool(cursor.fetchone()[0])
