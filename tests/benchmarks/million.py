"""Measures a site with a few thousand servers, then with a million; prints JSON on standard output.

What is asked for stays the same, so that the ratio of the two tells what the size of the database
costs. The project ``lists`` keeps its thousand servers, ``huge`` grows to a fifth of all.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg

from tests.benchmarks.__main__ import run_part
from tests.benchmarks.filling import fill, find_original, make_hosts, make_projects
from tests.benchmarks.load import Client, Request, measure, sign_in
from tests.benchmarks.requests import SERVERS, create
from tests.benchmarks.site import NAME, ROOT, drop_database, make_database, running_site

MILLION = 1_000_000
SMALL = 5_000
IN_LISTS = 1_000
USERS = ("bench", "lists", "huge", "operator")
BUILD_SECONDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=MILLION, help="default: %(default)s")
    parser.add_argument("--keep", action="store_true", help="do not drop the database in the end")
    options = parser.parse_args()
    url = make_database()
    try:
        print(json.dumps(compare(url, options.servers), indent=1))
    finally:
        if not options.keep:
            drop_database()


def compare(url: str, servers: int) -> dict[str, Any]:
    connection = psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor)
    with connection, running_site(url) as root:
        connection.execute(f"ALTER DATABASE {NAME} SET maintenance_work_mem = '512MB'")
        tokens = {name: sign_in(root, name) for name in USERS}
        projects = {
            name: _one(connection, "SELECT id FROM identity_project WHERE name = %s", name)
            for name in USERS
        }
        original = find_original(connection, build_first(url, Client(root, tokens["bench"])))
        make_hosts(connection, original)

        def grow(first: int, last: int, **own: int) -> float:
            began = time.monotonic()
            counts = {projects[name]: number for name, number in own.items()}
            counts |= make_projects(connection, last - first - sum(own.values()), projects["lists"])
            fill(connection, counts, first=first, total=servers, original=original)
            return round(time.monotonic() - began, 1)

        grow(0, SMALL, lists=IN_LISTS, huge=SMALL // 2)
        small = measure_all(url, root, tokens, projects, connection)
        seconds = grow(SMALL, servers, huge=servers // 5 - SMALL // 2)
        full = measure_all(url, root, tokens, projects, connection)
        plans = run_part("plans", url, **_variables(tokens, projects))
        return {
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
            "servers": {"small": SMALL, "full": servers},
            "in_huge": _one(
                connection,
                "SELECT count(*) FROM servers_instance WHERE project_id = %s",
                projects["huge"],
            ),
            "database_size": _one(connection, "SELECT pg_size_pretty(pg_database_size(%s))", NAME),
            "filling_seconds": seconds,
            "p50_ms": {
                name: {
                    "small": small[name]["p50_ms"],
                    "full": full[name]["p50_ms"],
                    "ratio": round(full[name]["p50_ms"] / small[name]["p50_ms"], 2),
                    "p95_small": small[name]["p95_ms"],
                    "p95_full": full[name]["p95_ms"],
                }
                for name in small
            },
            "plans": plans,
        }


def measure_all(
    url: str,
    root: str,
    tokens: dict[str, str],
    projects: dict[str, str],
    connection: psycopg.Connection[Any],
) -> dict[str, dict[str, float]]:
    results = {}
    for name, (user, request, count) in _requests(connection, projects).items():

        def client(user: str = user) -> Client:
            return Client(root, tokens[user])

        measure(client, request, clients=4, count=16)  # every process has met it now
        results[name] = measure(client, request, clients=1, count=count)
    results["delete_1"] = _measure_deletions(Client(root, tokens["huge"]), connection, projects)
    # what was only created to be measured needs no host
    connection.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
    with worker(url):
        results["build_1"] = _measure_builds(Client(root, tokens["bench"]), 30)
    return results


def _requests(
    connection: psycopg.Connection[Any], projects: dict[str, str]
) -> dict[str, tuple[str, Request, int]]:
    """Who asks for what, and how often."""
    detail = f"{SERVERS}/detail"
    of_project = (
        "SELECT uuid::text FROM servers_instance WHERE project_id = %s AND deleted_at IS NULL "
        "ORDER BY created_at DESC, id DESC OFFSET (SELECT count(*) / 2 FROM servers_instance "
        "WHERE project_id = %s AND deleted_at IS NULL) LIMIT 1"
    )
    lists = _one(connection, of_project, projects["lists"], projects["lists"])
    huge = _one(connection, of_project, projects["huge"], projects["huge"])
    name = _one(connection, "SELECT display_name FROM servers_instance WHERE uuid = %s", huge)
    since = _one(
        connection,
        "SELECT to_char(updated_at, 'YYYY-MM-DD\"T\"HH24:MI:SS') FROM servers_instance "
        "WHERE project_id = %s ORDER BY updated_at DESC LIMIT 1 OFFSET 50",
        projects["huge"],
    )
    asked: dict[str, tuple[str, str, int]] = {
        "get_one": ("lists", f"{SERVERS}/{lists}", 300),
        "list_detail_50": ("lists", f"{detail}?limit=50", 100),
        "list_detail_1000": ("lists", f"{detail}?limit=1000", 40),
        "list_50": ("lists", f"{SERVERS}?limit=50", 100),
        "huge_get_one": ("huge", f"{SERVERS}/{huge}", 100),
        "huge_detail_50": ("huge", f"{detail}?limit=50", 100),
        "huge_detail_50_middle": ("huge", f"{detail}?limit=50&marker={huge}", 100),
        "huge_detail_1000": ("huge", f"{detail}?limit=1000", 40),
        "huge_detail_1000_middle": ("huge", f"{detail}?limit=1000&marker={huge}", 40),
        "huge_name": ("huge", f"{SERVERS}?name=^{name}$", 20),
        "huge_status_active": ("huge", f"{detail}?status=ACTIVE&limit=50", 50),
        "huge_status_error": ("huge", f"{detail}?status=ERROR&limit=50", 50),
        "huge_status_suspended": ("huge", f"{detail}?status=SUSPENDED&limit=50", 50),
        "huge_changes_since": ("huge", f"{detail}?changes-since={since}&limit=50", 50),
        "huge_tags": ("huge", f"{detail}?tags=web&limit=50", 50),
        "all_detail_50": ("operator", f"{detail}?all_tenants=1&limit=50", 100),
        "all_detail_1000": ("operator", f"{detail}?all_tenants=1&limit=1000", 40),
        "all_status_error": ("operator", f"{detail}?all_tenants=1&status=ERROR&limit=50", 50),
        "all_host": ("operator", f"{detail}?all_tenants=1&host=node-7&limit=5", 50),
        "all_deleted": ("operator", f"{detail}?all_tenants=1&deleted=1&limit=50", 50),
        "actions": ("lists", f"{SERVERS}/{lists}/os-instance-actions", 100),
        "tags": ("lists", f"{SERVERS}/{lists}/tags", 100),
        "volumes": ("lists", f"{SERVERS}/{lists}/os-volume_attachments", 100),
        "interfaces": ("lists", f"{SERVERS}/{lists}/os-interface", 100),
        "limits": ("huge", "/compute/v2.1/limits", 100),
        "usage_of_lists": (
            "lists",
            f"/compute/v2.1/os-simple-tenant-usage/{projects['lists']}?limit=50",
            50,
        ),
        "usage_of_huge": (
            "huge",
            f"/compute/v2.1/os-simple-tenant-usage/{projects['huge']}?limit=50",
            50,
        ),
        "hypervisors": ("operator", "/compute/v2.1/os-hypervisors/detail?limit=50", 50),
    }
    return {
        **{name: (who, ("GET", path, None), count) for name, (who, path, count) in asked.items()},
        "create_1": ("bench", create(1), 200),
        "create_1_huge": ("huge", create(1), 200),
        "create_100": ("bench", create(100), 20),
    }


def _measure_deletions(
    client: Client, connection: psycopg.Connection[Any], projects: dict[str, str]
) -> dict[str, float]:
    """Each deletes another server."""
    rows = connection.execute(
        "SELECT uuid::text FROM servers_instance WHERE project_id = %s AND vm_state = 'active' "
        "AND task_state IS NULL ORDER BY id DESC LIMIT 50",
        [projects["huge"]],
    )
    return _summary(
        [
            _timed(lambda row=row: client.send(("DELETE", f"{SERVERS}/{row[0]}", None)))
            for row in rows
        ]
    )


def _measure_builds(client: Client, count: int) -> dict[str, float]:
    """From the request to ``ACTIVE``, one after the other."""
    return _summary([_timed(lambda: _build(client)) for _ in range(count)])


def _build(client: Client) -> str:
    server_id = str(json.loads(client.send(create(1)))["server"]["id"])
    deadline = time.monotonic() + BUILD_SECONDS
    while time.monotonic() < deadline:
        status = json.loads(client.send(("GET", f"{SERVERS}/{server_id}", None)))["server"][
            "status"
        ]
        if status == "ACTIVE":
            return server_id
        if status == "ERROR":
            break
        time.sleep(0.005)
    raise RuntimeError(f"the server {server_id} was not built")


def build_first(url: str, client: Client) -> str:
    """A server with all that a server may have, built by a worker; its id."""
    method, path, body = create(1)
    body["server"] |= {"tags": ["web"], "metadata": {"team": "web", "stage": "production"}}
    with worker(url):
        server_id = str(json.loads(client.send((method, path, body)))["server"]["id"])
        deadline = time.monotonic() + BUILD_SECONDS
        while time.monotonic() < deadline:
            shown = json.loads(client.send(("GET", f"{SERVERS}/{server_id}", None)))["server"]
            if shown["status"] == "ACTIVE":
                return server_id
            time.sleep(0.05)
    raise RuntimeError("the first server was not built")


@contextlib.contextmanager
def worker(url: str) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), "worker"],
        env={**os.environ, "DATABASE_URL": url, "COMPUTE_SITE_BUILD_TIMEOUT_SECONDS": "86400"},
        cwd=ROOT,
        stdout=sys.stderr,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def _timed(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return (time.perf_counter() - began) * 1000


def _summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "n": len(ordered),
        "p50_ms": round(ordered[len(ordered) // 2], 2),
        "p95_ms": round(ordered[int(len(ordered) * 0.95)], 2),
    }


def _variables(tokens: dict[str, str], projects: dict[str, str]) -> dict[str, str]:
    return {
        **{f"BENCH_TOKEN_{name.upper()}": token for name, token in tokens.items()},
        "BENCH_PROJECT_HUGE": projects["huge"],
    }


def _one(connection: psycopg.Connection[Any], statement: str, *values: Any) -> Any:
    row = connection.execute(statement, values).fetchone()
    return row[0] if row else None


if __name__ == "__main__":
    main()
