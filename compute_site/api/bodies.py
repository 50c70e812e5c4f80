"""Reads the bodies of requests, with a ``Content-Length`` or in chunks."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest

from compute_site.faults import BadRequest, BodyTooLarge

PIECE = 1 << 20
"""Bytes that are read at once."""


class BodyBrokenOff(BadRequest):
    """The body ends before its length or its last chunk, or its chunks are malformed."""

    code = "body_broken_off"


def is_chunked(request: HttpRequest) -> bool:
    """Does the body come with ``Transfer-Encoding`` instead of a length? (The web server refuses
    requests with both, and all codings but chunked.)
    """
    return "HTTP_TRANSFER_ENCODING" in request.META


def take_chunks(request: HttpRequest, limit: int) -> None:
    """Read a chunked body, which Django would take for empty, and give it to Django.

    Raises:
        BodyTooLarge: it has more than ``limit`` bytes; reading stops there.
        BodyBrokenOff: it is not complete.
    """
    pieces, size = [], 0
    for piece in _read(request, limit + 1):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise BodyTooLarge(f"The body is too large; at most {limit} bytes are read.")
    request._body = b"".join(pieces)  # noqa: SLF001 - where Django keeps it
    request.META["CONTENT_LENGTH"] = str(size)


def stream_body(request: HttpRequest) -> Iterator[bytes]:
    """The body in pieces, for what is larger than memory.

    Raises:
        BodyBrokenOff: it is not complete.
    """
    if is_chunked(request):
        yield from _read(request, PIECE)
        return
    missing = int(request.META.get("CONTENT_LENGTH") or 0)
    while missing and (piece := _read_piece(request, min(PIECE, missing))):
        missing -= len(piece)
        yield piece
    if missing:
        raise BodyBrokenOff(f"The body broke off, {missing} bytes before its end.")


def _read(request: HttpRequest, at_once: int) -> Iterator[bytes]:
    """All chunks, put together to pieces of at most ``at_once`` bytes."""
    if not request.META.get("wsgi.input_terminated"):
        raise BadRequest("This server needs a Content-Length.")
    while piece := _read_piece(request, min(PIECE, at_once)):
        yield piece


def _read_piece(request: HttpRequest, size: int) -> bytes:
    try:
        piece: bytes = request.META["wsgi.input"].read(size)
    except Exception as error:
        # each server has its own classes for a connection that ends or a malformed chunk
        raise BodyBrokenOff(f"The body cannot be read to its end: {error}") from error
    return piece
