"""The data of images of a Glance elsewhere: read from any place on, and sent."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from requests import RequestException, Response
from urllib3.exceptions import HTTPError

from compute_site.faults import BadRequest
from compute_site.neighbours.image.glance.images import GLANCE

PIECE = 1 << 20


class NotAsTheHashSays(BadRequest):
    """The data are not those that the hash was made of."""

    code = "hash_differs"


class RemoteData(io.RawIOBase):
    """The data of an image as a file: asked for when they are read, from where it stands."""

    def __init__(self, image_id: str) -> None:
        self.image_id = image_id
        self.place = 0
        self.response: Response | None = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self.place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET:
            raise io.UnsupportedOperation("only from the beginning on")
        if offset != self.place:
            self._hang_up()
        self.place = offset
        return offset

    def read(self, most: int = -1) -> bytes:
        """Up to so many bytes; nothing at the end.

        Raises:
            ImageServiceUnavailable: the image service has stopped answering.
        """
        if self.response is None:
            self.response = self._open()
        try:
            piece: bytes = self.response.raw.read(None if most < 0 else most)
        except (HTTPError, RequestException, OSError) as error:
            raise GLANCE.away("The image service broke off within the data.") from error
        self.place += len(piece)
        return piece

    def close(self) -> None:
        self._hang_up()
        super().close()

    def _open(self) -> Response:
        headers = {"Range": f"bytes={self.place}-"} if self.place else None
        response = GLANCE.stream(f"/images/{self.image_id}/file", headers=headers)
        if self.place and response.status_code != 206:
            self._skip(response)
        return response

    def _skip(self, response: Response) -> None:
        """Of a service that answers no ranges, what stands before is read and thrown away."""
        left = self.place
        while left and (piece := response.raw.read(min(left, PIECE))):
            left -= len(piece)

    def _hang_up(self) -> None:
        if self.response is not None:
            self.response.close()
            self.response = None


def open_data(image_id: str) -> BinaryIO:
    return cast("BinaryIO", RemoteData(image_id))


def send_data(image_id: str, pieces: Iterable[bytes], sha512: str | None = None) -> None:
    """Upload the data, which makes the image active.

    Raises:
        NotAsTheHashSays: they are others than ``sha512`` says; the image awaits data as before.
        NotThere: the image is gone.
    """
    data = pieces if sha512 is None else _checked(pieces, sha512)
    GLANCE.call(
        "PUT",
        f"/images/{image_id}/file",
        data=_filled(data),
        headers={"Content-Type": "application/octet-stream"},
    )


def _checked(pieces: Iterable[bytes], sha512: str) -> Iterator[bytes]:
    """The pieces, of which the last is held back until the hash is known to be right: without it
    the image service takes none of them.
    """
    digest = hashlib.sha512()
    held: bytes | None = None
    for piece in pieces:
        if held is not None:
            yield held
        digest.update(piece)
        held = piece
    if digest.hexdigest() != sha512:
        raise NotAsTheHashSays("The data have another SHA-512 than the one that was given.")
    if held is not None:
        yield held


def _filled(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """An empty piece would be the end of chunked data."""
    return (piece for piece in pieces if piece)
