"""A real web server in a process of its own, on the test's database."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.world.worker_process import url_of_database

START_SECONDS = 60
THREADS = 4
GTHREAD = ("--worker-class", "gthread", "--threads", str(THREADS))
PATIENT = ("--config", "python:compute_site.web_server.configuration")
"""The site's own worker, which has as many threads."""


class WebProcess:
    """Where the server listens, and what it has written."""

    def __init__(self, port: int, log: Path) -> None:
        self.port = port
        self.log = log

    def request(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> http.client.HTTPResponse:
        """The answer, read to its end. Each request has a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, data, {"Content-Type": "application/json", **headers})
            response = connection.getresponse()
            response.read()
            return response
        finally:
            connection.close()


@contextlib.contextmanager
def web_process(
    log: Path, *, server: Sequence[str] = GTHREAD, **options: str
) -> Iterator[WebProcess]:
    """gunicorn with one process; ``options`` are options of the site in capitals."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    command += [*server, "compute_site.wsgi"]
    environment = {
        **os.environ,
        "DATABASE_URL": url_of_database(),
        **{f"COMPUTE_SITE_{name}": value for name, value in options.items()},
    }
    with log.open("ab") as file:
        process = subprocess.Popen(
            command, cwd=settings.BASE_DIR, env=environment, stdout=file, stderr=file
        )
    web = WebProcess(port, log)
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(web):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield web
    finally:
        process.terminate()
        process.wait(30)


def _answers(web: WebProcess) -> bool:
    try:
        return web.request("GET", "/healthz").status == 200
    except OSError:
        return False
