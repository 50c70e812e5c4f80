"""Locks that processes hold against each other, whatever machines they run on.

An advisory lock belongs to the database session: a process that is killed loses it at once, and
nobody has to guess whether it still lives.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import time
from collections.abc import Callable, Iterator

from django.db import DatabaseError, connection

from compute_site.db.outages import reason_of

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2


class Kind(enum.IntEnum):
    """What a lock is about: its first number. The second one says which."""

    SITE = 7100
    SERVER = 7101
    JOB = 7102


class Lock(enum.IntEnum):
    """Of the kind ``SITE``: what only one process may do at a time."""

    MIGRATION = 1
    CLOUD = 2


@contextlib.contextmanager
def hold(kind: Kind, key: int) -> Iterator[None]:
    """Wait until nobody else holds the lock, and hold it."""
    try:
        _call("pg_advisory_lock", kind, key)
    except DatabaseError:
        connection.close()  # it may have been given in the last moment
        raise
    try:
        yield
    finally:
        _release(kind, key)


@contextlib.contextmanager
def alone(lock: Lock, *, tell_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """As ``hold``, for what may take long; ``tell_waiting`` is called before a wait. Who holds the
    lock already goes on.

    Asked for again and again: a statement that waits would hold up the migrations that wait for the
    end of all statements, and would meet its time limit.
    """
    if not _call("pg_try_advisory_lock", Kind.SITE, lock):
        tell_waiting()
        while not _call("pg_try_advisory_lock", Kind.SITE, lock):
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        _release(Kind.SITE, lock)


def _release(kind: Kind, key: int) -> None:
    """Give the lock back. If the database refuses even that, it ends with its session."""
    if connection.connection is None or connection.needs_rollback:
        return
    try:
        _call("pg_advisory_unlock", kind, key)
    except DatabaseError as error:
        logger.warning("a session ends with its locks: %s", reason_of(error))
        connection.close()


def _call(function: str, kind: Kind, key: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, %s)", [kind, key])
        return bool(cursor.fetchone()[0])
