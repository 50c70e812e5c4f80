"""Keeps the disks of guests on their way from one host to another, as files in a folder that all
web processes share. A file has its name only when it is complete.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from compute_site.faults import BadRequest, NotFound

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
DRAFT = ".draft-"
STRAY_SECONDS = 86400
"""So old are files that nobody fetches any more."""


class WrongFile(BadRequest):
    """The name or the data of a file are not as they should be."""

    code = "wrong_file"


class NoSuchFile(NotFound):
    """The old host has sent no such file."""

    code = "no_such_file"


def folder() -> Path:
    """The folder of the option ``move_store_dir``, or ``moves`` in the state folder."""
    return Path(settings.OPTIONS.move_store_dir or settings.STATE_DIR / "moves")


def has(server_id: str, name: str, sha512: str) -> bool:
    """Is the file there, with these data?"""
    path = _path(server_id, name)
    return path.exists() and path.with_name(f"{name}.{sha512[:32]}").exists()


def keep(server_id: str, name: str, pieces: Iterable[bytes], sha512: str) -> None:
    """Keep these data as that file.

    Raises:
        WrongFile: the hash is that of others, or this is no name.
    """
    path = _path(server_id, name)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    seen = hashlib.sha512()
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                seen.update(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        if seen.hexdigest() != sha512:
            raise WrongFile("The data are not those that the hash is of.")
        Path(draft).replace(path)
        path.with_name(f"{name}.{sha512[:32]}").touch()
    finally:
        Path(draft).unlink(missing_ok=True)


def open_file(server_id: str, name: str) -> tuple[BinaryIO, int]:
    """The file, and its size; raises ``NoSuchFile``."""
    path = _path(server_id, name)
    try:
        return path.open("rb", buffering=0), path.stat().st_size
    except FileNotFoundError:
        raise NoSuchFile(f"There is no file {name[:60]} of this server on its way.") from None


def remove(server_id: str) -> None:
    """Forget all files of the server; none is fine."""
    shutil.rmtree(folder() / server_id, ignore_errors=True)


def clean_up() -> None:
    """Remove what nobody has fetched."""
    before = time.time() - STRAY_SECONDS
    place = folder()
    for path in place.iterdir() if place.is_dir() else ():
        if path.stat().st_mtime < before:
            shutil.rmtree(path, ignore_errors=True)


def _path(server_id: str, name: str) -> Path:
    if not NAME.fullmatch(name):
        raise WrongFile(f"{name[:60]!r} is no name of a file.")
    return folder() / server_id / name
