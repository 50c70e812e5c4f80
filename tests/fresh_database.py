"""Empty databases for sites that run in processes of their own."""

from __future__ import annotations

from urllib.parse import quote

import psycopg
from django.conf import settings


def fresh_database(name: str) -> str:
    """Make the database anew on the server that the tests use; its URL."""
    database = settings.DATABASES["default"]
    where = {"host": database["HOST"], "port": database["PORT"] or None}
    who = {"user": database["USER"], "password": database["PASSWORD"] or None}
    with psycopg.connect(dbname="postgres", autocommit=True, **where, **who) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 LOCALE 'C.UTF-8'")
    login = ":".join(quote(part, safe="") for part in who.values() if part)
    port = f":{database['PORT']}" if database["PORT"] else ""
    return f"postgresql://{login}@{port}/{name}?host={quote(database['HOST'], safe='')}"
