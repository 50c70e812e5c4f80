"""Counts the SQL statements and transactions from an accepted request to ``ACTIVE``, in-process;
prints JSON.
"""

from __future__ import annotations

import json
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from servers.build.place import place_reservation
from servers.models import Instance
from tests.benchmarks.requests import create
from tests.world.jobs import run_jobs

WORDS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def main() -> None:
    found = {}
    for servers in (1, 1, 10, 100):
        reservation = _order(servers)
        with CaptureQueriesContext(connection) as placing:
            place_reservation(reservation)
        _forget_others(reservation)
        with CaptureQueriesContext(connection) as building:
            run_jobs()
        active = Instance.objects.filter(reservation_id=reservation, vm_state="active").count()
        found[f"{servers} servers"] = {
            "placing": _count(placing),
            "building": _count(building),
            "building_a_server": round(_count(building) / servers, 2),
            "active": active,
        }
        if os.environ.get("BENCH_SHOW_SQL"):
            print(*(query["sql"][:200] for query in building), sep="\n  ")
    print(json.dumps(found))


def _count(queries: CaptureQueriesContext) -> int:
    return sum(not query["sql"].upper().startswith(WORDS) for query in queries)


def _forget_others(reservation: str) -> None:
    """Leave only the jobs of the reservation's builds."""
    servers = Instance.objects.filter(reservation_id=reservation).values_list("uuid", flat=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM procrastinate_jobs"
            " WHERE NOT coalesce(args ->> 'server_id' = ANY(%s), false)",
            [[str(server) for server in servers]],
        )


CLIENT = Client(headers={"host": "localhost"})
_tokens: list[str] = []


def _order(servers: int) -> str:
    if not _tokens:
        domain = {"id": "default"}
        user = {"name": "p0", "password": "p0", "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": "p0", "domain": domain}}
        signed_in = CLIENT.post(
            "/identity/v3/auth/tokens",
            json.dumps({"auth": {"identity": identity, "scope": scope}}),
            "application/json",
        )
        _tokens.append(signed_in.headers["X-Subject-Token"])
    body: dict[str, Any] = create(servers)[2]
    body["server"]["return_reservation_id"] = True
    response = CLIENT.post(
        "/compute/v2.1/servers",
        json.dumps(body),
        "application/json",
        headers={"X-Auth-Token": _tokens[0], "OpenStack-API-Version": "compute 2.90"},
    )
    return str(response.json()["reservation_id"])


if __name__ == "__main__":
    main()
