"""What a supervisor asks: does the process live, can it serve?"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client, override_settings
from psycopg.errors import DiskFull


def test_the_process_lives_without_a_database() -> None:
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


@override_settings(SECURE_SSL_REDIRECT=True)
def test_a_supervisor_need_not_speak_https(db: None) -> None:
    client = Client()
    assert client.get("/compute/").status_code == 301
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_it_can_serve_with_a_migrated_database(db: None) -> None:
    response = Client().get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "database": "ok", "migrations": "ok"}


def test_it_cannot_serve_before_migrations(db: None) -> None:
    MigrationRecorder.Migration.objects.filter(app="servers").delete()
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["migrations"] == "run manage.py migrate"


def test_it_cannot_serve_without_a_database(db: None) -> None:
    def fail(*_: Any) -> Any:
        raise OperationalError

    with connection.execute_wrapper(fail):
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "OperationalError"


def test_it_cannot_serve_with_a_database_that_takes_no_changes(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL transaction_read_only = on")
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "read-only"


def test_it_cannot_serve_with_a_database_that_has_no_room(db: None) -> None:
    def fail(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "work_mem" in sql:
            raise OperationalError("could not write to file") from DiskFull("no space left")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail):
        response = Client().get("/readyz")
    assert response.status_code == 503
    assert response.json()["database"] == "full"
