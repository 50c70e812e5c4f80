"""How long the sessions of this process may keep the database busy.

Web processes and workers call ``limit_sessions`` before their first statement. The limits travel
with the request for a connection, so that no statement is spent on them. Commands such as
``migrate`` and ``loadcloud`` have no limits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, connection, connections

PARAMETERS = {
    # a process that hangs in the middle of a transaction holds the locks of others no longer
    "idle_in_transaction_session_timeout": "60s",
    # the server looks while a statement runs whether the process that wants its result lives
    "client_connection_check_interval": "5s",
    # and asks a machine that says nothing, so that what a lost one has locked is free soon
    "tcp_keepalives_idle": "10s",
    "tcp_keepalives_interval": "5s",
    "tcp_keepalives_count": "3",
}
"""What the server shall do for every session beside the limit of its statements."""


def limit_sessions(statement_seconds: float) -> None:
    """Let every connection that is opened from now on refuse statements that take longer. 0: no
    parameters are set at all, for a pooler that knows none.
    """
    if statement_seconds <= 0:
        return
    limits = {"statement_timeout": f"{int(statement_seconds * 1000)}ms", **PARAMETERS}
    words = [f"-c {name}={value}" for name, value in limits.items()]
    options = connections.settings[DEFAULT_DB_ALIAS]["OPTIONS"]
    given = options.get("options", "")  # of DATABASE_URL: what comes later counts
    options["options"] = " ".join([*words, *filter(None, [given])])


@contextlib.contextmanager
def unlimited_statements() -> Iterator[None]:
    """For work that may take its time: statements of this connection have no limit meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    try:
        yield
    finally:
        if connection.connection is not None and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute("RESET statement_timeout")
