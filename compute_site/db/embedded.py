"""Which PostgreSQL to use: the one that ``DATABASE_URL`` names, or an embedded one under
``var/postgres``, which starts at the first connection (``compute_site.db.base``).
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psutil
import psycopg

from compute_site.db.hosts import HostError, read_hosts
from compute_site.db.postgres.errors import StartError
from compute_site.db.postgres.place import choose_socket_dir, find_place
from compute_site.db.postgres.server import (
    PORT,
    SUPERUSER,
    Server,
    find_server,
    start_server,
    wait_until_ready,
)
from compute_site.db.postgres.users import User, alone
from compute_site.options import read_options

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


EMBEDDED_URL = f"postgresql:///{DEFAULT_NAME}"
_thread_lock = threading.Lock()
_servers: dict[Path, Server] = {}
_users: dict[Path, User] = {}


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
    server = _find_ours(data_dir)
    if server is None:
        start_embedded_server(data_dir)
        server = _servers[data_dir]
    host, port = str(server.socket_dir), str(PORT)
    return {"USER": SUPERUSER, "PASSWORD": "", "HOST": host, "PORT": port}


def revive_embedded_server(state_dir: Path) -> bool:
    """Start the embedded server again if it has ended; return whether it had.

    Raises:
        DatabaseError: it does not start.
    """
    server = _servers.get(state_dir / "postgres")
    if server is None or server.lives:
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
    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        with _thread_lock, alone(data_dir.with_name(f"{data_dir.name}.lock")):
            server = _find_ours(data_dir)  # another thread may have started it meanwhile
            if server is None:
                server = _find_or_start(data_dir)
                _make_database(server)
            _servers[data_dir] = server
    except StartError as error:
        raise DatabaseError(
            f"The embedded PostgreSQL does not start: {error}{_log_of(data_dir)}"
        ) from error
    except (OSError, subprocess.SubprocessError, psutil.Error, psycopg.Error) as error:
        raise DatabaseError(
            f"The embedded PostgreSQL under {data_dir} does not start: "
            f"{error or type(error).__name__}{_log_of(data_dir)}\nSet DATABASE_URL to use another "
            "server, or move the folder away to begin with an empty database."
        ) from error
    return server.url_of(DEFAULT_NAME)


def _find_ours(data_dir: Path) -> Server | None:
    """The server that this process uses already, if it runs."""
    server = _servers.get(data_dir)
    return server if server and server.lives and _users[data_dir].is_us else None


def _find_or_start(data_dir: Path) -> Server:
    settings = read_options().embedded_settings
    place = find_place(data_dir, synced="fsync=off" not in settings)
    if data_dir not in _users or not _users[data_dir].is_us:
        _users[data_dir] = User(data_dir)
    _users[data_dir].call_keeper()
    if find_server(place.data_dir) is None:
        note = data_dir.with_name(f"{data_dir.name}.socket")
        return start_server(place, choose_socket_dir(place, note), settings)
    return wait_until_ready(place.data_dir)


def _make_database(server: Server) -> None:
    with psycopg.connect(server.url_of("postgres"), autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DEFAULT_NAME])
        if found.fetchone() is None:
            connection.execute(
                f"CREATE DATABASE {DEFAULT_NAME} TEMPLATE template0 LOCALE 'C.UTF-8'"
            )


def _log_of(data_dir: Path) -> str:
    log = data_dir / "log"
    return f"\nIts log is {log}." if os.access(log, os.R_OK) else ""


def _parse(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise DatabaseError(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name, "
            f"not {parts.scheme}://…"
        )
    query = dict(parse_qsl(parts.query))
    try:
        hosts = read_hosts(parts.netloc)
    except HostError as error:
        raise DatabaseError(f"DATABASE_URL: {error}") from None
    return {
        "NAME": unquote(parts.path.lstrip("/")) or DEFAULT_NAME,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or hosts.names,
        "PORT": query.pop("port", None) or hosts.ports,
        "OPTIONS": {"prepare_threshold": PREPARE_THRESHOLD, **PATIENCE, **query},
    }
