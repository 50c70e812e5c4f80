"""Says to a supervisor whether the process lives, and whether it can serve."""

from __future__ import annotations

from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse

from compute_site.db import embedded
from compute_site.db.outages import is_full
from compute_site.db.schema import is_migrated

OK = "ok"
UNKNOWN = "unknown"
READ_ONLY = "read-only"
FULL = "full"

# What does not fit into memory is written to a file where the tables are, which is gone at once.
WRITE_A_FILE = """
    SET LOCAL work_mem = '64kB';
    SET LOCAL temp_tablespaces = '';
    SELECT count(*) FROM generate_series(1, 20000)
"""


def show_alive(_request: HttpRequest) -> HttpResponse:
    """``/healthz``: the process answers."""
    return JsonResponse({"status": OK})


def show_ready(_request: HttpRequest) -> HttpResponse:
    """``/readyz``: the database answers, takes changes and is migrated; 503 otherwise."""
    try:
        checks = {
            "database": check_database(),
            "migrations": OK if is_migrated() else "run manage.py migrate",
        }
    except (DatabaseError, embedded.DatabaseError) as error:
        database = FULL if is_full(error) else type(error).__name__
        checks = {"database": database, "migrations": UNKNOWN}
    ready = set(checks.values()) == {OK}
    status = OK if ready else "not ready"
    return JsonResponse({"status": status, **checks}, status=200 if ready else 503)


def check_database() -> str:
    """Does the database take changes, and has it room for them?

    Raises:
        DatabaseError: it does not answer, or it has no room.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SHOW transaction_read_only")
        if cursor.fetchone() == ("on",):
            return READ_ONLY
        cursor.execute(WRITE_A_FILE)
    return OK
