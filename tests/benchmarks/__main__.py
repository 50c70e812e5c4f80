"""Measures the site over HTTP on loopback; prints JSON on standard output."""

from __future__ import annotations

import json
import os
import platform

from tests.benchmarks.load import Client, measure, sign_in
from tests.benchmarks.requests import REQUESTS, SERVERS, create
from tests.benchmarks.site import make_database, run_part, running_site


def main() -> None:
    url = make_database()
    results: dict[str, object] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
    }
    with running_site(url) as root:
        bench, lists = sign_in(root, "bench"), sign_in(root, "lists")

        def client() -> Client:
            return Client(root, bench)

        def list_client() -> Client:
            return Client(root, lists)

        for _ in range(10):
            list_client().send(create(100))
        created = json.loads(client().send(create(1)))
        measure(client, create(1), clients=8, count=80)  # every thread has its connection now
        one = ("GET", f"{SERVERS}/{created['server']['id']}", None)
        measure(client, one, clients=8, count=80)
        results |= {
            "get_one": measure(client, one, clients=1, count=300),
            "get_one_8_clients": measure(client, one, clients=8, count=800),
            "list_detail_50": measure(list_client, REQUESTS["list_detail_50"], clients=1, count=60),
            "list_detail_1000": measure(
                list_client, REQUESTS["list_detail_1000"], clients=1, count=20
            ),
            "create_1": measure(client, create(1), clients=1, count=300),
            "create_1_8_clients": measure(client, create(1), clients=8, count=1600),
            "create_10": measure(client, create(10), clients=1, count=40),
            "create_100": measure(client, create(100), clients=1, count=20),
        }
        results["statements"] = run_part("statements", url, BENCH_TOKEN=bench)
        results["validation_cpu_ms"] = run_part("validation", url)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
