"""Hosts in namespaces, joined by a wire, for tests of what carries packets of guests."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TOP = Path(__file__).resolve().parents[2]
UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")


class HostFailed(Exception):
    """The host could not do it; the text says why."""


class WiredHost:
    """A host in a process of its own."""

    def __init__(self, name: str, **settings: Any) -> None:
        told = json.dumps({"host": name, "network": "bridge", **settings})
        self.name = name
        self.process = subprocess.Popen(
            [*UNSHARE, sys.executable, "-m", "tests.guests.one_host", told],
            cwd=TOP,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._read()
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.pid = int(children.read_text().split()[0])

    def __getattr__(self, what: str) -> Any:
        return lambda **told: self._do(what, told)

    def _do(self, what: str, told: dict[str, Any]) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([what, told]) + "\n")
        self.process.stdin.flush()
        answer = self._read()
        if "failed" in answer:
            raise HostFailed(answer["failed"])
        return answer["ok"]

    def _read(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise HostFailed(f"host {self.name} has ended")
        return json.loads(line)

    def run(self, command: str, guest: str = "") -> str:
        """The output of a command that must succeed."""
        status, text = self.sh(command=command, guest=guest)
        assert status == 0, f"{command}: {text}"
        return str(text)

    def fails(self, command: str, guest: str = "") -> bool:
        status, _ = self.sh(command=command, guest=guest)
        return bool(status)

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.process.stdin.close()  # type: ignore[union-attr]
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()  # type: ignore[union-attr]


@contextlib.contextmanager
def hosts(*wanted: tuple[str, dict[str, Any]]) -> Iterator[list[WiredHost]]:
    made: list[WiredHost] = []
    try:
        for name, settings in wanted:
            made.append(WiredHost(name, **settings))
        yield made
    finally:
        for host in made:
            host.end()


def join(one: WiredHost, other: WiredHost, device: str) -> None:
    """Lay a wire between two hosts."""
    subprocess.run(
        [
            *("ip", "link", "add", "name", device, "netns", str(one.pid), "type", "veth"),
            *("peer", "name", device, "netns", str(other.pid)),
        ],
        check=True,
    )
    for host in (one, other):
        host.run(f"ip link set {device} up")
