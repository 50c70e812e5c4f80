"""The statements that are prepared on a connection, and how they are sent: straight by libpq. Use
them through ``compute_site.db.prepared``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

import psycopg
from psycopg import errors, pq
from psycopg.adapt import PyFormat, Transformer

Values = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]
Key = tuple[str, tuple[int, ...]]
"""A statement and the types of its values."""

MOST_PREPARED = 200
"""So many statements of each connection; the oldest makes room for a new one."""
PLACEHOLDER = re.compile(r"%(?:\((\w+)\)s|(s)|(%))")
FINE = (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK)


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

    def tell(self, statement: bytes) -> None:
        """Send a statement without values, whose answer has no rows.

        Raises:
            psycopg.Error: as psycopg's cursors do.
        """
        self._begin()
        self._check(self._libpq.exec_(statement))

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
