"""Limits the time for which the sessions of this process may occupy the database.

Web processes and workers call ``limit_sessions`` before their first statement. The limits are
parameters of the connection, so that they cost no statement. Commands such as ``migrate`` and
``loadcloud`` have no limits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, connection, connections

PARAMETERS = {
    # a process that hangs in the middle of a transaction holds its locks no longer than this
    "idle_in_transaction_session_timeout": "60s",
    # while a statement runs, the server checks whether the client process still exists
    "client_connection_check_interval": "5s",
    # and probes silent connections, so that the locks of a lost machine are released soon
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
}
"""What the server shall do for every session beside the limit of its statements."""


def limit_sessions(statement_seconds: float) -> None:
    """Set the time limit of statements for every connection that is opened from now on. 0 sets no
    parameters at all, for a connection pooler that does not support them.
    """
    if statement_seconds <= 0:
        return
    limits = {"statement_timeout": f"{int(statement_seconds * 1000)}ms", **PARAMETERS}
    words = [f"-c {name}={value}" for name, value in limits.items()]
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    given = options.get("options", "")  # of DATABASE_URL; of two settings the later counts
    options["options"] = " ".join([*words, *filter(None, [given])])


@contextlib.contextmanager
def unlimited_statements() -> Iterator[None]:
    """For long work: inside the block, statements of this connection have no time limit."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
