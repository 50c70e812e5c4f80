"""The embedded server itself: is it running, start it, end it."""

from __future__ import annotations

import contextlib
import shlex
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

from compute_site.db.postgres.errors import StartError
from compute_site.db.postgres.place import Place
from compute_site.db.postgres.programs import run_program

START_SECONDS = 120
STOP_SECONDS = 60
ORPHANS_SECONDS = 10
"""How long the processes of a server that was killed may take to notice it."""

POLL_SECONDS = 0.02
SUPERUSER = "postgres"
PORT = 5432
"""Of the name of the socket; the server listens to no network."""

ALWAYS = ("max_connections=300",)
"""A session costs little, and a program may have 64 threads with one each."""


@dataclass(frozen=True, slots=True)
class Server:
    """One that runs, or did when it was found."""

    data_dir: Path
    socket_dir: Path
    process: psutil.Process
    is_ready: bool

    @property
    def lives(self) -> bool:
        return lives(self.process)

    def url_of(self, database: str) -> str:
        host = quote(str(self.socket_dir), safe="/")
        return f"postgresql://{SUPERUSER}@/{database}?host={host}&port={PORT}"

    def stop(self) -> None:
        """End it: its sessions are closed; by force after a while."""
        for number in (signal.SIGINT, signal.SIGQUIT):
            with contextlib.suppress(psutil.NoSuchProcess):
                self.process.send_signal(number)
            if wait_for_end(self.process, STOP_SECONDS):
                return


def find_server(data_dir: Path) -> Server | None:
    """The server that runs in ``data_dir``, which may not be ready yet."""
    lines = _read_pid_file(data_dir)
    process = _postmaster(data_dir, lines)
    if process is None or len(lines) < 5:
        return None
    is_ready = len(lines) >= 8 and lines[7].strip() == "ready"
    return Server(data_dir, Path(lines[4].strip()), process, is_ready)


def start_server(place: Place, socket_dir: Path, settings: Sequence[str]) -> Server:
    """Start it where none runs, with ``settings`` as in ``postgresql.conf``.

    Raises:
        StartError: it does not start.
    """
    _clear_after_crash(place.data_dir)
    words = ["-h", "", "-k", str(socket_dir), "-p", str(PORT)]
    for setting in (*ALWAYS, *settings):
        words += ["-c", setting]
    run_program(
        place.programs / "pg_ctl",
        *("-D", str(place.data_dir), "-l", str(place.log), "-w", "-t", str(START_SECONDS)),
        *("-o", shlex.join(words), "start"),
        account=place.account,
        seconds=START_SECONDS + 10,
    )
    return wait_until_ready(place.data_dir)


def wait_until_ready(data_dir: Path) -> Server:
    """The server that runs in ``data_dir``, as soon as it takes sessions.

    Raises:
        StartError: it takes too long, or has ended.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        server = find_server(data_dir)
        if server is None:
            raise StartError("it has ended")
        if server.is_ready:
            return server
        time.sleep(POLL_SECONDS)
    raise StartError(f"it is not ready after {START_SECONDS} seconds")


def lives(process: psutil.Process) -> bool:
    """Does the process run, and is not a zombie? In many containers nothing reaps dead processes,
    which keep their process id.
    """
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def wait_for_end(process: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while lives(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _read_pid_file(data_dir: Path) -> list[str]:
    try:
        return (data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []


def _postmaster(data_dir: Path, lines: list[str]) -> psutil.Process | None:
    """The process that the file names, unless it is one of another program by now."""
    try:
        process = psutil.Process(int(lines[0]))
        words = process.cmdline()
    except (LookupError, ValueError, psutil.Error):
        return None
    ours = words and Path(words[0]).name == "postgres" and str(data_dir) in words
    return process if ours and lives(process) else None


def _clear_after_crash(data_dir: Path) -> None:
    """Let PostgreSQL start again although the process id of a killed server is still in use.

    Waits until the killed server's child processes, which work in its folder, have ended.
    """
    lines = _read_pid_file(data_dir)
    if not lines:
        return
    left = [process for process in psutil.process_iter() if _works_in(process, data_dir)]
    _, alive = psutil.wait_procs(left, ORPHANS_SECONDS)
    if any(lives(process) for process in alive):
        return  # PostgreSQL says it better
    (data_dir / "postmaster.pid").unlink(missing_ok=True)
    if len(lines) >= 5:
        Path(lines[4].strip(), f".s.PGSQL.{lines[3].strip()}.lock").unlink(missing_ok=True)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return lives(process) and process.cwd() == str(folder)
    except psutil.Error:
        return False
