"""Tells threads of this process what other processes have committed, by PostgreSQL's NOTIFY.

A notice only wakes somebody up, who then reads the rows: a notice that is lost, because the
connection was, costs time and nothing else. All threads of a process share one connection.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections import Counter
from collections.abc import Callable

import psycopg
from django.db import connection
from psycopg import sql

from compute_site.db.outages import reason_of

logger = logging.getLogger(__name__)

CHANNEL = "compute_site_notices"
RECONNECT_SECONDS = 2.0
LOOK_SECONDS = 1.0
"""How often it is looked whether to stop."""
MOST_KEYS = 100_000
"""Keys that are counted before all counts begin anew, which wakes everybody up."""

NOTIFY = f"SELECT pg_notify('{CHANNEL}', %s)"

Seen = tuple[int, int]
"""How often it was told of a key so far; two of the same key are compared."""


def tell(*keys: str) -> None:
    """Tell of each key when the present transaction is committed."""
    with connection.cursor() as cursor:
        cursor.executemany(NOTIFY, [[key] for key in keys])


class Notices:
    """Counts the notices of each key, and wakes up those who wait for one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._era = 0
        """Grows whenever notices may have been missed."""
        self._waiting: dict[str, list[Callable[[], None]]] = {}
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()

    def seen(self, key: str) -> Seen:
        """To be asked before the rows are read. The first call begins to listen."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._listen, name="notices", daemon=True)
                self._thread.start()
            return self._era, self._counts[key]

    def add(self, key: str, seen: Seen, wake: Callable[[], None]) -> bool:
        """Call ``wake``, in another thread, at each notice from now on; ``False``: there was one
        since ``seen``, and nothing is done.
        """
        with self._lock:
            if seen != (self._era, self._counts[key]):
                return False
            self._waiting.setdefault(key, []).append(wake)
            return True

    def remove(self, key: str, wake: Callable[[], None]) -> None:
        with self._lock:
            waiting = self._waiting.get(key, [])
            with contextlib.suppress(ValueError):
                waiting.remove(wake)
            if not waiting:
                self._waiting.pop(key, None)

    def wait(self, key: str, seen: Seen, seconds: float) -> None:
        """Wait for a notice, or for as long."""
        event = threading.Event()
        if self.add(key, seen, event.set):
            event.wait(seconds)
            self.remove(key, event.set)

    def stop(self) -> None:
        """Listen no more; the next call of ``seen`` begins anew."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            self._stopping.set()
            thread.join()
            self._stopping.clear()

    def _listen(self) -> None:
        parameters = connection.get_connection_params()
        for unusable in ("cursor_factory", "context"):
            parameters.pop(unusable, None)
        while not self._stopping.is_set():
            try:
                self._listen_on(parameters)
            except psycopg.Error as error:
                logger.warning("cannot listen to the database: %s", reason_of(error))
            self._stopping.wait(RECONNECT_SECONDS)

    def _listen_on(self, parameters: dict[str, object]) -> None:
        with psycopg.connect(**parameters, autocommit=True) as listening:  # type: ignore[arg-type] # Django's parameters
            listening.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            self._begin_era()
            while not self._stopping.is_set():
                for notice in listening.notifies(timeout=LOOK_SECONDS):
                    self._note(notice.payload)

    def _begin_era(self) -> None:
        with self._lock:
            self._era += 1
            self._counts.clear()
            waiting = [wake for several in self._waiting.values() for wake in several]
        _call(waiting)

    def _note(self, key: str) -> None:
        with self._lock:
            self._counts[key] += 1
            waiting = list(self._waiting.get(key, ()))
            full = len(self._counts) > MOST_KEYS
        _call(waiting)
        if full:
            self._begin_era()


def _call(waiting: list[Callable[[], None]]) -> None:
    for wake in waiting:
        wake()


notices = Notices()
"""Those of this process. A process that forks has to do so before it listens."""
