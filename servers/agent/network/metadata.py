"""What guests are told of themselves at 169.254.169.254.

One thread accepts connections in all namespaces. The address that a guest asks from tells which it
is, since filters let it use no other. What it may know comes from the site and is kept, so that it
is told while the site is away.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from servers.agent.client import Client, SiteFailed
from servers.agent.network.commands import within
from servers.agent.network.kept import Kept
from servers.agent.network.metadata_tree import find_document, is_password
from servers.agent.network.protocol import NetworkFailed
from servers.agent.network.rules import METADATA

logger = logging.getLogger(__name__)

PORT = 80
SECONDS = 5.0
"""A guest has to say what it wants within this time."""
FRESH_SECONDS = 10.0
"""So long what the site has told is told without asking again."""
LONGEST_HEAD = 8192
LONGEST_PASSWORD = 4 * 255
MOST_AT_ONCE, MOST_OF_ONE = 64, 8
"""Connections that are open: altogether, and those of one address."""

Guests = Mapping[str, str]
"""Servers by the addresses that they ask from."""
Caller = tuple[str, str]
"""The namespace, and the address."""


class MetadataService:
    def __init__(self, client: Client, kept: Kept) -> None:
        self.client = client
        self.kept = kept
        self.guests: Mapping[str, Guests] = {}
        self.listening: dict[str, socket.socket] = {}
        self.lock = threading.Lock()
        self.open: Counter[Caller] = Counter()
        self.fresh: dict[str, float] = {}
        """When the site told last of a server, by the monotonic clock."""
        self.selector = selectors.DefaultSelector()
        self.woken, self.waker = socket.socketpair()
        self.woken.setblocking(False)
        self.selector.register(self.woken, selectors.EVENT_READ, "")
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None

    def serve(self, guests: Mapping[str, Guests]) -> None:
        """Answer these guests, by the namespaces in which they ask, and no others."""
        self.guests = guests
        with self.lock:
            for space in sorted(self.listening.keys() - guests.keys()):
                listening = self.listening.pop(space)
                self.selector.unregister(listening)
                listening.close()
            for space in sorted(guests.keys() - self.listening.keys()):
                try:
                    self.listening[space] = within(space, _listen)
                except NetworkFailed as error:
                    logger.warning("no metadata in %s: %s", space, error)
                    continue
                self.selector.register(self.listening[space], selectors.EVENT_READ, space)
            if self.thread is None and self.listening:
                self.thread = threading.Thread(target=self._accept, name="metadata", daemon=True)
                self.thread.start()
        self.waker.send(b".")

    def stop(self) -> None:
        self.stopping.set()
        self.waker.send(b".")
        if self.thread is not None:
            self.thread.join()
        self.selector.close()
        for one in (*self.listening.values(), self.woken, self.waker):
            one.close()
        self.listening.clear()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            for key, _ in self.selector.select():
                if key.fileobj is self.woken:
                    self.woken.recv(4096)
                    continue
                try:
                    connection, (address, *_) = key.fileobj.accept()  # type: ignore[union-attr]
                except OSError:  # it went away, or is closed by now
                    continue
                self._begin(connection, (str(key.data), str(address)))

    def _begin(self, connection: socket.socket, caller: Caller) -> None:
        with self.lock:
            busy = self.open.total() >= MOST_AT_ONCE or self.open[caller] >= MOST_OF_ONE
            if not busy:
                self.open[caller] += 1
        if busy:
            connection.close()
            return
        threading.Thread(target=self._talk, args=(connection, caller), daemon=True).start()

    def _talk(self, connection: socket.socket, caller: Caller) -> None:
        try:
            with connection:
                connection.settimeout(SECONDS)
                connection.sendall(self._answer(connection, caller))
        except OSError:
            pass  # the guest's loss
        except Exception:
            logger.exception("metadata for %s", caller)
        finally:
            with self.lock:
                self.open[caller] -= 1
                if not self.open[caller]:
                    del self.open[caller]

    def _answer(self, connection: socket.socket, caller: Caller) -> bytes:
        space, address = caller
        server_id = self.guests.get(space, {}).get(address)
        head, rest = _read_head(connection)
        words = head.split("\r\n", 1)[0].split(" ")
        if len(words) != 3:
            return _response(400, b"")
        method, path = words[0], words[1].partition("?")[0]
        if server_id is None:
            return _response(404, b"")
        if method == "POST" and is_password(path):
            return self._note_password(server_id, _read_body(connection, head, rest))
        if method not in ("GET", "HEAD"):
            return _response(405, b"")
        told = self._told(server_id)
        document = find_document(told, path) if told is not None else None
        if document is None:
            return _response(404, b"")
        return _response(200, document.data, document.kind, body=method == "GET")

    def _told(self, server_id: str) -> Mapping[str, Any] | None:
        """What the guest may know."""
        now = time.monotonic()
        kept = self.kept.find_guest(server_id)
        if kept is not None and now - self.fresh.get(server_id, -FRESH_SECONDS) < FRESH_SECONDS:
            return kept
        try:
            told: Mapping[str, Any] = self.client.get(f"metadata/{server_id}")
        except SiteFailed as error:
            logger.warning("metadata of %s: %s", server_id, error)
            return kept
        self.fresh[server_id] = now
        if told != kept:
            self.kept.note_guest(server_id, told)
        return told

    def _note_password(self, server_id: str, body: bytes) -> bytes:
        """The guest says its administrator's password, encrypted with the user's key."""
        if not 0 < len(body) <= LONGEST_PASSWORD:
            return _response(400, b"")
        try:
            password = body.decode("ascii")
            self.client.post(f"metadata/{server_id}/password", {"password": password})
        except UnicodeDecodeError:
            return _response(400, b"")
        except SiteFailed as error:
            return _response(409 if error.status == 409 else 503, b"")
        self.fresh.pop(server_id, None)
        return _response(200, b"")


def _listen() -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind((METADATA, PORT))
    listening.listen(128)
    listening.setblocking(False)
    return listening


def _read_head(connection: socket.socket) -> tuple[str, bytes]:
    """The head of the request, and what came of its body already."""
    data = b""
    deadline = time.monotonic() + SECONDS
    while b"\r\n\r\n" not in data:
        piece = connection.recv(4096)
        if not piece or len(data) > LONGEST_HEAD or time.monotonic() > deadline:
            raise OSError("the guest did not say what it wants")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head.decode("latin-1"), rest


def _read_body(connection: socket.socket, head: str, rest: bytes) -> bytes:
    lengths = [
        line.partition(":")[2].strip()
        for line in head.split("\r\n")
        if line.lower().startswith("content-length:")
    ]
    length = int(lengths[0]) if lengths and lengths[0].isdecimal() else 0
    deadline = time.monotonic() + SECONDS
    while len(rest) < min(length, LONGEST_PASSWORD + 1):
        piece = connection.recv(4096)
        if not piece or time.monotonic() > deadline:
            break
        rest += piece
    return rest[:length]


def _response(status: int, data: bytes, kind: str = "text/plain", *, body: bool = True) -> bytes:
    head = (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"Date: {formatdate(usegmt=True)}\r\n"
        f"Content-Type: {kind}; charset=UTF-8\r\n"
        f"Content-Length: {len(data)}\r\n"
        "Connection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (data if body else b"")
