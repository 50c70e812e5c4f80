"""Everything is started at the same time, where nothing has been before."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings

from compute_site.options import OptionError
from compute_site.secrets.site_key import read_secret_key

WAIT_SECONDS = 240


class Start:
    """One of ``manage.py``'s commands, and what it writes."""

    def __init__(self, state: Path, name: str, *words: str) -> None:
        environment = {key: text for key, text in os.environ.items() if key != "DATABASE_URL"}
        self.log = state.parent / f"{name}.log"
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", *words],
                cwd=settings.BASE_DIR,
                env={**environment, "COMPUTE_SITE_STATE_DIR": str(state)},
                stdout=file,
                stderr=file,
            )

    def check_end(self) -> None:
        status = self.process.wait(WAIT_SECONDS)
        self.check_words()
        assert status == 0, self.log.read_text()

    def check_words(self) -> None:
        text = self.log.read_text()
        for word in ("Traceback", "already exists", "duplicate key", "does not exist", "ERROR"):
            assert word not in text, text


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def test_they_wait_for_each_other(state: Path) -> None:
    cloud = state.parent / "cloud.yaml"
    cloud.write_text("projects: [{name: red}]\n")
    quickstart = ("quickstart", "--exit", "--no-first-server", "--web-processes", "1", "--port")
    starts = [
        Start(state, "worker", "worker"),
        Start(state, "migrate", "migrate"),
        Start(state, "quickstart", *quickstart, free_port()),
        Start(state, "neighbour", *quickstart, free_port()),
        Start(state, "loadcloud", "loadcloud", str(cloud)),
    ]
    worker, *others = starts
    try:
        for start in others:
            start.check_end()
        assert worker.process.poll() is None
        worker.process.send_signal(signal.SIGTERM)
        worker.check_end()
    finally:
        for start in starts:
            if start.process.poll() is None:
                start.process.kill()
                start.process.wait()


def test_whoever_asks_for_the_secret_key_gets_the_same_one(tmp_path: Path) -> None:
    threads = 16
    for number in range(20):
        state = tmp_path / str(number)
        together = threading.Barrier(threads)

        def ask(_: int, state: Path = state, together: threading.Barrier = together) -> str:
            together.wait()
            return read_secret_key(state)

        with ThreadPoolExecutor(threads) as pool:
            [key] = set(pool.map(ask, range(threads)))
        assert len(key) > 60
        assert [file.name for file in state.iterdir()] == ["secret_key"]
        assert stat.S_IMODE((state / "secret_key").stat().st_mode) == 0o600


def test_an_empty_secret_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    with pytest.raises(OptionError, match="secret_key is empty"):
        read_secret_key(tmp_path)


def test_settings_start_no_database(tmp_path: Path) -> None:
    environment = {key: text for key, text in os.environ.items() if key != "DATABASE_URL"}
    subprocess.run(
        [sys.executable, "-c", "import compute_site.settings"],
        cwd=settings.BASE_DIR,
        env={**environment, "COMPUTE_SITE_STATE_DIR": str(tmp_path)},
        check=True,
    )
    assert not list(tmp_path.glob("postgres*"))
