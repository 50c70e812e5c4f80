"""Takes the framing off a body that comes in chunks."""

from __future__ import annotations

import re
from collections.abc import Iterator

from compute_site.web_server.refusals import HeadersTooLarge, Malformed

SIZE = re.compile(rb"([0-9a-fA-F]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
LINE_LIMIT = 4096
TRAILER_LIMIT = 16 * 1024


def take_chunks(data: bytearray) -> Iterator[bytes]:
    """The body, piece by piece, taken off ``data``, to which what arrives is added.

    An empty piece says that no more can be taken until more has arrived. What follows the body
    stays in ``data``. Trailers say nothing that is of interest here.

    Raises:
        Refused: this is no chunked body.
    """
    while True:
        while (end := data.find(b"\r\n", 0, LINE_LIMIT)) < 0:
            if len(data) >= LINE_LIMIT:
                raise Malformed("The size of a chunk is malformed.")
            yield b""
        size = _read_size(bytes(data[:end]))
        del data[: end + 2]
        if not size:
            break
        while size:
            piece = bytes(data[:size])
            del data[: len(piece)]
            size -= len(piece)
            yield piece
        while len(data) < 2:
            yield b""
        if not data.startswith(b"\r\n"):
            raise Malformed("A chunk is longer than its size.")
        del data[:2]
    while not data.startswith(b"\r\n"):
        if (end := data.find(b"\r\n\r\n", 0, TRAILER_LIMIT)) >= 0:
            del data[: end + 2]
        elif len(data) >= TRAILER_LIMIT:
            raise HeadersTooLarge("The trailers are too long.")
        else:
            yield b""
    del data[:2]


def _read_size(line: bytes) -> int:
    found = SIZE.fullmatch(line)
    if found is None:
        raise Malformed("The size of a chunk is malformed.")
    return int(found[1], 16)
