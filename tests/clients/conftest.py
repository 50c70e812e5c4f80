"""A live site for unmodified clients: started as a newcomer would, with real HTTP and a real
worker.
"""

from __future__ import annotations

import dataclasses
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
NAME = "compute_site_clients"
START_SECONDS = 120


@dataclasses.dataclass(frozen=True)
class LiveSite:
    """Where the site is, and the files it wrote for its users."""

    root: str
    state: Path
    output: str

    @property
    def clouds_yaml(self) -> Path:
        return self.state / "clouds.yaml"


def fresh_database() -> str:
    database = settings.DATABASES["default"]
    where = {"host": database["HOST"], "port": database["PORT"] or None}
    who = {"user": database["USER"], "password": database["PASSWORD"] or None}
    with psycopg.connect(dbname="postgres", autocommit=True, **where, **who) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {NAME} TEMPLATE template0 LOCALE 'C.UTF-8'")
    login = ":".join(quote(part, safe="") for part in who.values() if part)
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgresql://{login}@{port}/{NAME}?host={quote(database['HOST'], safe='')}"


@pytest.fixture(scope="session")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveSite]:
    state = tmp_path_factory.mktemp("site")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "DATABASE_URL": fresh_database(),
        "COMPUTE_SITE_STATE_DIR": str(state),
    }
    log = state / "quickstart.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "quickstart", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while "Ctrl-C ends everything" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield LiveSite(f"http://127.0.0.1:{port}", state, log.read_text())
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
