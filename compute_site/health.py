"""Says to a supervisor whether the process lives, and whether it can serve."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse


def show_alive(_request: HttpRequest) -> HttpResponse:
    """``/healthz``: the process answers."""
    return JsonResponse({"status": "ok"})


def show_ready(_request: HttpRequest) -> HttpResponse:
    """``/readyz``: the database answers and is migrated; 503 otherwise."""
    checks = {"database": "ok", "migrations": "ok"}
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            checks["migrations"] = "run manage.py migrate"
    except DatabaseError as error:
        checks = {"database": type(error).__name__, "migrations": "unknown"}
    ready = set(checks.values()) == {"ok"}
    status = "ok" if ready else "not ready"
    return JsonResponse({"status": status, **checks}, status=200 if ready else 503)
