"""Databases beside the one of the tests. The migrations run once, in a template; a process that
needs all the tables has a copy of it.
"""

from __future__ import annotations

import hashlib
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from compute_site.db.embedded import find_database_url

PREFIX = "compute_site_template_"
PRODUCT = ("compute_site", "flavors", "quotas", "servers")
PACKAGES = ("Django", "django-guardian", "procrastinate")
"""Whose migrations run besides ours."""

EMPTY = "TEMPLATE template0 LOCALE 'C.UTF-8'"
LOCK = 0x636F6D70757465
"""Of PostgreSQL, for all that make a template on the same server."""


def empty_database(name: str) -> str:
    """Make the database anew on the server that the tests use, without tables; its URL. Each
    process that runs tests has one of its own by that name.
    """
    return _make(name, EMPTY)


def migrated_database(name: str) -> str:
    """As ``empty_database``, but with all the tables. For tests with ``django_db_setup``."""
    return _make(name, f"TEMPLATE {connection.settings_dict['TEST']['TEMPLATE']}")


def make_template() -> str:
    """The name of the template; made unless there is one of the code as it is now."""
    name = PREFIX + _digest_of_code()
    with _server() as server:
        server.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        found = _databases(server)
        if name not in found:
            for outdated in found:
                server.execute(f"DROP DATABASE {outdated} WITH (FORCE)")
            server.execute(f"CREATE DATABASE {name}_draft {EMPTY}")
            _migrate(f"{name}_draft")
            server.execute(f"ALTER DATABASE {name}_draft RENAME TO {name}")
    return name


def _databases(server: psycopg.Connection[Any]) -> set[str]:
    names = server.execute(
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]
    )
    return {name for (name,) in names}


def _migrate(name: str) -> None:
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        call_command("migrate", verbosity=0, interactive=False, run_syncdb=True)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _digest_of_code() -> str:
    """Migrations call other code, and what is made after them (roles, cells) stands all over it:
    a template is as good as the whole product is the same.
    """
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in PACKAGES).encode())
    for package in PRODUCT:
        for path in sorted(Path(settings.BASE_DIR, package).rglob("*.py")):
            digest.update(f"{path.relative_to(settings.BASE_DIR)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _make(name: str, how: str) -> str:
    name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    with _server() as server:
        server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        server.execute(f"CREATE DATABASE {name} {how}")
    return _url_of(name)


def _server() -> psycopg.Connection[Any]:
    return psycopg.connect(_url_of("postgres"), autocommit=True)


def _url_of(database: str) -> str:
    url = urlsplit(find_database_url(settings.STATE_DIR))
    return urlunsplit(url._replace(path=f"/{database}"))
