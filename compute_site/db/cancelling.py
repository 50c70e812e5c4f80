"""Cancels the SQL statement of another thread whose result nobody needs any more."""

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
        """Make the running statement fail, if there is one. May be called by any thread."""
        with self._lock:
            raw = self._session.connection
            if self._over or raw is None:
                return
            self._cancelled = True
            with contextlib.suppress(psycopg.Error):  # the connection is lost already
                raw.cancel_safe(timeout=CANCEL_SECONDS)

    def end(self) -> None:
        """Call this when the request is answered. After a cancel the connection is closed: the
        cancel request may arrive late and would hit a statement of the next request.
        """
        with self._lock:
            self._over = True
        if self._cancelled:
            self._session.close()


@contextlib.contextmanager
def cancellable() -> Iterator[Statements]:
    """Let other threads cancel the statements that this thread sends inside the block."""
    statements = Statements()
    try:
        yield statements
    finally:
        statements.end()
