"""Django's PostgreSQL backend, with an embedded server that starts when it is needed, and a health
check that costs no statement. Django looks for a backend under this name.
"""

from __future__ import annotations

import select
import time
from typing import Any

from django.db.backends.postgresql import base as postgresql

from compute_site.db.embedded import EMBEDDED, find_embedded_server
from compute_site.db.statements import Statements

READ_ONLY_PARAMETERS = (b"default_transaction_read_only", b"in_hot_standby")
"""PostgreSQL tells the values of both with every connection."""

READ_ONLY_SECONDS = 1.0
"""A session that takes no changes is kept for so long: the next one may lead to a server that
does.
"""


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """A connection of one thread."""

    opened_at = 0.0
    health_check_done: bool
    """Django's: was the connection looked at in this request?"""
    statements: Statements
    """Those that are prepared on the connection of now."""

    def get_connection_params(self) -> dict[str, Any]:
        data_dir = self.settings_dict.get(EMBEDDED)
        if data_dir is not None:
            self.settings_dict.update(find_embedded_server(data_dir))
        params: dict[str, Any] = super().get_connection_params()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        self.opened_at = time.monotonic()
        self.statements = Statements(connection)
        return connection

    @property
    def is_recorded(self) -> bool:
        """Does somebody want to see all statements? Then they go by Django's cursors."""
        return bool(self.queries_logged or self.execute_wrappers)

    def create_cursor(self, name: str | None = None) -> Any:
        with self.wrap_database_errors:
            self.statements.send_waiting()
        return super().create_cursor(name)

    def _commit(self) -> None:
        if self.connection is None:
            return
        with self.wrap_database_errors:
            if self.queries_logged:
                self.statements.send_waiting()
                super()._commit()  # type: ignore[misc] # the stubs leave it out
            else:
                self.statements.commit()

    def _rollback(self) -> None:
        if self.connection is not None:
            self.statements.forget_waiting()
        super()._rollback()  # type: ignore[misc] # the stubs leave it out

    def _savepoint(self, sid: str) -> None:
        self._tell(self.ops.savepoint_create_sql(sid))

    def _savepoint_commit(self, sid: str) -> None:
        self._tell(self.ops.savepoint_commit_sql(sid))

    def _savepoint_rollback(self, sid: str) -> None:
        self.statements.forget_waiting()
        super()._savepoint_rollback(sid)  # type: ignore[misc] # the stubs leave it out

    def _tell(self, statement: str) -> None:
        """Send a statement without values and rows: straight, unless statements are recorded."""
        if self.is_recorded:
            with self.cursor() as cursor:
                cursor.execute(statement)
        else:
            with self.wrap_database_errors:
                self.statements.tell(statement.encode())

    def is_usable(self) -> bool:
        """Does the connection still reach a server that accepts writes? Django asks at the
        beginning of a request.

        A server that ends closes the connection, which makes the socket readable; an idle
        connection never is otherwise. Only then, or after an error, is a statement sent to check.
        """
        connection = self.connection
        if connection is None or connection.closed:
            return False
        if self._is_read_only() and time.monotonic() - self.opened_at > READ_ONLY_SECONDS:
            return False
        return not (self.errors_occurred or has_input(connection)) or super().is_usable()

    def _is_read_only(self) -> bool:
        status = self.connection.pgconn.parameter_status
        return any(status(name) == b"on" for name in READ_ONLY_PARAMETERS)


def has_input(connection: Any) -> bool:
    """Is the socket readable? It is also when the other side has closed the connection."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
