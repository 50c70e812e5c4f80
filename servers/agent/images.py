"""The data of images: fetched once, checked, and kept as files that nobody changes."""

from __future__ import annotations

import hashlib
import http.client
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.agent.client import Client, SiteFailed
from servers.agent.hypervisor.protocol import GuestFailed

PIECE = 1 << 20
GIB = 1 << 30
ATTEMPTS = 5
SHA512 = re.compile(r"[0-9a-f]{128}")


class Images:
    """The cache. Files are named by the SHA-512 of what is in them."""

    def __init__(self, folder: Path, client: Client, *, most_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.client = client
        self.most_bytes = most_bytes
        self.lock = threading.Lock()
        self.locks: dict[str, threading.Lock] = {}

    def fetch(self, image: Mapping[str, Any]) -> Path:
        """The file with the data of the image.

        Raises:
            GuestFailed: they cannot be had, or are not what the site says.
        """
        digest = str(image["sha512"])
        if not SHA512.fullmatch(digest):
            raise GuestFailed("the site does not know the SHA-512 of the image", "no_hash")
        path = self.folder / digest
        with self.lock:
            own = self.locks.setdefault(digest, threading.Lock())
        with own:
            if not path.exists():
                self._make_room(int(image["size"]), keep=digest)
                self._download(str(image["id"]), int(image["size"]), path)
            path.touch()  # used just now
        return path

    def _download(self, image_id: str, size: int, path: Path) -> None:
        """Where it breaks off, it goes on from there."""
        part = path.with_suffix(".part")
        for attempt in range(ATTEMPTS):
            try:
                self._append(image_id, size, part)
            except (SiteFailed, OSError, http.client.HTTPException) as error:
                passes = not isinstance(error, SiteFailed) or error.may_pass
                if not passes or attempt == ATTEMPTS - 1:
                    raise GuestFailed(f"the image cannot be fetched: {error}", "image") from None
            if part.exists() and part.stat().st_size >= size:
                break
        self._check(size, part, path)

    def _append(self, image_id: str, size: int, part: Path) -> None:
        begin = part.stat().st_size if part.exists() else 0
        if begin >= size and part.exists():
            return
        with (
            self.client.open(f"images/{image_id}", begin=begin) as source,
            part.open("ab") as target,
        ):
            while piece := source.read(PIECE):
                target.write(piece)

    def _check(self, size: int, part: Path, path: Path) -> None:
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha512").hexdigest()
        if part.stat().st_size != size or digest != path.name:
            part.unlink()
            raise GuestFailed("the data of the image are not what the site says", "image")
        part.chmod(0o400)
        part.replace(path)

    def _make_room(self, size: int, *, keep: str) -> None:
        """Remove what was not used for longest, until the cache is as small as it shall be."""
        kept = [path for path in self.folder.iterdir() if SHA512.fullmatch(path.name)]
        kept.sort(key=lambda path: path.stat().st_mtime)
        total = size + sum(path.stat().st_size for path in kept)
        for path in kept:
            if total <= self.most_bytes:
                return
            if path.name != keep:
                total -= path.stat().st_size
                path.unlink(missing_ok=True)
