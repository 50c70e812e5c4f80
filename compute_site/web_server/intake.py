"""Collects a request until it is complete, so that no thread waits for a client."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from compute_site.web_server.chunks import take_chunks
from compute_site.web_server.head import Head, read_head
from compute_site.web_server.refusals import HeadersTooLarge, Malformed

HEAD_LIMIT = 64 * 1024


class Stage(enum.Enum):
    """How far a request has come."""

    PARTIAL = "more of it must arrive"
    COMPLETE = "it is there"
    LARGE = "its body is larger than what is collected; who wants it reads on"


class Intake:
    """One request as it arrives: ``feed`` says how far it has come.

    ``data`` is what arrived and is not understood yet: in the end, what follows the request.
    """

    def __init__(self, body_limit: int, data: bytes = b"") -> None:
        self.body_limit = body_limit
        self.data = bytearray(data)
        self.head: Head | None = None
        self.body = bytearray()
        self.chunks: Iterator[bytes] = iter(())
        self._searched = 0

    def feed(self, more: bytes) -> Stage:
        """Raises: Refused: this is no request."""
        self.data += more
        head = self.head or self._find_head()
        if head is None:
            return Stage.PARTIAL
        return self._collect_chunks() if head.is_chunked else self._collect(head.length)

    def _find_head(self) -> Head | None:
        if self.data.startswith(b"\r\n"):
            del self.data[:2]  # some clients end their last request with a line too many
        end = self.data.find(b"\r\n\r\n", self._searched)
        if end < 0:
            self._searched = max(0, len(self.data) - 3)
            if len(self.data) > HEAD_LIMIT:
                raise HeadersTooLarge(f"At most {HEAD_LIMIT} bytes of headers are read.")
            if self.data.count(b"\n") != self.data.count(b"\r\n"):
                raise Malformed("Lines end with carriage return and line feed.")
            return None
        self.head = read_head(bytes(self.data[: end + 2]))
        del self.data[: end + 4]
        if self.head.is_chunked:
            self.chunks = take_chunks(self.data)
        return self.head

    def _collect(self, length: int) -> Stage:
        if length > self.body_limit:
            return Stage.LARGE
        if len(self.data) < length:
            return Stage.PARTIAL
        self.body = self.data[:length]
        del self.data[:length]
        return Stage.COMPLETE

    def _collect_chunks(self) -> Stage:
        for piece in self.chunks:
            if not piece:
                return Stage.PARTIAL
            self.body += piece
            if len(self.body) > self.body_limit:
                return Stage.LARGE
        return Stage.COMPLETE
