"""Brings files to the site and fetches them there: snapshots for images, and the disks of guests
that move to another host.
"""

from __future__ import annotations

import hashlib
import http.client
import re
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from servers.agent.client import Client, SiteFailed
from servers.agent.files import read_json, write_durably
from servers.agent.hypervisor.protocol import GuestFailed

PIECE = 1 << 20
ATTEMPTS = 5
PAUSE_SECONDS = 1.0
LIST = "files.json"
"""What a folder of packed disks holds; written when all of them are complete."""
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,60}")
What = TypeVar("What")
Files = list[dict[str, Any]]
"""``name``, ``size`` and ``sha512`` of each."""


class Transfer:
    def __init__(self, client: Client, *, pause: float = PAUSE_SECONDS) -> None:
        self.client = client
        self.pause = pause

    def show_growth(self, order_id: str) -> None:
        """Let the site show how large the volume of the order is now. Raises ``GuestFailed``."""
        self._patiently(lambda: self.client.post(f"volumes/{order_id}/grown", {}))

    def has_snapshot(self, order_id: str) -> bool:
        """Does the site have the data that the order asks for?"""
        told = self._patiently(lambda: self.client.get(f"snapshots/{order_id}"))
        return bool(told["done"])

    def send_snapshot(self, order_id: str, path: Path, disk_format: str) -> None:
        """Raises ``GuestFailed``: the site does not take it."""
        path_of_order = f"snapshots/{order_id}?format={disk_format}&sha512={digest_of(path)}"

        def send() -> None:
            if not self.client.get(f"snapshots/{order_id}")["done"]:
                self.client.put_file(path_of_order, path)

        self._patiently(send)

    def write_list(self, folder: Path) -> Files:
        """Note what is in the folder; from now on it is complete."""
        listed = [describe_file(path) for path in sorted(folder.iterdir())]
        write_durably(folder / LIST, listed)
        return listed

    def list_of(self, folder: Path) -> Files | None:
        """``None``: the folder is not there, or not complete."""
        listed: Files | None = read_json(folder / LIST)
        return listed

    def send_files(self, order_id: str, folder: Path, files: Files) -> None:
        """Those that the site does not have yet."""
        for file in files:
            path, digest = f"moves/{order_id}/{file['name']}", file["sha512"]

            def send(path: str = path, digest: str = digest, name: str = file["name"]) -> None:
                if not self.client.post(path, {"sha512": digest})["done"]:
                    self.client.put_file(f"{path}?sha512={digest}", folder / name)

            self._patiently(send)

    def fetch_files(self, order_id: str, folder: Path, files: Sequence[Mapping[str, Any]]) -> None:
        """Where it breaks off, it goes on from there."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for file in files:
            name = str(file["name"])
            if not NAME.fullmatch(name):
                raise GuestFailed("the site names a file that is none", "transfer")
            self._fetch(f"moves/{order_id}/{name}", folder / name, file)

    def _fetch(self, path: str, target: Path, file: Mapping[str, Any]) -> None:
        size = int(file["size"])

        def append() -> None:
            begin = target.stat().st_size if target.exists() else 0
            if begin > size:
                target.unlink()
                begin = 0
            if begin == size and target.exists():
                return
            with self.client.open(path, begin=begin) as source, target.open("ab") as sink:
                while piece := source.read(PIECE):
                    sink.write(piece)
            if target.stat().st_size < size:
                raise SiteFailed("The data break off.")

        self._patiently(append)
        if not size:
            target.touch()
        if target.stat().st_size != size or digest_of(target) != file["sha512"]:
            target.unlink()
            raise GuestFailed("the data of a disk are not what was sent", "transfer")

    def _patiently(self, do: Callable[[], What]) -> What:
        """Do it again where the site is away for a while.

        Raises:
            GuestFailed: it does not come back, or refuses.
        """
        for attempt in range(ATTEMPTS):
            try:
                return do()
            except (SiteFailed, OSError, http.client.HTTPException) as error:
                passes = not isinstance(error, SiteFailed) or error.may_pass
                if not passes or attempt == ATTEMPTS - 1:
                    raise GuestFailed(f"data cannot be transferred: {error}", "transfer") from None
                time.sleep(self.pause * 2**attempt)
        raise AssertionError("unreachable")


def describe_file(path: Path) -> dict[str, Any]:
    return {"name": path.name, "size": path.stat().st_size, "sha512": digest_of(path)}


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha512").hexdigest()
