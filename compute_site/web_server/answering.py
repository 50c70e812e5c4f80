"""What a thread does: let the application answer a request, and send off the answer."""

from __future__ import annotations

import datetime as dt
import functools
import io
import sys
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from typing import Any

from gunicorn.workers.base import Worker

from compute_site.waiting.held import DROPPED, HELD, ROOM, UNTIL
from compute_site.web_server.connection import Connection
from compute_site.web_server.file_part import FilePart, wrap_file
from compute_site.web_server.head import WITHOUT_PREFIX, Head
from compute_site.web_server.intake import Stage
from compute_site.web_server.refusals import Crashed
from compute_site.web_server.upload import open_upload

WITHOUT_BODY = ("204", "304")


class Answer:
    """One answer as the application gives it, by the rules of WSGI; complete before it is sent."""

    def __init__(self, *, method: str, version: str) -> None:
        self.method = method
        self.version = version
        self.status = ""
        self.headers: list[tuple[str, str]] = []
        self.pieces: list[bytes] = []
        self.part: FilePart | None = None
        """The body, where it is a file."""
        self.sent = 0

    def start(
        self, status: str, headers: list[tuple[str, str]], _error: Any = None
    ) -> Callable[[bytes], None]:
        self.status, self.headers = status, headers
        return self.pieces.append

    def take(self, pieces: Iterable[bytes]) -> None:
        """Take the body to its end; a file is sent from where it lies."""
        try:
            if isinstance(pieces, FilePart):
                self.part = pieces
            else:
                self.pieces += pieces
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()

    def as_bytes(self, *, keep: bool, stays: bool = False) -> bytes:
        """``stays``: what follows later belongs to the body, to the end of the connection."""
        body = b"".join(self.pieces)
        if self.method == "HEAD" or self.status[:3] in WITHOUT_BODY:
            body = b""
            self.drop_part()
        if not stays:
            self.measure(body)
        lines = [
            f"HTTP/{self.version} {self.status}",
            f"Date: {_date(int(time.time()))}",
            f"Connection: {'keep-alive' if keep else 'close'}",
            *(f"{name}: {value}" for name, value in self.headers),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body

    def measure(self, body: bytes) -> None:
        """Make the length and the header that tells it agree."""
        told = [value for name, value in self.headers if name.lower() == "content-length"]
        if self.part is not None and told:
            self.part.left = min(self.part.left, int(told[0]))
        self.sent = len(body) + (self.part.left if self.part is not None else 0)
        if not told and self.method != "HEAD" and self.status[:3] not in WITHOUT_BODY:
            self.headers.append(("Content-Length", str(self.sent)))

    def drop_part(self) -> None:
        if self.part is not None:
            self.part.release()
            self.part = None


@functools.lru_cache(maxsize=1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def answer(worker: Worker, connection: Connection, stage: Stage) -> None:
    """Answer the request that the connection has collected, and send as much as is taken now."""
    part = None
    try:
        content, part = _answer(worker, connection, stage)
    except BaseException:  # whatever it is: the thread is needed for other requests
        worker.log.exception("error beyond the site")
        connection.keep, connection.held = False, None
        content = Crashed("Something went wrong on our side.").answer()
    connection.send(content, part)


def _answer(worker: Worker, connection: Connection, stage: Stage) -> tuple[bytes, FilePart | None]:
    head = connection.intake.head
    assert head is not None  # noqa: S101 - a request without one is not served
    environ = make_environ(head, connection)
    environ["wsgi.multiprocess"] = worker.cfg.workers > 1
    environ[ROOM] = worker.room
    if connection.until is not None:
        environ[UNTIL] = connection.until
    if stage is Stage.LARGE:
        environ["wsgi.input"] = open_upload(connection, head)
    given = Answer(method=head.method, version=head.version)
    began = dt.datetime.now()  # noqa: DTZ005 - gunicorn's log wants the difference
    given.take(worker.wsgi(environ, given.start))
    held = connection.held = environ.get(HELD)
    if held is not None and not held.stays:
        given.drop_part()
        return b"", None
    if DROPPED in environ:
        given.drop_part()
        connection.keep = False
        return b"", None
    # of a large body nobody knows how much is still to come
    goes_on = head.keeps_connection and stage is Stage.COMPLETE and worker.alive
    connection.keep = goes_on and held is None
    content = given.as_bytes(keep=connection.keep, stays=held is not None)
    worker.log.access(given, head, environ, dt.datetime.now() - began)  # noqa: DTZ005
    return content, given.part


def make_environ(head: Head, connection: Connection) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333)."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "RAW_URI": head.target,
        "SERVER_PROTOCOL": f"HTTP/{head.version}",
        "SERVER_SOFTWARE": "gunicorn",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(connection.intake.body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.file_wrapper": wrap_file,
        "wsgi.multithread": True,
        "wsgi.run_once": False,
    }
    if isinstance(connection.server, tuple):
        name = connection.server[0]
        environ["SERVER_NAME"] = f"[{name}]" if ":" in name else name
        environ["SERVER_PORT"] = str(connection.server[1])
        environ["REMOTE_ADDR"] = connection.address[0]
        environ["REMOTE_PORT"] = str(connection.address[1])
    else:  # a socket in the file system, with a proxy at the other end
        environ |= {"SERVER_NAME": "localhost", "SERVER_PORT": "80", "REMOTE_ADDR": ""}
    for name, value in head.values.items():
        environ[name if name in WITHOUT_PREFIX else f"HTTP_{name}"] = value
    return environ
