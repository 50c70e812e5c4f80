"""Tells tgtd, the target server of Debian's package ``tgt``, what it shall serve.

The messages are those of ``tgtadm``, at the same socket. They are sent from here because
``tgtadm`` takes passwords as arguments, which every process of the machine can read.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import socket
import struct
from pathlib import Path

from compute_site.faults import Unavailable

REQUEST = struct.Struct("<ii64sIiQQIIIIII")
"""Of what, what is done, the driver, all bytes, target, session, LUN, connection, host, kind of
device, direction, pack, force.
"""
ANSWER = struct.Struct("<II")
TARGET, LUN, ACCOUNT = 1, 2, 7
NEW, DELETE, SHOW, BIND, UPDATE = 0, 1, 2, 3, 5
NO_LUN = (1 << 64) - 1
NO_TARGET = -1
DRIVER = b"iscsi"
FIRST_LUN = 1
"""Number 0 is the controller of each target."""
SECONDS = 20
CONTROL_PORT = 0
LISTED = re.compile(r"^Target (\d+): (\S+)\n(.*?)(?=^Target |\Z)", re.MULTILINE | re.DOTALL)
COMPLETE = re.compile(r"ACL information:\s+ALL\b")


class TargetServerUnavailable(Unavailable):
    """The target server does not answer, or does not do what it is told."""

    code = "target_server_unavailable"


class Refused(Exception):
    """The target server did not do it."""

    def __init__(self, number: int) -> None:
        super().__init__(f"it answered with the error {number}")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A file that is served under a name, to whoever has the account."""

    name: str
    path: Path
    user: str
    password: str = dataclasses.field(repr=False)
    read_only: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Listed:
    """A target that tgtd has. One that is not complete was left behind while it was made."""

    number: int
    is_complete: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Tgtd:
    """A tgtd; ``control`` is its ``TGT_IPC_SOCKET``."""

    control: Path

    def list_targets(self) -> dict[str, Listed]:
        """All targets, by their names."""
        listed = self._ask(TARGET, SHOW).decode("utf-8", "replace")
        return {
            name: Listed(int(number), is_complete=COMPLETE.search(about) is not None)
            for number, name, about in LISTED.findall(listed)
        }

    def make(self, served: Served, number: int) -> None:
        """Make a target that is not there, by a number that is free. Nobody reaches it before it is
        complete, as the initiators that it takes are said last.
        """
        self._do(TARGET, NEW, f"targetname={served.name}", target=number)
        try:
            path = f"path={served.path},bstype=rdwr"
            self._do(LUN, NEW, path, target=number, lun=FIRST_LUN)
            if served.read_only:
                self._do(LUN, UPDATE, "targetOps readonly=1,", target=number, lun=FIRST_LUN)
            self._forget_account(served.user)
            self._do(ACCOUNT, NEW, f"user={served.user},password={served.password}")
            self._do(ACCOUNT, BIND, f"user={served.user}", target=number)
            self._do(TARGET, BIND, "initiator-address=ALL", target=number)
        except TargetServerUnavailable:
            self.remove(number, served.user)
            raise

    def remove(self, number: int, user: str) -> None:
        """End a target at once, with the connections that it has; none is fine."""
        try:
            self._send(TARGET, DELETE, "", target=number, force=1)
        except Refused:
            if any(listed.number == number for listed in self.list_targets().values()):
                raise TargetServerUnavailable(f"The target {number} does not end.") from None
        self._forget_account(user)

    def reread(self, number: int, path: Path) -> None:
        """See that the file has another size. Whoever uses it meanwhile waits, or asks again."""
        for word in ("online=0", f"path={path}", "online=1"):
            self._do(LUN, UPDATE, f"targetOps {word},", target=number, lun=FIRST_LUN)

    def _forget_account(self, user: str) -> None:
        with contextlib.suppress(Refused):  # there is none
            self._send(ACCOUNT, DELETE, f"user={user}")

    def _ask(self, what: int, do: int) -> bytes:
        try:
            return self._send(what, do, "")
        except Refused as error:
            raise TargetServerUnavailable(f"The target server refuses: {error}.") from None

    def _do(
        self, what: int, do: int, text: str, *, target: int = NO_TARGET, lun: int = NO_LUN
    ) -> None:
        try:
            self._send(what, do, text, target=target, lun=lun)
        except Refused as error:
            doing = text.partition("=")[0]
            raise TargetServerUnavailable(
                f"The target server refuses ({doing}, target {target}): {error}."
            ) from None

    def _send(
        self,
        what: int,
        do: int,
        text: str,
        *,
        target: int = NO_TARGET,
        lun: int = NO_LUN,
        force: int = 0,
    ) -> bytes:
        """Raises ``Refused``, ``TargetServerUnavailable``."""
        words = text.encode() + b"\0" if text else b""
        length = REQUEST.size + len(words)
        head = REQUEST.pack(what, do, DRIVER, length, target, 0, lun, 0, 0, 0, 0, 0, force)
        address = f"{self.control}.{CONTROL_PORT}"
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(SECONDS)
                line.connect(address)
                line.sendall(head)
                if words:
                    line.sendall(words)
                error, size = ANSWER.unpack(_read(line, ANSWER.size))
                if error:
                    raise Refused(error)
                return _read(line, size - ANSWER.size)
        except OSError as error:
            raise TargetServerUnavailable(
                f"The target server does not answer at {address}: {error}."
            ) from None


def _read(line: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        piece = line.recv(size - len(found))
        if not piece:
            raise ConnectionResetError("it hung up")
        found += piece
    return found
