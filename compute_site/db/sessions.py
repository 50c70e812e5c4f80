"""How long the sessions of this process may keep the database busy.

Web processes and workers call ``limit_sessions`` before their first statement. The limits travel
with the request for a connection, so that no statement is spent on them. Commands such as
``migrate`` and ``loadcloud`` have no limits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import DEFAULT_DB_ALIAS, connection, connections

IDLE_IN_TRANSACTION_SECONDS = 60
"""A process that hangs in the middle of a transaction holds the locks of others no longer."""

CHECK_CLIENT_SECONDS = 5
"""So often the server looks, while a statement runs, whether the process that wants its result is
still there.
"""


def limit_sessions(statement_seconds: float) -> None:
    """Let every connection that is opened from now on refuse statements that take longer. 0: no
    limits are set at all, for a pooler that knows no such parameters.
    """
    if not statement_seconds:
        return
    limits = {
        "statement_timeout": statement_seconds,
        "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_SECONDS,
        "client_connection_check_interval": CHECK_CLIENT_SECONDS,
    }
    words = [f"-c {name}={int(seconds * 1000)}" for name, seconds in limits.items()]
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
