"""Several statements go to the database in one trip, and behave as they would one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from compute_site.db.base import DatabaseWrapper
from compute_site.db.cancelling import cancellable
from compute_site.db.pipeline import Pipeline
from compute_site.db.prepared import prepared_cursor, reading_ahead, send_later
from compute_site.db.statements import MOST_PREPARED, Statement

pytestmark = pytest.mark.django_db(transaction=True)
INSERT = "INSERT INTO trial VALUES (%s)"
LARGE = 5_000_000


@pytest.fixture(autouse=True)
def _trial() -> Iterator[None]:
    """A table, on a connection that nobody uses afterwards."""
    connection.close()
    rows("CREATE TEMPORARY TABLE trial (number int UNIQUE)")
    yield
    connection.close()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many statements went with each trip."""
    made: list[int] = []
    send = Pipeline.send

    def count(pipeline: Pipeline, messages: Any) -> Any:
        made.append(len(messages))
        return send(pipeline, messages)

    monkeypatch.setattr(Pipeline, "send", count)
    return made


def rows(statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
    with prepared_cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def kept() -> list[int]:
    return [number for (number,) in rows("SELECT number FROM trial ORDER BY number")]


def test_a_transaction_begins_with_its_first_statement(trips: list[int]) -> None:
    with transaction.atomic():
        rows("SELECT 1")
        rows("SELECT 2")
    assert trips == [2, 1, 1]


def test_what_waits_goes_with_the_next_statement(trips: list[int]) -> None:
    with transaction.atomic():
        send_later(INSERT, [1])
        send_later(INSERT, [2])
        assert trips == []
        assert kept() == [1, 2]
    assert trips == [4, 1]  # with BEGIN


def test_what_waits_goes_with_the_end_of_the_transaction(trips: list[int]) -> None:
    with transaction.atomic():
        send_later(INSERT, [1])
    assert trips == [3]
    assert kept() == [1]


def test_outside_of_a_transaction_nothing_waits(trips: list[int]) -> None:
    send_later(INSERT, [1])
    assert trips == [1]


def test_what_waits_goes_before_statements_of_models() -> None:
    with transaction.atomic():
        send_later(INSERT, [1])
        with connection.cursor() as cursor:
            cursor.execute("SELECT number FROM trial")
            assert cursor.fetchall() == [(1,)]


def test_what_waits_goes_before_a_commit_that_is_recorded() -> None:
    with transaction.atomic():
        send_later(INSERT, [1])
        connection.force_debug_cursor = True
    connection.force_debug_cursor = False
    assert kept() == [1]


def by_the_next_statement() -> None:
    rows("SELECT 1")


def by_a_model() -> None:
    connection.cursor()


def by_nothing() -> None:
    pass


@pytest.mark.parametrize("go_on", [by_the_next_statement, by_a_model, by_nothing])
def test_what_fails_undoes_the_transaction(go_on: Callable[[], None]) -> None:
    def write_twice() -> None:
        with transaction.atomic():
            send_later(INSERT, [1])
            send_later(INSERT, [1])
            send_later(INSERT, [2])
            go_on()

    with pytest.raises(IntegrityError, match="trial_number_key") as duplicate:
        write_twice()
    assert isinstance(duplicate.value.__cause__, psycopg.errors.UniqueViolation)
    assert kept() == []


def test_what_waits_is_forgotten_with_its_transaction(trips: list[int]) -> None:
    def fail() -> None:
        with transaction.atomic():
            send_later(INSERT, [1])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert trips == []
    assert kept() == []


def test_what_waits_belongs_to_its_part_of_the_transaction() -> None:
    def fail() -> None:
        with transaction.atomic():
            send_later(INSERT, [2])
            raise ZeroDivisionError

    def write_twice() -> None:
        with transaction.atomic():
            send_later(INSERT, [1])

    with transaction.atomic():
        send_later(INSERT, [1])
        with pytest.raises(ZeroDivisionError):
            fail()
        with pytest.raises(IntegrityError):
            write_twice()
        with transaction.atomic():
            send_later(INSERT, [3])
    assert kept() == [1, 3]


def test_statements_are_read_ahead_in_one_trip(trips: list[int]) -> None:
    rows(INSERT, [1])
    trips.clear()
    asked = [
        Statement("SELECT number FROM trial WHERE number = %s", [1]),
        Statement("SELECT %(word)s::text", {"word": "a"}),
    ]
    with reading_ahead(asked):
        assert rows(*asked[0][:2]) == [(1,)]
        assert rows(*asked[1][:2]) == [("a",)]
        assert trips == [2]
        assert rows(asked[1].text, {"word": "b"}) == [("b",)]
    rows(*asked[1][:2])
    assert trips == [2, 1, 1]


def test_an_error_of_what_is_read_ahead_is_told(trips: list[int]) -> None:
    with (
        pytest.raises(IntegrityError),
        reading_ahead([Statement(INSERT, [None]), Statement("INSERT INTO trial VALUES (4), (4)")]),
    ):
        pytest.fail("it was not told")
    assert kept() == []


def test_what_is_longer_than_a_packet_passes_both_ways() -> None:
    with transaction.atomic():
        for number in range(3):
            send_later("SELECT repeat(%s::text, 2)", [str(number) * LARGE])
        [(text,)] = rows("SELECT %s::text", ["x" * LARGE])
    assert text == "x" * LARGE


def test_a_connection_that_is_lost_meanwhile_is_told() -> None:
    def lose() -> None:
        with transaction.atomic():
            send_later("SELECT pg_terminate_backend(pg_backend_pid())")
            send_later("SELECT 1")

    with pytest.raises(OperationalError):
        lose()
    connection.close_if_unusable_or_obsolete()
    assert rows("SELECT 1") == [(1,)]


def test_other_threads_go_on_meanwhile() -> None:
    with cancellable() as statements:
        rows("SELECT 1")
        timer = threading.Timer(0.2, statements.cancel)
        timer.start()

        def wait() -> None:
            with transaction.atomic():
                send_later(INSERT, [1])
                rows("SELECT pg_sleep(%s)", [20])

        with pytest.raises(OperationalError, match="cancel"):
            wait()
        timer.join()


def test_a_statement_that_waits_is_not_taken_from_the_database() -> None:
    def statement(number: int) -> Statement:
        return Statement(f"SELECT {number}, %s::int", [number])

    for number in range(MOST_PREPARED):
        for _ in range(3):
            rows(*statement(number)[:2])
    new = statement(MOST_PREPARED)
    rows(*new[:2])
    rows(*new[:2])
    with reading_ahead([statement(0), new]):  # the new one takes the place of the oldest
        assert rows(*statement(0)[:2]) == [(0, 0)]
    [(prepared,)] = rows("SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'site%%'")
    assert prepared == MOST_PREPARED


def test_a_connection_that_was_never_open_has_nothing_to_undo() -> None:
    never = DatabaseWrapper(connection.settings_dict, alias="never")
    never._rollback()
    never._commit()
