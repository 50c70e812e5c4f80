"""A cursor for the statements that run in every request: the database plans each of them once.

Django puts the values into the text of a statement, so that PostgreSQL reads and plans it anew each
time; for the insert of a server that costs more than the insert itself. Here values travel apart
from the text, and psycopg prepares a statement that a connection has run a few times
(``prepare_threshold`` in ``compute_site.db.embedded``). Measured: less than half of the
database's time for a create, a fifth for reading one server.

Only for statements that are written for it: of those that Django makes, not all say enough for the
database to know the types of their values.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor


def prepared_cursor() -> AbstractContextManager[Any]:
    """As ``connection.cursor()``, on the same connection and in the same transaction; and just that
    while statements are recorded, so that the record shows their values.
    """
    connection.close_if_health_check_failed()  # as connection.cursor() does
    connection.ensure_connection()
    if connection.queries_logged:
        return connection.cursor()
    cursor = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection._prepare_cursor(cursor)  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001 - as connection.cursor() does
