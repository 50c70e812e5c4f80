"""A real worker in a process of its own, on the test's database."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.db import connection

WAIT_SECONDS = 30.0


@contextlib.contextmanager
def worker_process(
    log: Path, *arguments: str, processes: int = 1, database_url: str = "", **options: str
) -> Iterator[subprocess.Popen[bytes]]:
    """``manage.py worker``; ``options`` are options of the site in capitals. Ends by SIGTERM."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url or url_of_database(),
        **{f"COMPUTE_SITE_{name}": value for name, value in options.items()},
    }
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "worker", "--processes", str(processes), *arguments],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until(condition: Callable[[], bool], log: Path | None = None) -> None:
    """Wait a bounded time; on failure show what the workers wrote."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, log.read_text() if log else "it never came true"
        time.sleep(0.02)


def url_of_database() -> str:
    values = connection.settings_dict
    who = ":".join(quote(values[key], safe="") for key in ("USER", "PASSWORD") if values[key])
    port = f":{values['PORT']}" if values["PORT"] else ""
    host = quote(values["HOST"], safe="")
    return f"postgresql://{who}@{port}/{quote(values['NAME'])}?host={host}"
