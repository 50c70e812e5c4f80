"""HTTP as bytes on a socket, and a web server that answers it."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60
WAIT_SECONDS = 30
"""A client of a test gives up then: an answer that takes so long is none."""


@dataclasses.dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def fault(self) -> str:
        return str(next(iter(self.json)))

    def check_envelope(self) -> None:
        """An error as the site itself would show it."""
        assert self.headers["Content-Type"] == "application/json"
        assert self.headers["x-openstack-request-id"].startswith("req-")
        assert self.headers["x-compute-request-id"] == self.headers["x-openstack-request-id"]
        fault = self.json[self.fault]
        assert fault["code"] == self.status
        assert fault["message"]
        assert [error["detail"] for error in fault["errors"]] == [fault["message"]]
        assert all(error["code"] for error in fault["errors"])


@dataclasses.dataclass(frozen=True)
class WebServer:
    port: int
    process: subprocess.Popen[bytes]

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_SECONDS)

    def ask(self, *pieces: bytes, end: bool = False) -> RawAnswer:
        """Send the pieces, one by one, and read the answer; ``end``: tell that no more comes."""
        with self.connect() as sock:
            for piece in pieces:
                sock.sendall(piece)
            if end:
                sock.shutdown(socket.SHUT_WR)
            return read_answer(sock)

    def get(self, path: str = "/") -> RawAnswer:
        return self.ask(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())


def post(path: str, body: bytes = b"", *headers: str, length: int | None = None) -> bytes:
    """A request with a length, the true one unless another is given."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {len(body) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(path: str, body: bytes, *headers: str, method: str = "POST") -> bytes:
    """A request whose body comes in chunks, framed already."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", "Transfer-Encoding: chunked"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def in_chunks(body: bytes, size: int, trailers: bytes = b"") -> bytes:
    """The body, framed in chunks of this size."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return framed + b"0\r\n" + trailers + b"\r\n"


def read_answer(sock: socket.socket, method: str = "GET") -> RawAnswer:
    response = http.client.HTTPResponse(sock, method=method)
    response.begin()
    return RawAnswer(response.status, response.headers, response.read())


@contextlib.contextmanager
def running(configuration: str, *, workers: int = 1, **variables: str) -> Iterator[WebServer]:
    """gunicorn on a free port of loopback, as soon as it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "-c", f"python:{configuration}"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(workers), "--log-level", "warning"]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "compute_site.settings", **variables}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    server = WebServer(port, process)
    try:
        wait_until_it_answers(server)
        yield server
    finally:
        process.terminate()
        process.wait(WAIT_SECONDS)


def wait_until_it_answers(server: WebServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        assert server.process.poll() is None, "it ended"
        with contextlib.suppress(OSError, http.client.HTTPException):
            server.get("/healthz")
            return
        assert time.monotonic() < deadline
        time.sleep(0.05)
