"""Empty databases for sites that run in processes of their own."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.conf import settings

from compute_site.db.embedded import find_database_url


def fresh_database(name: str) -> str:
    """Make the database anew on the server that the tests use; its URL."""
    url = urlsplit(find_database_url(settings.STATE_DIR))
    with psycopg.connect(urlunsplit(url._replace(path="/postgres")), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C.UTF-8'")
    return urlunsplit(url._replace(path=f"/{name}"))
