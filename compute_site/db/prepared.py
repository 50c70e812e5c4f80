"""A cursor for the statements that run in every request: the database plans each of them once, and
they take the shortest way there.

Django puts the values into the text of a statement, so that PostgreSQL parses and plans it every
time; for the insert of a server that costs more than the insert itself. Here values are sent apart
from the text, and a statement that a connection has run a few times is prepared
(``prepare_threshold`` in ``compute_site.db.embedded``). Measured: less than half of the
database's time for a create, a fifth for reading one server.

The cursors of Django and psycopg can do much that is not needed here, and cost the web process a
multiple of what libpq needs to send a statement and to wait for its rows (``docs/performance.md``).
So libpq is called directly; how values are written and read is still up to psycopg.

Use it only for statements that are written for it: in some of those that Django generates, the
database cannot tell the types of the values.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Self, cast

from django.db import DEFAULT_DB_ALIAS, connections

from compute_site.db.base import DatabaseWrapper
from compute_site.db.statements import Row, Statement, Values


def prepared_cursor(*, keeps_plans: bool = True) -> AbstractContextManager[Any]:
    """A cursor on the same connection and in the same transaction as ``connection.cursor()``. While
    statements are recorded or wrapped it is ``connection.cursor()``, so that the record shows the
    values. Without ``keeps_plans``, the database plans each statement with its values.
    """
    database = _connected()
    if database.is_recorded:
        return database.cursor()
    return PreparedCursor(database, keeps_plans)


def send_later(statement: str, values: Values = ()) -> None:
    """Run a statement whose rows nobody needs. In a transaction it is sent together with the next
    statement or with ``COMMIT``, in one trip to the database; its errors are raised there. So it is
    for statements whose errors nobody catches within the transaction.
    """
    database = _connected()
    if database.is_recorded:
        with database.cursor() as cursor:
            cursor.execute(statement, values)
        return
    database.validate_no_broken_transaction()
    with database.wrap_database_errors:
        database.statements.send_later(Statement(statement, values))


@contextlib.contextmanager
def reading_ahead(statements: Sequence[Statement]) -> Iterator[None]:
    """Run several statements that only read, in one trip to the database. Inside of the block, who
    runs one of them by a prepared cursor gets its rows at once.
    """
    database = _connected()
    if database.is_recorded or not statements:
        yield
        return
    database.validate_no_broken_transaction()
    with database.wrap_database_errors:
        database.statements.read_ahead(statements)
    try:
        yield
    finally:
        database.statements.forget_read()


def _connected() -> DatabaseWrapper:
    # ``connection`` would look it up again at each use, which takes longer than all of this
    database = cast("DatabaseWrapper", connections[DEFAULT_DB_ALIAS])
    if database.connection is None or not database.health_check_done:
        database.close_if_health_check_failed()  # as connection.cursor() does
        database.ensure_connection()
    return database


def array(values: Iterable[object]) -> str:
    """Texts, numbers, ids and nulls as PostgreSQL writes an array, for a place in a statement whose
    type is clear. A list would do as well, but psycopg needs ten times as long for it, because it
    looks for a type that fits all values.
    """
    return "{" + ",".join([_written(value) for value in values]) + "}"


def _written(value: object) -> str:
    if type(value) is int:
        return str(value)  # a hundred servers are claimed with a thousand of them
    return "NULL" if value is None else _quote(str(value))


def _quote(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


class PreparedCursor:
    """What is needed of a cursor; it has nothing to close."""

    def __init__(self, database: DatabaseWrapper, keeps_plans: bool) -> None:
        self._database = database
        self._statements = database.statements
        self._keeps_plans = keeps_plans
        self._rows: list[Row] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, statement: str, values: Values = ()) -> None:
        self._database.validate_no_broken_transaction()
        with self._database.wrap_database_errors:
            self._rows = self._statements.run(Statement(statement, values, self._keeps_plans))

    def fetchall(self) -> list[Row]:
        return self._rows

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None
