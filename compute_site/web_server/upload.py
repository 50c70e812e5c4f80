"""A body that is too large to be collected: a thread reads it from the client."""

from __future__ import annotations

import io
import select
import time
from collections.abc import Iterator
from typing import Any

from compute_site.web_server.connection import PIECE, Connection
from compute_site.web_server.head import Head

GRACE_SECONDS = 10
SLOWEST = 8 * 1024
"""Bytes a second. Whoever sends or takes data more slowly is cut off."""


def open_upload(connection: Connection, head: Head) -> io.BufferedReader:
    """The body as a file. What has been collected of it comes first.

    Reading raises ``OSError`` when the body breaks off or comes too slowly, and ``Refused`` when
    its chunks are malformed.
    """
    source = Source(connection)
    pieces = source.read_chunks() if head.is_chunked else source.read(head.length)
    return io.BufferedReader(Pieces(pieces), PIECE)


class Source:
    """Reads on where the connection has stopped to collect."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.intake = connection.intake
        self.began = time.monotonic()
        self.received = 0
        self.poll = select.poll()
        self.poll.register(connection, select.POLLIN)

    def read(self, length: int) -> Iterator[bytes]:
        data = self.intake.data
        while length:
            if not data:
                self.receive()
            piece = bytes(data[:length])
            del data[: len(piece)]
            length -= len(piece)
            yield piece

    def read_chunks(self) -> Iterator[bytes]:
        yield bytes(self.intake.body)
        for piece in self.intake.chunks:
            if piece:
                yield piece
            else:
                self.receive()

    def receive(self) -> None:
        """Wait for more, and add it to the data of the intake.

        Raises:
            TimeoutError: the client sends too slowly.
            ConnectionError: it is gone.
        """
        self.connection.tell_to_continue()
        while (more := self.connection.receive()) is None:
            due = self.began + GRACE_SECONDS + self.received / SLOWEST
            seconds = due - time.monotonic()
            if seconds <= 0 or not self.poll.poll(seconds * 1000):
                raise TimeoutError("it comes too slowly")
        if not more:
            raise ConnectionError("it broke off")
        self.received += len(more)
        self.intake.data += more


class Pieces(io.RawIOBase):
    """Pieces of bytes as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self.pieces = pieces
        self.piece = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.piece:
            found = next(self.pieces, None)
            if found is None:
                return 0
            self.piece = found
        size = min(len(buffer), len(self.piece))
        buffer[:size] = self.piece[:size]
        self.piece = self.piece[size:]
        return size
