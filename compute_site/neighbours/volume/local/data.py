"""Keeps the bytes of volumes, their snapshots and their backups as files, in a folder that the site
and its hosts share. Without one (option ``volume_folder``) volumes are records, and have no bytes.

A file has its name only when it is complete. Copies keep holes, and share blocks where the file
system can.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO

from django.conf import settings
from django.db import transaction

from compute_site.faults import BadRequest, Fault
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import ImageSource
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.models import Snapshot, UnmanagedVolume, Volume
from servers.agent.storage.confined import lent, lent_fd, path_of, run_confined

GIB = 1 << 30
DRAFT = ".draft-"
STRAY_SECONDS = 3600
"""So old are files without a row before they are taken for left behind."""
COPY_SECONDS = 3600
COPY_MEMORY = 4 << 30
PIECE = 1 << 20
Row = Volume | Snapshot | Backup
"""What has bytes."""
Source = tuple[str, str]
"""What bytes are those of: ``image``, ``snapshot``, ``volume`` or ``backup``, and its id."""
CONVERTED = ("raw", "qcow2")
"""Formats of images that volumes are made of, and that are made of volumes."""


class DiskTooSmall(BadRequest):
    """The disk of the image does not fit into the volume."""

    code = "volume_too_small"


class FormatNotConverted(BadRequest):
    """Nothing here turns this format of images into a disk, or back."""

    code = "format_not_converted"


class NoSuchFile(BadRequest):
    """What is to be taken over is not in the folder, or is no such disk."""

    code = "no_such_file"


class CopyFailed(Fault):
    """The bytes of a volume could not be made."""

    code = "copy_failed"


def folder() -> Path | None:
    place: Path | None = settings.OPTIONS.volume_folder
    return place


def folder_of_backups() -> Path | None:
    place: Path | None = settings.OPTIONS.volume_backup_folder
    return None if folder() is None else place or folder()


def file_of(row: Row) -> Path | None:
    """The file with its bytes; ``None``: it has none."""
    path = _path(row)
    return path if path is not None and path.is_file() else None


def has_bytes(volume_id: str) -> bool:
    """Are the bytes of a volume there, or has none any?"""
    path = _path_of("volume", volume_id)
    return path is None or path.is_file()


def is_copied(row: Row, source: Source | None) -> bool:
    """Are there bytes of its source that take time to copy? Checks what can be checked before.

    Raises:
        DiskTooSmall, FormatNotConverted: the row can have no bytes of this image.
    """
    if folder() is None or source is None:
        return False
    kind, source_id = source
    if kind != "image":
        path = _path_of(kind, source_id)
        return path is not None and path.is_file()
    found = image_service().find_source(source_id)
    if found is not None:
        _check_fits(row, found)
    return found is not None


def make(row: Row, source: Source | None) -> bool:
    """Make the bytes of a row: those of its source, or none yet. ``False``: it gets none, as its
    source has none.

    Raises:
        DiskTooSmall, FormatNotConverted, CopyFailed: nothing is kept.
    """
    path = _path(row)
    if path is None:
        return False
    if source is None:
        with _draft(path) as draft:
            os.truncate(draft, row.size * GIB)
        return True
    if source[0] == "image":
        return _make_of_image(row, path, source[1])
    return _copy(_path_of(*source), path, row.size)


def grow(volume: Volume) -> None:
    """Let the bytes be as many as the row says."""
    path = file_of(volume)
    if path is not None:
        os.truncate(path, volume.size * GIB)


def adopt(backup: Backup, maker: str) -> None:
    """Give a new backup the bytes in the file that the backup ``maker`` has made, which may be
    itself, before its row was lost. No file of a backup is ever changed, so two can share one.

    Raises:
        NoSuchFile: it is not there, or has another size.
    """
    source, path = _path_of("backup", maker), _path(backup)
    if source is None or path is None or not source.is_file():
        raise NoSuchFile(f"The bytes of backup {maker} are not here.")
    if source.stat().st_size != backup.size * GIB:
        raise NoSuchFile(f"The bytes of backup {maker} are not {backup.size} GiB.")
    if source != path:
        path.hardlink_to(source)


def remove(row: Row) -> None:
    """Remove the file of a row that is gone."""
    path = _path(row)
    if path is not None:
        path.unlink(missing_ok=True)


def forget(*rows: Row) -> None:
    """Remove the files of rows that are deleted, after the commit."""
    if folder() is not None:
        paths = [path for row in rows if (path := _path(row)) is not None]
        transaction.on_commit(functools.partial(_remove, paths))


@contextlib.contextmanager
def exported(volume: Volume, disk_format: str) -> Iterator[tuple[Iterator[bytes], str]]:
    """The bytes of a volume that has some, as they are now, in a format of images; and their
    SHA-512 in hex.

    Raises:
        FormatNotConverted, CopyFailed.
    """
    path = file_of(volume)
    if path is None:
        raise CopyFailed(f"Volume {volume.pk} has no bytes.")
    check_format(disk_format)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=DRAFT) as copy:
        with path.open("rb") as data:
            _convert(data, Path(copy.name), "raw", disk_format)
        with Path(copy.name).open("rb") as file:
            sha512 = hashlib.file_digest(file, "sha512").hexdigest()
            file.seek(0)
            yield iter(functools.partial(file.read, PIECE), b""), sha512


def clean_up() -> None:
    """Remove files that have lain for long without a volume or a snapshot, and drafts. Those of
    backups stay: a record can bring the row back (``backup_records.py``).
    """
    before = time.time() - STRAY_SECONDS
    places = {place for place in (folder(), folder_of_backups()) if place and place.is_dir()}
    old = [path for place in places for path in place.iterdir() if path.stat().st_mtime < before]
    if not old:
        return
    names = {f"{kind}{pk}" for kind, rows in _KINDS for pk in rows.values_list("pk", flat=True)}
    for path in old:
        ours = path.name.startswith((DRAFT, *(kind for kind, _ in _KINDS)))
        if ours and path.name not in names:
            path.unlink(missing_ok=True)


_KINDS: Sequence[tuple[str, Any]] = (
    ("volume-", Volume.objects),
    ("volume-", UnmanagedVolume.objects),
    ("snapshot-", Snapshot.objects),
)


def kind_of(row: Row) -> str:
    return type(row).__name__.lower()


def _path(row: Row) -> Path | None:
    return _path_of(kind_of(row), str(row.pk))


def _path_of(kind: str, row_id: str) -> Path | None:
    place = folder() if kind != "backup" else folder_of_backups()
    return None if place is None else place / f"{kind}-{row_id}"


def _make_of_image(volume: Row, path: Path, image_id: str) -> bool:
    source = image_service().find_source(image_id)
    file = image_service().find_file(image_id) if source is not None else None
    if source is None or file is None:
        return False
    with file:
        _check_fits(volume, source)
        with _draft(path) as draft, _as_file(file, path.parent) as kept:
            _convert(kept, draft, source.disk_format, "raw")
            if draft.stat().st_size > volume.size * GIB:
                raise DiskTooSmall(f"The disk of image {image_id} has more than {volume.size} GiB.")
            os.truncate(draft, volume.size * GIB)
    return True


@contextlib.contextmanager
def _as_file(file: BinaryIO, place: Path) -> Iterator[IO[bytes]]:
    """What programs can read: the file itself, or a copy of what lies elsewhere."""
    try:
        file.fileno()
    except io.UnsupportedOperation:
        with tempfile.NamedTemporaryFile(dir=place, prefix=DRAFT) as copy:
            shutil.copyfileobj(file, copy, PIECE)
            copy.flush()
            yield copy
    else:
        yield file


def _check_fits(volume: Row, source: ImageSource) -> None:
    check_format(source.disk_format)
    size = source.virtual_size or source.size
    if size > volume.size * GIB:
        raise DiskTooSmall(
            f"The disk of image {source.id} has {size} bytes; the volume has {volume.size} GiB."
        )


def check_format(disk_format: str) -> None:
    if disk_format not in CONVERTED:
        raise FormatNotConverted(
            f"Volumes are made of images in {' or '.join(CONVERTED)}, not of {disk_format}."
        )


def _copy(source: Path | None, path: Path, size: int) -> bool:
    """Nothing is copied of what has no bytes."""
    if source is None or not source.is_file():
        return False
    with _draft(path) as draft, source.open("rb") as data:
        _convert(data, draft, "raw", "raw")
        os.truncate(draft, size * GIB)
    return True


def _convert(source: IO[bytes], target: Path, of: str, to: str) -> None:
    """By qemu-img, which is told the format, so that it guesses none from the data; it runs without
    privileges, as the data are those of strangers.
    """
    command = ["qemu-img", "convert", "-f", of, "-O", to]
    if of == to:
        command = ["cp", "--sparse=always", "--reflink=auto", "--"]
    begin = source.fileno()
    try:
        with lent_fd(begin), lent(target, write=True) as end:
            done = run_confined(
                [*command, path_of(begin), path_of(end)],
                fds=(begin, end),
                seconds=COPY_SECONDS,
                memory=COPY_MEMORY,
                cpu_seconds=COPY_SECONDS,
            )
    except FileNotFoundError:
        raise CopyFailed(f"{command[0]} is not installed where the site runs.") from None
    except subprocess.TimeoutExpired:
        raise CopyFailed(f"{command[0]} did not end in {COPY_SECONDS} s.") from None
    except OSError as error:
        raise CopyFailed(f"{command[0]} cannot be given the files: {error.strerror}") from None
    if done.returncode:
        raise CopyFailed(f"{command[0]} failed: {done.stderr.decode().strip()[:300]}")


@contextlib.contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file to fill, which gets its name and is durable in the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=DRAFT)
    draft = Path(name)
    try:
        yield draft
        os.fsync(handle)
        draft.replace(path)
    finally:
        os.close(handle)
        draft.unlink(missing_ok=True)


def _remove(paths: Collection[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
