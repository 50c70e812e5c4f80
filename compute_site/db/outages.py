"""Recognises a database that is away, read-only, full or too slow: such requests are answered with
503 and can be sent again.
"""

from __future__ import annotations

import logging

import django.db
import psycopg
from psycopg import errors

from compute_site.db.embedded import DatabaseError
from compute_site.faults import Fault, Unavailable

READ_ONLY = (errors.ReadOnlySqlTransaction,)
FULL = (errors.DiskFull,)
TOO_SLOW = (errors.QueryCanceled, errors.LockNotAvailable)
OUTAGES = (
    psycopg.OperationalError,
    psycopg.InterfaceError,
    errors.IdleInTransactionSessionTimeout,
    errors.TransactionTimeout,
    *READ_ONLY,
)
"""Errors that say nothing about the statement."""

NO_OUTAGES = (errors.ProgramLimitExceeded, errors.StatementTooComplex, errors.TooManyColumns)
"""Those among them that do: a value is too large for an index, for example."""

CAUSES: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (READ_ONLY, "The database takes no changes at the moment."),
    (FULL, "The database has no room left."),
    (
        (errors.TooManyConnections, errors.OutOfMemory, errors.ConfigurationLimitExceeded),
        "The database has too much to do.",
    ),
    (TOO_SLOW, "The database took too long, so that the request was given up."),
    (
        (errors.DeadlockDetected, errors.SerializationFailure),
        "Another request was about the same things at the same time.",
    ),
)
"""What the client is told, by the cause; the first that fits counts."""


class DatabaseUnavailable(Unavailable):
    """The database cannot do what the request needs."""

    code = "database_unavailable"


def as_outage(error: BaseException) -> DatabaseUnavailable | None:
    """What the client is told; ``None`` where the database is not to blame, or where somebody has
    found what its error means.
    """
    cause = _cause_of(error)
    if isinstance(error, Fault) or isinstance(cause, NO_OUTAGES):
        return None
    if not isinstance(
        cause, (*OUTAGES, django.db.OperationalError, django.db.InterfaceError, DatabaseError)
    ):
        return None
    detail = next((text for kinds, text in CAUSES if isinstance(cause, kinds)), None)
    return DatabaseUnavailable(f"{detail or 'The database does not answer.'} Try again later.")


def is_too_slow(error: BaseException) -> bool:
    """Was a statement cancelled because it reached its time limit?"""
    return isinstance(_cause_of(error), TOO_SLOW)


def is_full(error: BaseException) -> bool:
    """Has the database no room left?"""
    return isinstance(_cause_of(error), FULL)


def reason_of(error: BaseException) -> str:
    """The error of the database in one line."""
    cause = _cause_of(error)
    return str(cause).partition("\n")[0] or type(cause).__name__


def _cause_of(error: BaseException) -> BaseException:
    """The database's own error, which Django and the queue wrap."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, psycopg.Error):
        cause = cause.__cause__
    return cause or error


class OutageFilter(logging.Filter):
    """Drops Django's own log line for 503 answers: the reason has been logged already."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(record, "status_code", None) != Unavailable.status


class OneLineFilter(logging.Filter):
    """Takes the traceback from lines of other programs, such as the queue's, when the database is
    to blame: what it said is enough.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        if error is not None and as_outage(error) is not None:
            said = " ".join(record.getMessage().split())
            record.msg, record.args = f"{said} ({reason_of(error)})", ()
            record.exc_info = record.exc_text = None
        return True
