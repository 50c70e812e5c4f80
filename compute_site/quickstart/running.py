"""Which quickstarts run on a state folder: each holds a lock on a file with its process id."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

STOP_SECONDS = 40
POLL_SECONDS = 0.1


@contextlib.contextmanager
def announced(state_dir: Path, port: int) -> Iterator[None]:
    """Tell ``stop_all`` that this process serves on the port, as long as it lives."""
    state_dir.mkdir(parents=True, exist_ok=True)
    with (state_dir / f"quickstart-{port}.pid").open("a+", encoding="ascii") as file:
        with contextlib.suppress(BlockingIOError):  # the other one is told of the port soon enough
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


def find_running(state_dir: Path) -> list[int]:
    """The process ids of the quickstarts that run."""
    return [pid for path in sorted(state_dir.glob("quickstart-*.pid")) if (pid := _holder(path))]


def stop_all(state_dir: Path) -> tuple[list[int], list[int]]:
    """End them; who has ended, and who is still there after a while."""
    told = find_running(state_dir)
    for pid in told:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while (left := [pid for pid in find_running(state_dir) if pid in told]) and (
        time.monotonic() < deadline
    ):
        time.sleep(POLL_SECONDS)
    return [pid for pid in told if pid not in left], left


def _holder(path: Path) -> int | None:
    """The process that holds the lock on the file."""
    with path.open(encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            text = file.read().strip()
            return int(text) if text.isdecimal() else None
    return None
