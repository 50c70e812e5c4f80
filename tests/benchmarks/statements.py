"""Counts the SQL statements of requests, in-process; prints JSON."""

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

from tests.benchmarks.requests import REQUESTS


def count(client: Client, headers: dict[str, str], request: tuple[str, str, Any]) -> list[str]:
    method, path, body = request
    data = "" if body is None else json.dumps(body)
    with CaptureQueriesContext(connection) as queries:
        response = client.generic(method, path, data, "application/json", headers=headers)
    if response.status_code >= 400:
        raise RuntimeError(f"{method} {path}: {response.status_code} {response.content[:500]!r}")
    words = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    return [q["sql"] for q in queries if not q["sql"].upper().startswith(words)]


def main() -> None:
    client = Client(headers={"host": "localhost"})
    headers = {
        "X-Auth-Token": os.environ["BENCH_TOKEN"],
        "OpenStack-API-Version": "compute 2.90",
    }
    found = {}
    for name, request in REQUESTS.items():
        count(client, headers, request)  # fills caches that live as long as the process
        statements = count(client, headers, request)
        found[name] = len(statements)
        if os.environ.get("BENCH_SHOW_SQL"):
            print(name, *(s[:300] for s in statements), sep="\n  ")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
