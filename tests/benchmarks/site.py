"""A site for measurements: a database of its own, the web server with two processes, no worker."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg

from compute_site.db.embedded import start_embedded_server

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAME = "compute_site_bench"


def make_database() -> str:
    """Drop and create the benchmark's database beside the usual one; its URL."""
    url = drop_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 LOCALE 'C.UTF-8'")
    return urlunsplit(urlsplit(url)._replace(path=f"/{NAME}"))


def drop_database() -> str:
    """Drop the benchmark's database; the URL of the usual one."""
    url = os.environ.get("DATABASE_URL") or start_embedded_server(ROOT / "var" / "postgres")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
    return url


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_site(url: str, processes: int = 2, cloud: Path = HERE / "cloud.yaml") -> Iterator[str]:
    """The site on a free loopback port, with the benchmark's cloud loaded, or another."""
    environment = {**os.environ, "DATABASE_URL": url}
    manage = [sys.executable, str(ROOT / "manage.py")]
    for command in (["migrate", "-v", "0"], ["loadcloud", str(cloud)]):
        subprocess.run(
            [*manage, *command], env=environment, cwd=ROOT, check=True, stdout=sys.stderr
        )
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "-c",
        "python:compute_site.web_server.configuration",
    ]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(processes)]
    server = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=sys.stderr)
    try:
        _wait(port, server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def run_part(name: str, url: str, **variables: str) -> Any:
    """What a part that works in-process prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}"],
        env={**os.environ, "DATABASE_URL": url, **variables},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _wait(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the site did not start")
