"""Who uses the embedded server: each such process holds a shared lock on a file, which the system
takes from it when it ends, in whatever way. Who gets the lock alone knows that nobody else is left.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from compute_site.db.postgres.server import find_server

IMPORTED_FROM = Path(__file__).resolve().parents[3]


class User:
    """This process as a user of the server of ``data_dir``; files beside it carry the locks."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.pid = os.getpid()
        self.lock = open_lock(users_file(data_dir))
        fcntl.flock(self.lock, fcntl.LOCK_SH)  # waits while the server of before is being ended
        atexit.register(self.leave)

    @property
    def is_us(self) -> bool:
        """A forked process is another one."""
        return self.pid == os.getpid()

    def leave(self) -> None:
        """The last one ends the server. Who is killed does not come here; the keeper does it."""
        if not self.is_us:
            return
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            end_server(self.data_dir)
        finally:
            os.close(self.lock)

    def call_keeper(self) -> None:
        """Start a process that ends the server when all its users are gone, unless there is one."""
        lock = open_lock(self.data_dir.with_name(f"{self.data_dir.name}.keeper"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        else:
            self._start_keeper(lock)
        finally:
            os.close(lock)

    def _start_keeper(self, lock: int) -> None:
        """It inherits the lock that says that there is one."""
        path = os.pathsep.join(filter(None, (str(IMPORTED_FROM), os.environ.get("PYTHONPATH"))))
        subprocess.run(  # noqa: S603 - our own program; it returns at once, and lives on
            [sys.executable, "-P", "-m", "compute_site.db.postgres.keeper", str(self.data_dir)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=[lock],
            start_new_session=True,
            check=True,
        )


def is_used(data_dir: Path) -> bool:
    """Does any process use the server?"""
    if not users_file(data_dir).exists():
        return False
    lock = open_lock(users_file(data_dir))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(lock)


def users_file(data_dir: Path) -> Path:
    return data_dir.with_name(f"{data_dir.name}.users")


def end_server(data_dir: Path) -> None:
    server = find_server(data_dir.resolve())
    if server is not None:
        server.stop()


def open_lock(path: Path) -> int:
    """Open a file to be locked; read-only, so that it does not matter who made it."""
    return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextlib.contextmanager
def alone(lock_file: Path) -> Iterator[None]:
    """Hold a lock that excludes other processes; it ends with the process."""
    lock = open_lock(lock_file)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
