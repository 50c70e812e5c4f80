"""Types on a guest's serial line, and reads what it answers."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ANSWER_SECONDS = 90.0
ESCAPES = re.compile("\x1b\\[[0-9;]*[a-zA-Z]")


class SerialLine:
    """A shell of root on the guest's serial console, by the password that the guest was given."""

    def __init__(self, path: Path, password: str) -> None:
        self.path = path
        self.password = password
        self.number = 0

    def __enter__(self) -> Self:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(self.path))
        self.socket.settimeout(0.3)
        self._log_in()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.socket.close()

    def run(self, command: str) -> str:
        """What the command prints."""
        self.number += 1
        begin, end = f"begin-{self.number}", f"end-{self.number}"
        # halves, so that the echo of what was typed is not taken for the answer
        self._type(f"echo be''gin-{self.number}; {command}; echo e''nd-{self.number}")
        text = self._read_until(rf"{end}\r?\n")
        return text.split(f"{begin}\r\n", 1)[-1].split(end)[0].replace("\r", "").strip()

    def type(self, command: str) -> None:
        """Without waiting for an answer; only until the guest has read all of it."""
        self._type(command)
        self._read_until(re.escape(command))

    def _log_in(self) -> None:
        """The shell may be there already, from an earlier time."""
        self._type("")
        seen = self._read_until(r"(login:|# ) *$")
        if seen.rstrip().endswith("login:"):
            self._type("root")
            self._read_until(r"[Pp]assword: *$")
            self._type(self.password)
            self._read_until(r"# *$")

    def _type(self, text: str) -> None:
        self.socket.sendall(f"{text}\n".encode())

    def _read_until(self, pattern: str) -> str:
        text, deadline = "", time.monotonic() + ANSWER_SECONDS
        while not re.search(pattern, text):
            assert time.monotonic() < deadline, f"{pattern} does not come: {text!r}"
            try:
                text += self.socket.recv(4096).decode(errors="replace")
                text = ESCAPES.sub("", text)
            except TimeoutError:
                continue
        return text
