"""A database that is away, read-only, full or too slow: 503 while it lasts, nothing afterwards."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.test import Client
from procrastinate.exceptions import ConnectorException
from psycopg import errors

from compute_site.db.outages import OneLineFilter
from compute_site.db.sessions import BY_KEY, any_plans, limit_sessions, unlimited_statements
from tests.world.cast import Cast
from tests.world.client import ApiClient
from tests.world.web_process import THREADS, WebProcess, web_process
from tests.world.worker_process import url_of_database

GROUP = {"server_group": {"name": "g", "policies": ["affinity"]}}
NETWORK = {"network": {"name": "n"}}
WRITES: list[tuple[str, Any]] = [
    ("/os-server-groups", GROUP),
    ("//image/v2/images", {"name": "i", "disk_format": "raw", "container_format": "bare"}),
    ("//network/v2.0/networks", NETWORK),
    ("//volume/v3/volumes", {"volume": {"size": 1}}),
]
READS = [
    "/servers",
    "/servers/detail?name=a",
    "/flavors",
    "//identity/v3/auth/projects",
    "//image/v2/images",
    "//network/v2.0/networks",
    "//volume/v3/volumes",
]
WAIT_SECONDS = 30.0


@pytest.fixture
def _committed(transactional_db: None, cast: Cast) -> None:
    """What is written can be seen by other connections."""


def failing_with(cause: Exception) -> Callable[..., Any]:
    """A wrapper of statements that all fail."""

    def fail(*_: Any) -> None:
        raise OperationalError(str(cause)) from cause

    return fail


@pytest.mark.parametrize("path", [*READS, "//admin/login/"])
@pytest.mark.parametrize(
    "cause",
    [
        errors.AdminShutdown("terminating connection"),
        errors.DiskFull("could not extend file"),
        errors.TooManyConnections("too many clients already"),
        errors.QueryCanceled("canceling statement due to statement timeout"),
        errors.DeadlockDetected("deadlock detected"),
        psycopg.OperationalError("connection refused"),
    ],
    ids=lambda cause: type(cause).__name__,
)
def test_it_is_503_with_one_line_in_the_log(
    as_member: ApiClient, path: str, cause: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    if path == "//admin/login/":  # the session of a page is read from the database
        as_member.http.cookies["sessionid"] = "x" * 32
        as_member.http.raise_request_exception = False
    with connection.execute_wrapper(failing_with(cause)):
        answer = as_member.get(path).expect(503)
    assert int(answer.headers["Retry-After"]) > 0
    [line] = caplog.records
    assert line.levelname == "WARNING"
    assert str(cause) in line.getMessage()
    assert line.exc_info is None


@pytest.mark.parametrize(("path", "body"), WRITES)
@pytest.mark.usefixtures("_committed")
def test_a_change_in_a_read_only_database_is_503(
    as_member: ApiClient, path: str, body: Any
) -> None:
    execute("SET default_transaction_read_only = on")
    try:
        as_member.get("/servers").expect(200)
        answer = as_member.post(path, body).expect(503)
    finally:
        execute("RESET default_transaction_read_only")
    assert b"takes no changes" in answer.content
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("_committed")
def test_a_statement_that_waits_too_long_is_503(as_member: ApiClient) -> None:
    execute("SET statement_timeout = 200")
    try:
        with locked("servers_servergroup"):
            answer = as_member.post("/os-server-groups", GROUP).expect(503)
    finally:
        execute("RESET statement_timeout")
    assert "took too long" in answer.message
    as_member.post("/os-server-groups", GROUP).expect(200)


def test_a_value_that_fits_no_index_is_no_outage(as_member: ApiClient) -> None:
    cause = errors.ProgramLimitExceeded("index row size exceeds maximum")
    as_member.http.raise_request_exception = False
    with connection.execute_wrapper(failing_with(cause)):
        as_member.get("/servers").expect(500)


@pytest.mark.usefixtures("_committed")
def test_no_thread_uses_a_connection_from_before(tmp_path: Path) -> None:
    with web_process(tmp_path / "log") as web:
        assert statuses(web, "GET", "/compute/v2.1/servers") == {200}
        for _ in range(3):
            terminate_others()
            assert statuses(web, "GET", "/compute/v2.1/servers") == {200}, web.log.read_text()
        assert "Traceback" not in web.log.read_text()


@pytest.mark.usefixtures("_committed")
def test_no_thread_stays_with_a_database_that_takes_no_changes(tmp_path: Path) -> None:
    """As after a failover, when the address leads to another server."""
    name = connection.settings_dict["NAME"]
    path = "/network/v2.0/networks"
    with web_process(tmp_path / "log") as web:
        try:
            execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            terminate_others()
            assert statuses(web, "POST", path, NETWORK) == {503}
            assert statuses(web, "GET", path) == {200}
        finally:
            execute("SET default_transaction_read_only = off")
            execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        deadline = time.monotonic() + WAIT_SECONDS
        while statuses(web, "POST", path, NETWORK) != {201}:
            assert time.monotonic() < deadline, web.log.read_text()
        assert statuses(web, "POST", path, NETWORK) == {201}


@pytest.mark.usefixtures("_committed")
def test_every_statement_of_a_web_process_has_its_limit(tmp_path: Path) -> None:
    with web_process(tmp_path / "log", STATEMENT_TIMEOUT_SECONDS="0.3") as web:
        with locked("identity_token"):
            assert statuses(web, "GET", "/compute/v2.1/servers") == {503}
        assert statuses(web, "GET", "/compute/v2.1/servers") == {200}


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@contextlib.contextmanager
def locked(table: str) -> Iterator[None]:
    """Another session keeps everybody from the table."""
    with psycopg.connect(url_of_database()) as other:
        other.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield
        other.rollback()


def terminate_others() -> None:
    """End all sessions but ours, and wait until they are gone."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    execute(f"SELECT pg_terminate_backend(pid) {others}")
    deadline = time.monotonic() + WAIT_SECONDS
    with connection.cursor() as cursor:
        while True:
            cursor.execute(f"SELECT count(*) {others}")
            if cursor.fetchone() == (0,):
                return
            assert time.monotonic() < deadline
            time.sleep(0.02)


def statuses(web: WebProcess, method: str, path: str, body: Any = None) -> set[int]:
    """What many requests at once get, so that every thread has some."""

    def ask(_: int) -> HTTPResponse:
        return web.request(method, path, body, **{"X-Auth-Token": Cast.member.token})

    with ThreadPoolExecutor(THREADS) as threads:
        return {answer.status for answer in threads.map(ask, range(THREADS * 5))}


def test_the_page_of_an_outage_is_no_error_page(cast: Cast) -> None:
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = "x" * 32
    with connection.execute_wrapper(failing_with(errors.AdminShutdown("terminating"))):
        response = client.get("/admin/")
    assert response.status_code == 503
    assert b"Try again later" in response.content


def test_sessions_ask_for_their_limits_before_those_of_the_url(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    options = {"options": "-c statement_timeout=1s"}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    limit_sessions(0)
    assert options["options"] == "-c statement_timeout=1s"
    limit_sessions(2.5)
    assert options["options"].startswith("-c statement_timeout=2500ms ")
    assert options["options"].endswith(" -c statement_timeout=1s")
    with psycopg.connect(url_of_database(), **options) as session:
        shown = session.execute("SHOW client_connection_check_interval").fetchone()
        assert shown == ("5s",)
        assert session.execute("SHOW statement_timeout").fetchone() == ("1s",)


def test_sessions_of_workers_find_rows_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, str] = {}
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", options)
    limit_sessions(2.5, BY_KEY)
    with psycopg.connect(url_of_database(), **options) as session:
        assert session.execute("SHOW enable_seqscan").fetchone() == ("off",)
        assert session.execute("SHOW plan_cache_mode").fetchone() == ("force_generic_plan",)
        assert session.execute("SHOW jit").fetchone() == ("off",)


@pytest.mark.django_db
def test_work_on_many_rows_may_read_tables_from_end_to_end() -> None:
    execute("SET enable_seqscan = off")
    with any_plans(), connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)


@pytest.mark.usefixtures("_committed")
def test_work_that_may_take_its_time_has_no_limit() -> None:
    execute("SET statement_timeout = 100")
    with unlimited_statements():
        execute("SELECT pg_sleep(0.3)")
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_others_say_in_one_line_what_the_database_said() -> None:
    error = ConnectorException()
    error.__cause__ = errors.AdminShutdown("terminating connection\nby command")
    record = logging.LogRecord(
        "procrastinate", logging.ERROR, "", 1, "task %s failed:\n  Database", ("a",), None
    )
    record.exc_info = (type(error), error, None)
    assert OneLineFilter().filter(record)
    assert record.getMessage() == "task a failed: Database (terminating connection)"
    assert record.exc_info is None


def test_lines_about_other_errors_keep_their_traceback() -> None:
    error = ValueError("a mistake of ours")
    record = logging.LogRecord("a", logging.ERROR, "", 1, "failed", (), None)
    record.exc_info = (type(error), error, None)
    assert OneLineFilter().filter(record)
    assert record.exc_info[1] is error
