"""A target server at the socket of tgtd, which notes what it is told and serves nothing."""

from __future__ import annotations

import contextlib
import dataclasses
import shutil
import socket
import struct
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

REQUEST = struct.Struct("<ii64sIiQQIIIIII")
TARGET, LUN, ACCOUNT = 1, 2, 7
NEW, DELETE, SHOW, BIND, UPDATE = 0, 1, 2, 3, 5
NO_TARGET, EXISTS, NO_ACCOUNT = 6, 9, 20


@dataclasses.dataclass
class Target:
    name: str
    path: str = ""
    user: str = ""
    is_open: bool = False
    reread: int = 0


class FakeTgtd:
    """``fails`` are words of orders that it refuses."""

    def __init__(self, folder: Path) -> None:
        self.control = folder / "tgtd"
        self.targets: dict[int, Target] = {}
        self.accounts: dict[str, str] = {}
        self.told: list[str] = []
        self.past: list[tuple[str, str]] = []
        """Targets that were opened and ended, in their order."""
        self.fails: set[str] = set()

    def names(self) -> set[str]:
        return {target.name for target in self.targets.values() if target.is_open}

    def paths(self) -> list[str]:
        return sorted(target.path for target in self.targets.values() if target.is_open)

    @contextlib.contextmanager
    def serving(self) -> Iterator[FakeTgtd]:
        path = Path(f"{self.control}.0")
        path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=self._serve, args=(server,))
        thread.start()
        try:
            yield self
        finally:
            path.unlink()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            server.close()

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            with line:
                head = line.recv(REQUEST.size, socket.MSG_WAITALL)
                if len(head) < REQUEST.size:
                    continue
                what, do, _, size, number, *_ = REQUEST.unpack(head)
                words = line.recv(size - REQUEST.size, socket.MSG_WAITALL) if size > 120 else b""
                error, answer = self._do(what, do, number, words.rstrip(b"\0").decode())
                line.sendall(struct.pack("<II", error, 8 + len(answer)) + answer)

    def _do(self, what: int, do: int, number: int, text: str) -> tuple[int, bytes]:
        first = text.partition("=")[0]
        if first in self.fails:
            return 1, b""
        self.told.append(text)
        values = dict(part.split("=", 1) for part in text.split(",") if "=" in part)
        if (what, do) == (TARGET, SHOW):
            return 0, "".join(map(_shown, self.targets.items())).encode()
        return self._change(what, do, number, values, text), b""

    def _change(self, what: int, do: int, number: int, values: dict[str, str], text: str) -> int:
        target = self.targets.get(number)
        if (what, do) == (TARGET, NEW):
            if target is not None:
                return EXISTS
            self.targets[number] = Target(values["targetname"])
        elif (what, do) == (ACCOUNT, NEW):
            self.accounts[values["user"]] = values["password"]
        elif (what, do) == (ACCOUNT, DELETE):
            return 0 if self.accounts.pop(values["user"], None) else NO_ACCOUNT
        elif target is None:
            return NO_TARGET
        elif (what, do) == (TARGET, DELETE):
            self.past.append(("ends", self.targets.pop(number).name))
        elif (what, do) == (TARGET, BIND):
            target.is_open = True
            self.past.append(("opens", target.name))
        elif (what, do) == (LUN, NEW):
            target.path = values["path"]
        elif (what, do) == (LUN, UPDATE):
            target.reread += "online=1" in text
        elif (what, do) == (ACCOUNT, BIND):
            target.user = values["user"]
        return 0


def _shown(listed: tuple[int, Target]) -> str:
    number, target = listed
    access = "        ALL\n" if target.is_open else ""
    return f"Target {number}: {target.name}\n    LUN information:\n    ACL information:\n{access}"


@contextlib.contextmanager
def exporting(folder: Path, portal: str = "127.0.0.1:3260") -> Iterator[FakeTgtd]:
    """Volumes have bytes in this folder, and are exported by iSCSI."""
    place = Path(tempfile.mkdtemp(prefix="tgt-"))  # paths of sockets are short
    fake = FakeTgtd(place)
    options = dataclasses.replace(
        settings.OPTIONS,
        volume_folder=folder,
        volume_export="iscsi",
        volume_portal=portal,
        volume_target_dir=place,
    )
    try:
        with pytest.MonkeyPatch.context() as patch, fake.serving():
            patch.setattr(settings, "OPTIONS", options)
            yield fake
    finally:
        shutil.rmtree(place)
