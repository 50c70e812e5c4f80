"""Empty databases for sites that run in processes of their own."""

from __future__ import annotations

import os
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings

from compute_site.db.embedded import find_database_url


def fresh_database(name: str) -> str:
    """Make the database anew on the server that the tests use; its URL. Each process that runs
    tests has one of its own by that name.
    """
    name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    url = urlsplit(find_database_url(settings.STATE_DIR))
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C.UTF-8'")
    return urlunsplit(url._replace(path=f"/{name}"))
