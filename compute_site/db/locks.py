"""Locks between processes, which may run on different machines.

These are PostgreSQL's advisory locks. They belong to the database session, so that a killed process
loses its locks at once and nothing has to guess whether it still runs.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import time
from collections.abc import Callable, Iterable, Iterator

from django.db import DatabaseError, connection

from compute_site.db.outages import reason_of
from compute_site.db.prepared import array, prepared_cursor

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.2


class Kind(enum.IntEnum):
    """The kind of a lock: the first of its two numbers. The second one identifies the lock."""

    SITE = 7100
    SERVER = 7101
    JOB = 7102
    BUILD = 7103
    COPY = 7104
    DOWNLOAD = 7105


class Lock(enum.IntEnum):
    """The locks of the kind ``SITE``: tasks that only one process may do at a time."""

    MIGRATION = 1
    CLOUD = 2
    TARGETS = 3


@contextlib.contextmanager
def hold(kind: Kind, *keys: int) -> Iterator[None]:
    """Wait until nobody else holds one of the locks, and hold them all. They are taken in the order
    of their keys, so that two sessions never wait for each other crosswise.
    """
    ordered = sorted(keys)
    try:
        _call("pg_advisory_lock", kind, *ordered)
    except DatabaseError:
        connection.close()  # the lock may have been granted in the last moment
        raise
    try:
        yield
    finally:
        release(kind, *ordered)


@contextlib.contextmanager
def alone(lock: Lock, *, tell_waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
    """As ``hold``, for long tasks; ``tell_waiting`` is called before a wait. A caller that holds
    the lock already does not wait.

    The lock is polled. A statement that waits for it would reach its time limit, and would delay
    migrations, which wait for the end of all statements.
    """
    if not _call("pg_try_advisory_lock", Kind.SITE, lock):
        tell_waiting()
        while not _call("pg_try_advisory_lock", Kind.SITE, lock):
            time.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        release(Kind.SITE, lock)


@contextlib.contextmanager
def one_of(kind: Kind, keys: Iterable[int]) -> Iterator[bool]:
    """Hold the first of the locks that nobody else holds; ``False``: each of them is held."""
    taken = next((key for key in keys if _call("pg_try_advisory_lock", kind, key)), None)
    try:
        yield taken is not None
    finally:
        if taken is not None:
            release(kind, taken)


def is_held(lock: Lock) -> bool:
    """Does any process hold the lock?"""
    sql = """
        SELECT EXISTS (
            SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = %s AND objid = %s
        )
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [Kind.SITE, lock])
        return bool(cursor.fetchone()[0])


def release(kind: Kind, *keys: int) -> None:
    """Release the locks."""
    release_by(lambda: _call("pg_advisory_unlock", kind, *keys))


def release_by(unlock: Callable[[], object]) -> None:
    """Release locks by this call. If that fails, close the session, which releases them as well."""
    if connection.connection is None or connection.needs_rollback:
        return
    try:
        unlock()
    except DatabaseError as error:
        logger.warning("a session ends with its locks: %s", reason_of(error))
        connection.close()


def _call(function: str, kind: Kind, *keys: int) -> bool:
    """Call the function for each of the keys in one statement; did all of the calls succeed?"""
    with prepared_cursor() as cursor:
        cursor.execute(
            f"SELECT {function}(%s, key) FROM unnest(%s::int[]) AS key",  # noqa: S608
            [int(kind), array(keys)],
        )
        return all(granted for (granted,) in cursor.fetchall())
