"""Asks PostgreSQL how it runs the statements of requests and periodic tasks, in-process; prints
JSON: by request, the nodes of each plan, and what is wrong with it.

Wrong is a plan that reads a large table from end to end, or that touches many more rows than the
answer shows.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "compute_site.settings")

import django

django.setup()

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from servers.models import Instance
from servers.worker.recovery import (
    fail_lost_builds,
    give_up_lost_actions,
    resume_lost_deletions,
)
from tests.benchmarks.requests import SERVERS, create

LARGE = 20_000
"""A table with so many rows is large."""
ROWS_FOR_ONE = 15
"""So many rows may be touched for each server of a page: disks, tags, faults…"""
EXPLAINED = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
SHOWN = ("Node Type", "Index Name", "Relation Name")

Plan = dict[str, Any]


def main() -> None:
    client = Client(headers={"host": "localhost"})
    large = _large_tables()
    found = {}
    for name, (act, page) in _acts(client).items():
        act()  # fills caches that live as long as the process
        began = time.perf_counter()
        with CaptureQueriesContext(connection) as queries, transaction.atomic():
            act()
            transaction.set_rollback(True)  # they are all run once more, to be explained
        taken = (time.perf_counter() - began) * 1000
        statements = [query["sql"] for query in queries]
        plans = [_explain(text) for text in statements if _is_plannable(text)]
        found[name] = {
            "ms": round(taken, 1),
            "statements": len(plans),
            "rows": max((sum(_touched(plan, large)) for plan in plans), default=0),
            "nodes": [_nodes(plan) for plan in plans if _tables(plan) & large],
            "wrong": [fault for plan in plans for fault in _faults(plan, large, page)],
        }
    print(json.dumps(found))


def _acts(client: Client) -> dict[str, tuple[Callable[[], Any], int]]:
    """What is looked at, and how many servers it is about."""
    detail = f"{SERVERS}/detail"

    def ask(user: str, path: str, body: Any = None) -> Callable[[], None]:
        headers = {
            "X-Auth-Token": os.environ[f"BENCH_TOKEN_{user}"],
            "OpenStack-API-Version": "compute 2.90",
        }

        def act() -> None:
            method, data = ("GET", "") if body is None else ("POST", json.dumps(body))
            response = client.generic(method, path, data, "application/json", headers=headers)
            if response.status_code >= 400:
                raise RuntimeError(f"{path}: {response.status_code} {response.content[:300]!r}")

        return act

    huge = os.environ["BENCH_PROJECT_HUGE"]
    servers = Instance.objects.filter(project=huge)
    alive = servers.alive()
    middle, name = alive.values_list("uuid", "display_name")[alive.count() // 2]
    latest = servers.order_by("-updated_at").values_list("updated_at", flat=True)[50]
    since = f"{latest:%Y-%m-%dT%H:%M:%S}"
    usage = f"/compute/v2.1/os-simple-tenant-usage/{huge}"
    return {
        "detail_50": (ask("HUGE", f"{detail}?limit=50"), 50),
        "detail_1000": (ask("HUGE", f"{detail}?limit=1000"), 1000),
        "status_active": (ask("HUGE", f"{detail}?limit=50&status=ACTIVE"), 50),
        "status_error": (ask("HUGE", f"{detail}?limit=50&status=ERROR"), 50),
        "status_suspended": (ask("HUGE", f"{detail}?limit=50&status=SUSPENDED"), 50),
        "detail_50_middle": (ask("HUGE", f"{detail}?limit=50&marker={middle}"), 50),
        "name": (ask("HUGE", f"{SERVERS}?name=^{name}$"), 1),
        "changes_since": (ask("HUGE", f"{detail}?limit=50&changes-since={since}"), 50),
        "tags": (ask("HUGE", f"{detail}?limit=50&tags=web"), 50),
        "all_detail_50": (ask("OPERATOR", f"{detail}?limit=50&all_tenants=1"), 50),
        "all_error": (ask("OPERATOR", f"{detail}?limit=50&all_tenants=1&status=ERROR"), 50),
        "all_of_host": (ask("OPERATOR", f"{detail}?limit=50&all_tenants=1&host=node-7"), 1000),
        "all_deleted": (ask("OPERATOR", f"{detail}?limit=50&all_tenants=1&deleted=1"), 50),
        "usage": (ask("HUGE", f"{usage}?limit=50"), 50),
        "limits": (ask("HUGE", "/compute/v2.1/limits"), 10),
        "create_1": (ask("BENCH", SERVERS, create(1)[2]), 10),
        "fail_lost_builds": (fail_lost_builds, 10_000),
        "resume_lost_deletions": (resume_lost_deletions, 10_000),
        "give_up_lost_actions": (give_up_lost_actions, 10_000),
    }


def rows_read(statement: str) -> int:
    """How many rows of tables the statement has read, wanted or not."""
    plan = _explain(statement)
    tables = {node["Relation Name"] for node in _walk(plan) if "Relation Name" in node}
    return sum(_touched(plan, tables))


def _large_tables() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND reltuples >= %s", [LARGE]
        )
        return {row[0] for row in cursor.fetchall()}


def _is_plannable(statement: str) -> bool:
    return statement.lstrip().upper().startswith(EXPLAINED)


def _explain(statement: str) -> Plan:
    """The plan with what it really did; nothing of that stays."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) " + statement.replace("%", "%%"), []
        )
        answer = cursor.fetchone()[0]
        transaction.set_rollback(True)
    parsed = json.loads(answer) if isinstance(answer, str) else answer
    plan: Plan = parsed[0]["Plan"]
    return plan


def _walk(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _walk(inner)


def _touched(plan: Plan, large: set[str]) -> Iterator[int]:
    """Rows of large tables that each scan of the plan has read, wanted or not."""
    for node in _walk(plan):
        if node.get("Relation Name") in large and "Actual Rows" in node:
            read = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            yield int((read + node.get("Rows Removed by Index Recheck", 0)) * node["Actual Loops"])


def _tables(plan: Plan) -> set[str]:
    return {node["Relation Name"] for node in _walk(plan) if "Relation Name" in node}


def _nodes(plan: Plan) -> list[str]:
    return [" ".join(node[key] for key in SHOWN if key in node) for node in _walk(plan)]


def _faults(plan: Plan, large: set[str], page: int) -> Iterator[str]:
    for node in _walk(plan):
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in large:
            yield f"reads all of {node['Relation Name']}"
    touched = sum(_touched(plan, large))
    if touched > page * ROWS_FOR_ONE + 1000:
        yield f"touches {touched} rows for {page}: {'; '.join(_nodes(plan))}"


if __name__ == "__main__":
    main()
