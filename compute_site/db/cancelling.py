"""Ends the statement of another thread, when nobody wants its result any more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

CANCEL_SECONDS = 5.0
"""How long the database may take to hear of it."""


class Statements:
    """The statements that one thread sends while it answers one request."""

    def __init__(self) -> None:
        self._session = connections[DEFAULT_DB_ALIAS]  # that of the thread that asks for it
        self._lock = threading.Lock()
        self._over = False
        self._cancelled = False

    def cancel(self) -> None:
        """Let the statement that runs now fail, if one does. May be called by any thread."""
        with self._lock:
            raw = self._session.connection
            if self._over or raw is None:
                return
            self._cancelled = True
            with contextlib.suppress(psycopg.Error):  # the database is away, and the statement too
                raw.cancel_safe(timeout=CANCEL_SECONDS)

    def end(self) -> None:
        """The request is answered. A session that was cancelled is left: the word may still be on
        its way, and would meet the statement of another request.
        """
        with self._lock:
            self._over = True
        if self._cancelled:
            self._session.close()


@contextlib.contextmanager
def cancellable() -> Iterator[Statements]:
    """What this thread sends can be cancelled by others meanwhile."""
    statements = Statements()
    try:
        yield statements
    finally:
        statements.end()
