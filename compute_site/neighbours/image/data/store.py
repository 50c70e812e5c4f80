"""Keeps the data of images: in a store that speaks S3, if the site names one, or as files in one
folder, which all web processes share.

A file has its name only when it is complete and on disk: until then it is a draft beside it.
"""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from compute_site.neighbours.image.data import s3
from compute_site.neighbours.image.data.hashing import HASH_ALGORITHM, Hashed, TooMuchData, Written
from compute_site.neighbours.image.data.s3 import StoreFull

__all__ = ["HASH_ALGORITHM", "StoreFull", "TooMuchData", "Written"]

DRAFT = ".draft-"
STORE = "local"
"""The name of the one store."""
STRAY_SECONDS = 3600
"""So old are drafts, and files without an image, before they are taken for left behind."""


def folder() -> Path:
    """The folder of the option ``image_store_dir``, or ``images`` in the state folder."""
    return Path(settings.OPTIONS.image_store_dir or settings.STATE_DIR / "images")


def path_of(image_id: str) -> Path:
    return folder() / image_id


@contextmanager
def _draft(image_id: str) -> Iterator[tuple[BinaryIO, Path]]:
    """A file to write to, removed unless it gets its name."""
    place = folder()
    place.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place, prefix=f"{image_id}{DRAFT}")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file, Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def write(image_id: str, pieces: Iterable[bytes], *, most: int) -> Written:
    """Keep these data as those of the image, in the place of older ones.

    Raises:
        TooMuchData: there are more than ``most`` bytes; nothing is kept.
        StoreFull: the disk is full; nothing is kept.
    """
    if s3.is_chosen():
        return s3.write(image_id, pieces, most=most)
    passing = Hashed(pieces, most)
    try:
        with _draft(image_id) as (file, draft):
            for piece in passing:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path_of(image_id))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise StoreFull("There is no room left where the data of images are kept.") from None
    return passing.written


class Part:
    """Some of the bytes of a file, to be read from where it stands."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        self.file = file
        self.left = length

    def read(self, most: int = -1) -> bytes:
        piece = self.file.read(self.left if most < 0 else min(most, self.left))
        self.left -= len(piece)
        return piece

    def fileno(self) -> int:
        return self.file.fileno()

    def tell(self) -> int:
        return self.file.tell()

    def close(self) -> None:
        self.file.close()


def open_data(image_id: str) -> BinaryIO:
    """The data of an image.

    Raises:
        FileNotFoundError: there are none.
    """
    if s3.is_chosen():
        return s3.open_data(image_id)
    return path_of(image_id).open("rb", buffering=0)


def remove(image_ids: Collection[str]) -> None:
    """Remove the data of these images, where there are any."""
    if s3.is_chosen():
        s3.remove(image_ids)
        return
    for image_id in image_ids:
        path_of(image_id).unlink(missing_ok=True)


def clean_up(known: Collection[str]) -> None:
    """Remove what has been left behind: the data of images that are not among ``known``, and drafts
    that nobody writes to any more.
    """
    if s3.is_chosen():
        s3.clean_up(known)
        return
    before = time.time() - STRAY_SECONDS
    place = folder()
    for path in list(place.iterdir()) if place.is_dir() else ():
        if path.name not in known and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
