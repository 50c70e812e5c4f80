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

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Self, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

if TYPE_CHECKING:
    from compute_site.db.base import DatabaseWrapper

Values = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]
Key = tuple[str, tuple[int, ...]]
"""A statement and the types of its values."""

MOST_PREPARED = 200
"""So many statements of each connection; the oldest makes room for a new one."""
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


def prepared_cursor(*, keeps_plans: bool = True) -> AbstractContextManager[Any]:
    """A cursor on the same connection and in the same transaction as ``connection.cursor()``. While
    statements are recorded or wrapped it is ``connection.cursor()``, so that the record shows the
    values. Without ``keeps_plans``, the database plans each statement with its values.
    """
    # ``connection`` would look it up again at each use, which takes longer than all of this
    database = cast("DatabaseWrapper", connections[DEFAULT_DB_ALIAS])
    if database.connection is None or not database.health_check_done:
        database.close_if_health_check_failed()  # as connection.cursor() does
        database.ensure_connection()
    if database.queries_logged or database.execute_wrappers:
        return database.cursor()
    return PreparedCursor(database, database.statements, keeps_plans)


def array(values: Iterable[object]) -> str:
    """Texts, numbers, ids and nulls as PostgreSQL writes an array, for a place in a statement whose
    type is clear. A list would do as well, but psycopg needs ten times as long for it, because it
    looks for a type that fits all values.
    """
    return "{" + ",".join("NULL" if value is None else _quote(str(value)) for value in values) + "}"


def _quote(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


class PreparedCursor:
    """What is needed of a cursor; it has nothing to close."""

    def __init__(
        self, database: DatabaseWrapper, statements: Statements, keeps_plans: bool
    ) -> None:
        self._database = database
        self._statements = statements
        self._keeps_plans = keeps_plans
        self._rows: list[Row] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def execute(self, statement: str, values: Values = ()) -> None:
        self._database.validate_no_broken_transaction()
        with self._database.wrap_database_errors:
            self._rows = self._statements.run(statement, values, self._keeps_plans)

    def fetchall(self) -> list[Row]:
        return self._rows

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None


class Statements:
    """The prepared statements of one connection of psycopg."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self._session = session
        self._libpq = session.pgconn
        self._values = Transformer(session)
        self._runs: dict[Key, int] = {}
        self._names: dict[Key, bytes] = {}
        self._last = 0

    def run(self, statement: str, values: Values, keeps_plan: bool) -> list[Row]:
        """Raises: psycopg.Error: as psycopg's cursors do."""
        self._begin()
        text, arrange = translate(statement)
        arranged = arrange(values)
        transformer = self._values
        dumped = transformer.dump_sequence(arranged, (PyFormat.AUTO,) * len(arranged))
        written = cast("Sequence[bytes]", dumped)  # None is null, which psycopg does not say
        types, formats = transformer.types or (), transformer.formats
        key = statement, types
        name = (self._names.get(key) or self._prepare(key, text)) if keeps_plan else None
        if name is not None:
            result = self._libpq.exec_prepared(name, written, formats)
        else:
            result = self._libpq.exec_params(text, written, types, formats)
        self._check(result)
        try:
            transformer.set_pgresult(result)
            return transformer.load_rows(0, result.ntuples, tuple)
        finally:
            transformer.set_pgresult(None)

    def commit(self) -> None:
        """Raises: psycopg.Error: it is not known whether the transaction was committed."""
        if self._libpq.transaction_status != pq.TransactionStatus.IDLE:
            self._check(self._libpq.exec_(b"COMMIT"))

    def _begin(self) -> None:
        """Begin the transaction if one is due, as psycopg does with the first statement."""
        libpq, session = self._libpq, self._session
        if libpq.transaction_status != pq.TransactionStatus.IDLE or session.autocommit:
            return
        if (session.isolation_level, session.read_only, session.deferrable) == (None, None, None):
            self._check(libpq.exec_(b"BEGIN"))
        else:
            session.execute("SELECT 1")  # psycopg knows what to write behind BEGIN

    def _prepare(self, key: Key, text: bytes) -> bytes | None:
        """The name of the statement; ``None`` if it has not run often enough to have one."""
        threshold = self._session.prepare_threshold
        runs = self._runs[key] = self._runs.pop(key, 0) + 1
        if threshold is None or runs <= threshold:
            if len(self._runs) > MOST_PREPARED:
                del self._runs[next(iter(self._runs))]
            return None
        if len(self._names) >= MOST_PREPARED:
            oldest = self._names.pop(next(iter(self._names)))
            self._check(self._libpq.exec_(b"DEALLOCATE " + oldest))
        self._last += 1
        name = b"site_%d" % self._last
        self._check(self._libpq.prepare(name, text, key[1]))
        del self._runs[key]
        self._names[key] = name
        return name

    def _check(self, result: pq.abc.PGresult) -> None:
        if result.status in FINE:
            return
        if (
            result.error_field(pq.DiagnosticField.SQLSTATE) is None
        ):  # libpq's error, not PostgreSQL's
            raise errors.OperationalError(result.get_error_message())
        raise errors.error_from_result(result, self._session.info.encoding)


@functools.lru_cache(maxsize=1000)
def translate(statement: str) -> tuple[bytes, Callable[[Values], Sequence[Any]]]:
    """The statement with libpq's placeholders, and a function that puts the values in their order.

    ``%s`` stands for the next value, ``%(name)s`` for the one of this name, ``%%`` for a percent
    sign.
    """
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        name, unnamed, _ = found.groups()
        if unnamed:
            name = str(len(names))
        elif not name:
            return "%"
        if name not in names:
            names.append(name)
        return f"${names.index(name) + 1}"

    text = PLACEHOLDER.sub(place, statement).encode()
    if "%(" not in statement:
        return text, list
    return text, lambda values: [values[name] for name in names]
