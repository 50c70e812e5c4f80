"""The statements that are prepared on a connection, and how they are sent: straight by libpq. Use
them through ``compute_site.db.prepared``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

from compute_site.db.pipeline import Message, Pipeline

Values = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]
Key = tuple[str, tuple[int, ...]]
"""A statement and the types of its values."""

MOST_PREPARED = 200
"""So many statements of each connection; the oldest makes room for a new one."""
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


class Statement(NamedTuple):
    """A statement that is to be sent. Without ``keeps_plan``, the database plans it with its
    values.
    """

    text: str
    values: Values = ()
    keeps_plan: bool = True


BEGIN = Message(b"BEGIN")
COMMIT = Message(b"COMMIT")


class Statements:
    """The prepared statements of one connection of psycopg, and those that are still to be sent."""

    def __init__(self, session: psycopg.Connection[Any]) -> None:
        self._session = session
        self._libpq = session.pgconn
        self._pipeline = Pipeline(session.pgconn)
        self._values = Transformer(session)
        self._runs: dict[Key, int] = {}
        self._names: dict[Key, bytes] = {}
        self._unwanted: list[bytes] = []
        """Names of statements that the database need not keep any longer."""
        self._last = 0
        self._waiting: list[Message] = []
        self._ahead: list[tuple[Statement, list[Row]]] = []

    def run(self, statement: Statement) -> list[Row]:
        """The rows of the statement, after all that waits to be sent.

        Raises:
            psycopg.Error: as psycopg's cursors do.
        """
        for known, rows in self._ahead:
            if known == statement:
                return rows
        return self._rows_of(self._send(self._message(statement))[-1])

    def send_later(self, statement: Statement) -> None:
        """Send the statement together with the next one, or with ``COMMIT``, whichever comes first;
        its errors are raised there. Outside of a transaction it is sent at once.
        """
        message = self._message(statement)
        if self._session.autocommit:
            self._send(message)
        else:
            self._waiting += [*self._due(), message]

    def send_waiting(self) -> None:
        """Raises: psycopg.Error: as psycopg's cursors do."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._exchange(waiting)

    def forget_waiting(self) -> None:
        """What they belong to is undone."""
        self._waiting = []

    def read_ahead(self, statements: Sequence[Statement]) -> None:
        """Run all of these in one go; ``run`` has their rows at once, until ``forget_read``.

        Raises:
            psycopg.Error: as ``run``.
        """
        results = self._send(*map(self._message, statements))
        rows = map(self._rows_of, results[-len(statements) :])
        self._ahead = list(zip(statements, rows, strict=True))

    def forget_read(self) -> None:
        self._ahead = []

    def tell(self, statement: bytes) -> None:
        """Send a statement without values, whose answer has no rows.

        Raises:
            psycopg.Error: as psycopg's cursors do.
        """
        self._send(Message(statement))

    def commit(self) -> None:
        """Raises: psycopg.Error: it is not known whether the transaction was committed."""
        if self._waiting or self._libpq.transaction_status != pq.TransactionStatus.IDLE:
            self._send(COMMIT)

    def _send(self, *messages: Message) -> list[pq.abc.PGresult]:
        """Send these after those that wait, or after ``BEGIN`` if a transaction is due."""
        waiting, self._waiting = self._waiting, []
        return self._exchange([*(waiting or self._due()), *messages])

    def _exchange(self, messages: Sequence[Message]) -> list[pq.abc.PGresult]:
        results = self._pipeline.send(messages)
        for result in results:
            self._check(result)
        while self._unwanted:  # not before, for it may have been among these
            self._check(self._libpq.exec_(b"DEALLOCATE " + self._unwanted.pop()))
        return results

    def _due(self) -> Sequence[Message]:
        """``BEGIN`` if a transaction is due, which psycopg begins with the first statement."""
        libpq, session = self._libpq, self._session
        if (
            self._waiting
            or libpq.transaction_status != pq.TransactionStatus.IDLE
            or session.autocommit
        ):
            return ()
        if (session.isolation_level, session.read_only, session.deferrable) == (None, None, None):
            return (BEGIN,)
        session.execute("SELECT 1")  # psycopg knows what to write behind BEGIN
        return ()

    def _message(self, statement: Statement) -> Message:
        text, arrange = translate(statement.text)
        arranged = arrange(statement.values)
        transformer = self._values
        dumped = transformer.dump_sequence(arranged, (PyFormat.AUTO,) * len(arranged))
        written = cast("Sequence[bytes]", dumped)  # None is null, which psycopg does not say
        types = transformer.types or ()
        key = statement.text, types
        name = None
        if statement.keeps_plan:
            name = self._names.get(key) or self._prepare(key, text)
        return Message(text, name, written, types, transformer.formats or ())

    def _rows_of(self, result: pq.abc.PGresult) -> list[Row]:
        transformer = self._values
        try:
            transformer.set_pgresult(result)
            return transformer.load_rows(0, result.ntuples, tuple)
        finally:
            transformer.set_pgresult(None)

    def _prepare(self, key: Key, text: bytes) -> bytes | None:
        """The name of the statement; ``None`` if it has not run often enough to have one."""
        threshold = self._session.prepare_threshold
        runs = self._runs[key] = self._runs.pop(key, 0) + 1
        if threshold is None or runs <= threshold:
            if len(self._runs) > MOST_PREPARED:
                del self._runs[next(iter(self._runs))]
            return None
        if len(self._names) >= MOST_PREPARED:
            self._unwanted.append(self._names.pop(next(iter(self._names))))
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
