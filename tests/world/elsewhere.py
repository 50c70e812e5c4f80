"""A small cloud on loopback: it records what it is asked, answers as it is told, and hands out
tokens as Keystone does. It stands for services elsewhere where the real ones are not at hand.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings

from compute_site.neighbours.elsewhere.session import close_session

LATER = "2100-01-01T00:00:00.000000Z"
SERVICE_TYPES = {"identity": "v3", "image": "", "network": "", "block-storage": "v3"}


@dataclasses.dataclass(frozen=True)
class Asked:
    """A request that came; names of headers are in small letters."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclasses.dataclass(frozen=True)
class Told:
    """What is answered; ``hangs_up`` ends the connection instead."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    hangs_up: bool = False


Answering = Callable[[Asked], Told]


class Listening(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that hang up are part of the tests."""


class Cloud:
    """``answers`` are looked up by method and path without the query; others are 404."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: dict[str, Told | list[Told] | Answering] = {}
        self.fallback: Answering | None = None
        """Answers what stands nowhere in ``answers``."""
        self.logins = 0
        self.released = threading.Event()
        """Set at the end, for answers that keep somebody waiting."""
        self.server = Listening(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.thread.start()

    def stop(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def calls(self, path: str = "/") -> list[Asked]:
        """What was asked of paths that begin so, but for the service user's own logins."""
        return [
            asked
            for asked in self.asked
            if asked.path.startswith(path)
            and (asked.method, asked.path) != ("POST", "/v3/auth/tokens")
        ]

    def tell(self, asked: Asked) -> Told:
        path = asked.path.partition("?")[0]
        answer = self.answers.get(f"{asked.method} {path}")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if answer is None and (asked.method, path) == ("POST", "/v3/auth/tokens"):
            return self._log_in()
        if answer is None and self.fallback is not None:
            answer = self.fallback
        if answer is None:
            return Told(404, {"error": {"message": f"nothing at {path}"}})
        return answer(asked) if callable(answer) else answer

    def _log_in(self) -> Told:
        self.logins += 1
        catalog = [
            {
                "type": kind,
                "id": kind,
                "name": kind,
                "endpoints": [
                    {
                        "id": kind,
                        "interface": "public",
                        "region": "here",
                        "region_id": "here",
                        "url": f"{self.url}/{version}".rstrip("/"),
                    }
                ],
            }
            for kind, version in SERVICE_TYPES.items()
        ]
        token = {
            "methods": ["password"],
            "expires_at": LATER,
            "issued_at": "2020-01-01T00:00:00.000000Z",
            "user": {"id": "s" * 32, "name": "compute", "domain": {"id": "default", "name": "D"}},
            "project": {"id": "p" * 32, "name": "service", "domain": {"id": "default"}},
            "roles": [{"id": "r", "name": "service"}],
            "catalog": catalog,
        }
        headers = {"X-Subject-Token": f"service-token-{self.logins}"}
        return Told(201, {"token": token}, headers)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        cloud = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def answer(self) -> None:
                body = b"".join(self._pieces())
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, body)
                cloud.asked.append(asked)
                told = cloud.tell(asked)
                if told.hangs_up:
                    self.close_connection = True
                    return
                data = told.body if isinstance(told.body, bytes) else b""
                if told.body is not None and not isinstance(told.body, bytes):
                    data = json.dumps(told.body).encode()
                self.send_response(told.status)
                for name, value in told.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _pieces(self) -> Iterator[bytes]:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    yield self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    return
                while piece := self.rfile.read(self._length()):
                    self.rfile.readline()
                    yield piece
                self.rfile.readline()

            def _length(self) -> int:
                line = self.rfile.readline().strip()
                if not line:
                    raise ConnectionAbortedError("the body has no end")
                return int(line, 16)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = answer  # noqa: N815 - as there

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
                pass

        return Handler


@contextlib.contextmanager
def joined(cloud: Cloud, **options: Any) -> Iterator[None]:
    """This site uses the cloud, with these options."""
    values: dict[str, Any] = {
        "openstack_auth_url": cloud.url,
        "openstack_username": "compute",
        "openstack_password": "secret",
        "image_service": "compute_site.neighbours.image.openstack",
        "openstack_connect_seconds": 5.0,
        "openstack_read_seconds": 30.0,
    }
    close_session()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            settings, "OPTIONS", dataclasses.replace(settings.OPTIONS, **{**values, **options})
        )
        try:
            yield
        finally:
            close_session()


@contextlib.contextmanager
def cloud_elsewhere(**options: Any) -> Iterator[Cloud]:
    """A cloud that this site uses, with these options; it ends afterwards."""
    cloud = Cloud()
    try:
        with joined(cloud, **options):
            yield cloud
    finally:
        cloud.stop()
