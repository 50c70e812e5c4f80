"""Measures the CPU time that requests cost the web process; prints JSON: milliseconds.

Unlike times on the clock, these hold on a machine that is busy with other work. One client sends
the requests, one after another, to a site with one web process. What the sessions of the database
spend stands apart.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable

import psutil
import psycopg

from tests.benchmarks.load import Client, Request, sign_in
from tests.benchmarks.requests import REQUESTS, SERVERS, create
from tests.benchmarks.site import make_database, running_site

SHARE = float(os.environ.get("BENCH_SHARE", "1"))
COUNTS = {
    "get_one": 1500,
    "list_detail_50": 400,
    "list_detail_1000": 50,
    "create_1": 800,
    "create_10": 200,
    "create_100": 50,
}
"""How often each request is sent, times ``BENCH_SHARE``."""


def web_processes() -> list[psutil.Process]:
    """Those that this process has started, without the database."""
    return [
        process
        for process in psutil.Process().children(recursive=True)
        if "postgres" not in process.name()
    ]


def database_processes(url: str) -> list[psutil.Process]:
    """Those of the sessions of the site."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT pid FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return [psutil.Process(pid) for (pid,) in found]


def cpu_ms(processes: Iterable[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(time.user + time.system for time in times) * 1000


def measure_cpu(client: Client, request: Request, count: int, url: str) -> dict[str, float]:
    """Milliseconds for each request."""
    for _ in range(max(10, count // 20)):  # every thread knows its statements now
        client.send(request)
    sides = {"web": web_processes(), "database": database_processes(url)}
    before = {side: cpu_ms(processes) for side, processes in sides.items()}
    for _ in range(count):
        client.send(request)
    return {
        side: round((cpu_ms(processes) - before[side]) / count, 3)
        for side, processes in sides.items()
    }


def main() -> None:
    url = make_database()
    with running_site(url, processes=1) as root:
        bench, lists = Client(root, sign_in(root, "bench")), Client(root, sign_in(root, "lists"))
        for _ in range(10):
            lists.send(create(100))
        created = json.loads(bench.send(create(1)))
        requests = {"get_one": ("GET", f"{SERVERS}/{created['server']['id']}", None), **REQUESTS}
        results = {
            name: measure_cpu(
                lists if name.startswith("list") else bench,
                requests[name],
                max(1, int(count * SHARE)),
                url,
            )
            for name, count in COUNTS.items()
        }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
