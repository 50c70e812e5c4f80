"""Lets proxies reach the consoles of guests, by paths that are good once.

A proxy sends ``CONNECT PATH HTTP/1.1`` and an empty line, as Nova's proxies do, and talks to the
console after ``200``. Whoever has no such path learns nothing.
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import selectors
import socket
import socketserver
import threading
import time
from pathlib import Path

from servers.agent.failures import GuestFailed

logger = logging.getLogger(__name__)

GOOD_SECONDS = 600.0
"""For so long is a path good."""
ASK_SECONDS = 10.0
PIECE = 1 << 16
LONGEST_QUESTION = 4096
MOST_AT_ONCE = 100


class Consoles:
    """``listen`` is ADDRESS:PORT; empty: no proxy reaches anything here."""

    def __init__(self, listen: str) -> None:
        self.address = _split(listen) if listen else None
        self.lock = threading.Lock()
        self.offered: dict[str, tuple[Path, float]] = {}
        self.server: socketserver.ThreadingTCPServer | None = None
        self.busy = threading.BoundedSemaphore(MOST_AT_ONCE)

    def start(self) -> None:
        if self.address is None:
            return
        consoles = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                consoles.lead(self.request)

        family = socket.AF_INET6 if ":" in self.address[0] else socket.AF_INET
        kind = type(
            "ConsoleServer",
            (socketserver.ThreadingTCPServer,),
            {"allow_reuse_address": True, "daemon_threads": True, "address_family": family},
        )
        self.server = kind(self.address, Handler)
        name = "consoles"
        threading.Thread(target=self.server.serve_forever, name=name, daemon=True).start()

    def stop(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()

    def offer(self, console: Path) -> dict[str, str | int]:
        """Where a proxy reaches this Unix socket, once."""
        if self.address is None or self.server is None:
            raise GuestFailed(
                "this host lets nobody reach consoles: console_listen is empty in its agent.json",
                "unsupported",
            )
        path = secrets.token_urlsafe(24)
        now = time.monotonic()
        with self.lock:
            still = {key: one for key, one in self.offered.items() if one[1] > now}
            self.offered = {**still, path: (console, now + GOOD_SECONDS)}
        return {"host": self.address[0], "port": self.server.server_address[1], "path": path}

    def lead(self, proxy: socket.socket) -> None:
        """Carry bytes between a proxy and the console that it names."""
        if not self.busy.acquire(blocking=False):
            return
        try:
            console = self._asked_for(proxy)
            if console is None:
                proxy.sendall(b"HTTP/1.1 404 Not Found\r\n\r\n")
                return
            with socket.socket(socket.AF_UNIX) as guest:
                guest.connect(str(console))
                proxy.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                proxy.settimeout(None)
                _carry(proxy, guest)
        except OSError as error:
            logger.info("a console ended: %s", error)
        finally:
            self.busy.release()

    def _asked_for(self, proxy: socket.socket) -> Path | None:
        proxy.settimeout(ASK_SECONDS)
        question = b""
        while b"\r\n\r\n" not in question:
            piece = proxy.recv(1)  # what follows is for the guest
            if not piece or len(question) > LONGEST_QUESTION:
                return None
            question += piece
        words = question.split(b"\r\n", 1)[0].decode("ascii", "replace").split(" ")
        if len(words) != 3 or words[0] != "CONNECT":
            return None
        with self.lock:
            console, until = self.offered.pop(words[1], (None, 0.0))
        return console if until > time.monotonic() else None


def _carry(one: socket.socket, other: socket.socket) -> None:
    """Until one of them ends."""
    with selectors.DefaultSelector() as ready:
        ready.register(one, selectors.EVENT_READ, other)
        ready.register(other, selectors.EVENT_READ, one)
        with contextlib.suppress(OSError):
            while True:
                for key, _ in ready.select():
                    source, target = key.fileobj, key.data
                    assert isinstance(source, socket.socket)  # noqa: S101 - registered above
                    piece = source.recv(PIECE)
                    if not piece:
                        return
                    target.sendall(piece)


def _split(listen: str) -> tuple[str, int]:
    address, _, port = listen.rpartition(":")
    if not address or not port.isdecimal():
        raise ValueError(f"console_listen is ADDRESS:PORT, not {listen!r}")
    return address.strip("[]"), int(port)
