"""Statements of every request go to the database directly, and behave as those of a cursor do."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import (
    DEFAULT_DB_ALIAS,
    DataError,
    IntegrityError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.transaction import TransactionManagementError

from compute_site.db.cancelling import cancellable
from compute_site.db.prepared import array, prepared_cursor
from compute_site.db.statements import MOST_PREPARED

pytestmark = pytest.mark.django_db


@pytest.fixture
def alone(transactional_db: None) -> Iterator[None]:
    """A connection on which nothing has run, and that nobody uses afterwards."""
    connection.close()
    yield
    connection.close()


def rows(statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        assert cursor.fetchone() == (found[0] if found else None)
    return found


def prepared() -> list[str]:
    """The statements that the database has prepared for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements ORDER BY prepare_time")
        return [text for (text,) in cursor.fetchall() if "pg_prepared" not in text]


@pytest.mark.parametrize(
    ("statement", "values", "expected"),
    [
        ("SELECT %s::text, %s::int", ["a", 1], ("a", 1)),
        ("SELECT %(b)s::text, %(a)s::int + %(a)s", {"a": 2, "b": "%s"}, ("%s", 4)),
        ("SELECT 5 %% 3, 'it''s'", (), (2, "it's")),
        ("SELECT %s::text IS NULL", [None], (True,)),
        ("SELECT %s::int[], %s::text[]", [[1, 2], ["x,y", '"']], ([1, 2], ["x,y", '"'])),
        (
            "SELECT %s::text[], %s::int[]",
            [array(["", "a,b", '"\\"', "NULL", None, "{}", " ü\n"]), array([3, None])],
            (["", "a,b", '"\\"', "NULL", None, "{}", " ü\n"], [3, None]),
        ),
        ("SELECT %s::text[]", [array([])], ([],)),
        ("SELECT %s::uuid", [uuid.UUID(int=7)], (uuid.UUID(int=7),)),
    ],
)
def test_values_travel_unchanged(statement: str, values: Any, expected: Any) -> None:
    for _ in range(4):
        assert rows(statement, values) == [expected]


def test_the_third_time_a_statement_is_prepared(alone: None) -> None:
    statement = "SELECT 'once' || %s::text"
    for expected in (0, 0, 1, 1):
        rows(statement, ["more"])
        assert len(prepared()) == expected


def test_a_plan_can_be_made_each_time(alone: None) -> None:
    for _ in range(5):
        with prepared_cursor(keeps_plans=False) as cursor:
            cursor.execute("SELECT 'anew' || %s::text", ["more"])
            assert cursor.fetchall() == [("anewmore",)]
    assert prepared() == []


def test_other_types_of_values_are_another_statement(alone: None) -> None:
    for value, expected in ((1, "integer"), (2**40, "bigint"), ([1], "smallint[]")):
        for _ in range(4):
            assert rows("SELECT pg_typeof(%s)::text", [value])[0] in ((expected,), ("smallint",))


def test_the_database_does_not_keep_all_statements(alone: None) -> None:
    for number in range(MOST_PREPARED + 5):
        for _ in range(3):
            rows(f"SELECT {number}, %s::int", [number])
    kept = prepared()
    assert len(kept) == MOST_PREPARED
    assert kept[0].startswith("SELECT 5,")
    assert rows("SELECT 0, %s::int", [8]) == [(0, 8)]


def test_what_a_block_writes_goes_with_the_block(alone: None) -> None:
    rows("CREATE TEMPORARY TABLE trial (number int UNIQUE)")

    def fail() -> None:
        with transaction.atomic():
            rows("INSERT INTO trial VALUES (%s)", [1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert rows("SELECT number FROM trial") == []
    with transaction.atomic():
        assert rows("INSERT INTO trial VALUES (%s) RETURNING number", [2]) == [(2,)]
    assert rows("SELECT number FROM trial") == [(2,)]


def test_what_is_checked_at_the_end_of_a_block_is_told_there(alone: None) -> None:
    rows("CREATE TEMPORARY TABLE trial (number int UNIQUE DEFERRABLE INITIALLY DEFERRED)")

    def write_twice() -> None:
        with transaction.atomic():
            rows("INSERT INTO trial VALUES (1), (1)")

    with pytest.raises(IntegrityError):
        write_twice()
    assert rows("SELECT number FROM trial") == []


def test_errors_are_those_of_django(alone: None) -> None:
    rows("CREATE TEMPORARY TABLE trial (number int UNIQUE)")
    rows("INSERT INTO trial VALUES (%s)", [1])
    with pytest.raises(IntegrityError, match="trial_number_key") as duplicate:
        rows("INSERT INTO trial VALUES (%s)", [1])
    assert isinstance(duplicate.value.__cause__, psycopg.errors.UniqueViolation)
    assert duplicate.value.__cause__.diag.constraint_name == "trial_number_key"
    with pytest.raises(DataError):
        rows("SELECT %s::text", ["a\0b"])
    assert rows("SELECT count(*) FROM trial") == [(1,)]


def test_nothing_runs_in_a_block_that_has_failed(alone: None) -> None:
    with transaction.atomic():
        with pytest.raises(DataError), transaction.atomic(savepoint=False):
            rows("SELECT 1 / %s", [0])
        with pytest.raises(TransactionManagementError):
            rows("SELECT 1")


def test_a_lost_connection_is_told_and_the_next_request_has_another(alone: None) -> None:
    with psycopg.connect(**connection.get_connection_params()) as other:
        [(process,)] = rows("SELECT pg_backend_pid()")
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [process])
    with pytest.raises(OperationalError):
        rows("SELECT 1")
    connection.close_if_unusable_or_obsolete()
    assert rows("SELECT 1") == [(1,)]


def test_another_thread_can_cancel(alone: None) -> None:
    with cancellable() as statements:
        rows("SELECT 1")
        timer = threading.Timer(0.2, statements.cancel)
        timer.start()
        with pytest.raises(OperationalError, match="cancel"):
            rows("SELECT pg_sleep(%s)", [60])
        timer.join()


def test_what_is_read_is_forgotten(alone: None) -> None:
    rows("SELECT repeat('x', %s)", [1000])
    statements = connections[DEFAULT_DB_ALIAS].statements
    assert statements._values.pgresult is None, "a page would stay in memory"
