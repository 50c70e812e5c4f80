"""A cursor for the statements that run in every request: the database plans each of them once.

Django puts the values into the text of a statement, so that PostgreSQL parses and plans it every
time; for the insert of a server that costs more than the insert itself. Here values are sent apart
from the text, and psycopg prepares a statement that a connection has run a few times
(``prepare_threshold`` in ``compute_site.db.embedded``). Measured: less than half of the
database's time for a create, a fifth for reading one server.

Use it only for statements that are written for it: in some of those that Django generates, the
database cannot tell the types of the values.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor


def prepared_cursor() -> AbstractContextManager[Any]:
    """A cursor on the same connection and in the same transaction as ``connection.cursor()``. While
    statements are recorded it is ``connection.cursor()``, so that the record shows the values.
    """
    connection.close_if_health_check_failed()  # as connection.cursor() does
    connection.ensure_connection()
    if connection.queries_logged:
        return connection.cursor()
    cursor = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection._prepare_cursor(cursor)  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - as connection.cursor() does
