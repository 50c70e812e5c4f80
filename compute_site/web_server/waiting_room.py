"""Requests that wait for something to happen. One thread of the process looks for all of them, and
only while there are any.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Condition, Thread

from django.db import close_old_connections, connections

from compute_site.db.outages import as_outage, reason_of
from compute_site.waiting.held import Held
from compute_site.web_server.connection import Connection

logger = logging.getLogger(__name__)

LINGER_SECONDS = 10.0
"""So long the thread stays, with its session, when nobody waits any more."""
TICK_SECONDS = 0.05
OUTAGE_SECONDS = 1.0
"""From one try to the next while the database is away."""

News = tuple[Connection, bytes | None]
"""What a stream gets; ``None``: its time is over, or the request is to be answered."""


class WaitingRoom:
    """The main thread adds and removes connections, and hears ``news`` when it is woken up."""

    def __init__(self, most: int, wake_up: Callable[[], None]) -> None:
        self.most = most
        self.wake_up = wake_up
        self.news: SimpleQueue[News] = SimpleQueue()
        self._held: dict[Connection, Held] = {}
        self._next: dict[type[Held], float] = {}
        """When to look again for each kind."""
        self._change = Condition()
        self._thread: Thread | None = None

    @property
    def is_full(self) -> bool:
        return len(self._held) >= self.most

    def add(self, connection: Connection, held: Held) -> None:
        with self._change:
            self._held[connection] = held
            if self._thread is None:
                self._thread = Thread(target=self._run, name="waiting-room", daemon=True)
                self._thread.start()
            self._change.notify()

    def remove(self, connection: Connection) -> None:
        with self._change:
            self._held.pop(connection, None)

    def empty(self) -> None:
        """Let nobody wait any longer."""
        with self._change:
            for held in self._held.values():
                held.until = 0.0
            self._change.notify()

    def _run(self) -> None:
        try:
            while self._has_somebody():
                for found in self._look():
                    self.news.put(found)
                if self.news.qsize():
                    self.wake_up()
                time.sleep(TICK_SECONDS)
        finally:
            connections.close_all()

    def _has_somebody(self) -> bool:
        """Wait for a while for somebody who waits."""
        with self._change:
            if self._held or self._change.wait_for(lambda: self._held, LINGER_SECONDS):
                return True
            self._thread = None
            return False

    def _look(self) -> Iterator[News]:
        now = time.monotonic()
        with self._change:
            waiting = list(self._held.items())
        over = [(connection, held) for connection, held in waiting if now >= held.until]
        for connection, _ in over:
            self.remove(connection)
            yield connection, None
        kinds: dict[type[Held], dict[Held, Connection]] = {}
        for connection, held in waiting:
            if now < held.until:
                kinds.setdefault(type(held), {})[held] = connection
        for kind, places in kinds.items():
            if now >= self._next.get(kind, 0.0):
                self._next[kind] = now + kind.pause
                yield from self._look_for(kind, places)

    def _look_for(self, kind: type[Held], places: dict[Held, Connection]) -> Iterator[News]:
        try:
            close_old_connections()
            found = kind.look(list(places))
        except Exception as error:
            if as_outage(error) is None:
                logger.exception("cannot look for those who wait")
            else:
                logger.warning("who waits has to wait longer: %s", reason_of(error))
            self._next[kind] = time.monotonic() + OUTAGE_SECONDS
            return
        for held, piece in found.items():
            if kind.stays:
                yield places[held], piece
            else:
                self.remove(places[held])
                yield places[held], None
