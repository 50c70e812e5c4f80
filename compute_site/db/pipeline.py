"""Sends several statements in one go (libpq's pipeline mode): one trip to the database and back,
where each statement by itself would be one.
"""

from __future__ import annotations

import select
from collections.abc import Sequence
from typing import NamedTuple

from psycopg import pq

ENDS = pq.ExecStatus.PIPELINE_SYNC


class Message(NamedTuple):
    """A statement with its values as libpq takes them: by its text, or by the name under which it
    is prepared.
    """

    text: bytes
    name: bytes | None = None
    values: Sequence[bytes] = ()
    types: Sequence[int] = ()
    formats: Sequence[int] = ()


class Pipeline:
    """The way to the database of one connection."""

    def __init__(self, libpq: pq.abc.PGconn) -> None:
        self._libpq = libpq
        self._readable = _poll_for(libpq, select.POLLIN)
        self._either = _poll_for(libpq, select.POLLIN | select.POLLOUT)

    def send(self, messages: Sequence[Message]) -> list[pq.abc.PGresult]:
        """What the database says to each of them. It does nothing of what stands behind a statement
        that fails; what it says to those is that they were left out.

        Raises:
            psycopg.OperationalError: the connection is lost.
        """
        if len(messages) == 1:
            return [self._send_alone(messages[0])]
        libpq = self._libpq
        libpq.enter_pipeline_mode()
        try:
            for message in messages:
                self._put(message)
            libpq.pipeline_sync()
            self._flush()
            results = self._receive()
        except BaseException:
            libpq.finish()  # nobody knows where it stopped
            raise
        libpq.exit_pipeline_mode()
        return results

    def _send_alone(self, message: Message) -> pq.abc.PGresult:
        libpq = self._libpq
        if message.name is not None:
            return libpq.exec_prepared(message.name, message.values, message.formats)
        if message.values:
            return libpq.exec_params(message.text, message.values, message.types, message.formats)
        return libpq.exec_(message.text)

    def _put(self, message: Message) -> None:
        values, formats = message.values, message.formats
        if message.name is not None:
            self._libpq.send_query_prepared(message.name, values, formats)
        else:
            self._libpq.send_query_params(message.text, values, message.types, formats)

    def _flush(self) -> None:
        """Send what is longer than the system takes at once; the database answers meanwhile."""
        while self._libpq.flush():
            self._either.poll()
            self._libpq.consume_input()

    def _receive(self) -> list[pq.abc.PGresult]:
        """The results up to the end of the pipeline; between two of them libpq tells of an end."""
        results: list[pq.abc.PGresult] = []
        while True:
            result = self._next()
            if result is None:
                continue
            if result.status == ENDS:
                return results
            results.append(result)

    def _next(self) -> pq.abc.PGresult | None:
        """The next result. Other threads go on while it is waited for: ``get_result`` would wait
        by itself, and keep them from it.
        """
        libpq = self._libpq
        while libpq.is_busy():
            self._readable.poll()
            libpq.consume_input()
        return libpq.get_result()


def _poll_for(libpq: pq.abc.PGconn, events: int) -> select.poll:
    poll = select.poll()
    poll.register(libpq.socket, events)
    return poll
