"""Limits the time for which the sessions of this process may occupy the database.

Web processes and workers call ``limit_sessions`` before their first statement. The limits are
parameters of the connection, so that they cost no statement. Commands such as ``migrate`` and
``loadcloud`` have no limits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType

from django.db import DEFAULT_DB_ALIAS, connection, connections

NOTHING_MORE: Mapping[str, str] = MappingProxyType({})
PARAMETERS = {
    # a process that hangs in the middle of a transaction holds its locks no longer than this
    "idle_in_transaction_session_timeout": "60s",
    # while a statement runs, the server checks whether the client process still exists
    "client_connection_check_interval": "5s",
    # and probes silent connections, so that the locks of a lost machine are released soon
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
    # to compile a plan takes longer than to run it
    "jit": "off",
}
"""What the server shall do for every session beside the limit of its statements."""

BY_KEY = {
    "enable_seqscan": "off",
    # else a statement that looks into many tables is planned anew, with its values, at each run
    "plan_cache_mode": "force_generic_plan",
}
"""For workers, whose jobs find their rows by key. Sessions keep the plans of their statements, of
foreign keys and of the queue's functions: one that was made while a table was empty would read all
of it from then on.
"""


def limit_sessions(statement_seconds: float, more: Mapping[str, str] = NOTHING_MORE) -> None:
    """Set the time limit of statements for every connection that is opened from now on. 0 sets no
    parameters at all, for a connection pooler that does not support them.
    """
    if statement_seconds <= 0:
        return
    limits = {
        "statement_timeout": f"{int(statement_seconds * 1000)}ms",
        **PARAMETERS,
        **more,
    }
    words = [f"-c {name}={value}" for name, value in limits.items()]
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    given = options.get("options", "")  # of DATABASE_URL; of two settings the later counts
    options["options"] = " ".join([*words, *filter(None, [given])])


def unlimited_statements() -> contextlib.AbstractContextManager[None]:
    """For long work: inside the block, statements of this connection have no time limit."""
    return _set("statement_timeout", "0")


def any_plans() -> contextlib.AbstractContextManager[None]:
    """For work that looks at many rows: inside the block, tables may be read from end to end."""
    return _set("enable_seqscan", "on")


@contextlib.contextmanager
def _set(parameter: str, value: str) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(f"SET {parameter} = {value}")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"RESET {parameter}")
