"""What becomes of a job when the database refuses one of its statements."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from django.db import OperationalError, connection
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job
from psycopg.errors import QueryCanceled

from servers.lifecycle.exclusive import exclusive
from servers.worker.patience import AGAIN, ATTEMPTS
from servers.worker.recovery import MAX_ATTEMPTS
from tests.world.worker_process import url_of_database, wait_until


def refusing(word: str, *, after: bool) -> Callable[..., Any]:
    """A wrapper of statements: those with the word are refused, before or after they are run."""

    def refuse(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if word not in sql:
            return execute(sql, params, many, context)
        if after:
            execute(sql, params, many, context)
        raise OperationalError("canceled") from QueryCanceled("canceled")

    return refuse


def is_free(server_id: str) -> bool:
    """Can another session work on the server?"""
    with psycopg.connect(url_of_database()) as other:
        sql = "SELECT pg_try_advisory_lock(7101, %s)"
        return bool(other.execute(sql, [int(server_id.replace("-", ""), 16) % 2**31]).fetchone()[0])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("after", [False, True])
def test_a_server_is_free_though_the_lock_cannot_be_given_back(after: bool) -> None:
    server_id = str(uuid4())
    refused = connection.execute_wrapper(refusing("pg_advisory_unlock", after=after))
    with refused, exclusive(server_id):
        assert not is_free(server_id)
    wait_until(lambda: is_free(server_id))


@pytest.mark.django_db(transaction=True)
def test_a_server_is_free_though_nobody_heard_that_the_lock_was_given() -> None:
    server_id = str(uuid4())
    with (
        connection.execute_wrapper(refusing("pg_advisory_lock", after=True)),
        pytest.raises(OperationalError),
        exclusive(server_id),
    ):
        raise AssertionError
    wait_until(lambda: is_free(server_id))


def job_after(attempts: int) -> Job:
    return Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)


def caused(error: Exception) -> Exception:
    """As Django and the queue wrap what the database says."""
    wrapped = OperationalError(str(error))
    wrapped.__cause__ = error
    return wrapped


@pytest.mark.parametrize(
    ("error", "attempts", "again"),
    [
        (caused(QueryCanceled("canceled")), ATTEMPTS, True),
        (caused(psycopg.OperationalError("away")), MAX_ATTEMPTS - 1, True),
        (caused(psycopg.OperationalError("away")), MAX_ATTEMPTS, False),
        (ConnectorException(), ATTEMPTS - 1, True),
        (ValueError("a mistake of ours"), ATTEMPTS - 1, True),
        (ValueError("a mistake of ours"), ATTEMPTS, False),
    ],
)
def test_a_job_is_done_again(error: Exception, attempts: int, again: bool) -> None:
    decision = AGAIN.get_retry_decision(exception=error, job=job_after(attempts))
    assert (decision is not None) == again
