"""Keeps the data of images as files in one folder, which all web processes share.

A file has its name only when it is complete and on disk: until then it is a draft beside it.
"""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from compute_site.faults import Fault

DRAFT = ".draft-"
STORE = "local"
"""The name of the one store."""
HASH_ALGORITHM = "sha512"
STRAY_SECONDS = 3600
"""So old are drafts, and files without an image, before they are taken for left behind."""


class StoreFull(Fault):
    """There is no room for the data."""

    status = 413
    code = "store_full"


class TooMuchData(Fault):
    """An image has more data than it may have."""

    status = 413
    code = "too_much_data"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written: bytes, and the hashes that clients know data by, in hex."""

    size: int
    md5: str
    sha512: str


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
    md5, sha512, size = hashlib.md5(usedforsecurity=False), hashlib.new(HASH_ALGORITHM), 0
    try:
        with _draft(image_id) as (file, draft):
            for piece in pieces:
                size += len(piece)
                if size > most:
                    raise TooMuchData(f"There is room for at most {most} bytes of data.")
                md5.update(piece)
                sha512.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
            draft.replace(path_of(image_id))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise StoreFull("There is no room left where the data of images are kept.") from None
    return Written(size=size, md5=md5.hexdigest(), sha512=sha512.hexdigest())


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
    return path_of(image_id).open("rb", buffering=0)


def remove(image_ids: Collection[str]) -> None:
    """Remove the data of these images, where there are any."""
    for image_id in image_ids:
        path_of(image_id).unlink(missing_ok=True)


def stray_files(known: Collection[str]) -> list[Path]:
    """Files that have been left behind: of images that are not among ``known``, and drafts that
    nobody writes to any more.
    """
    before = time.time() - STRAY_SECONDS
    place = folder()
    return [
        path
        for path in (place.iterdir() if place.is_dir() else ())
        if path.name not in known and path.stat().st_mtime < before
    ]
