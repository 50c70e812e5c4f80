"""Measures what an idempotency key costs a create; prints JSON: milliseconds a request.

Blocks of requests with and without keys take turns, so that other work on the machine meets both.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
import uuid
from typing import Any

from tests.benchmarks.cpu import cpu_ms, database_processes, web_processes
from tests.benchmarks.load import Client, sign_in
from tests.benchmarks.requests import create
from tests.benchmarks.site import make_database, running_site

PAIRS = 8
BLOCK = 100
"""Requests of one kind, one after another."""


class KeyedClient(Client):
    """Sends a new key with each request."""

    def send(self, request: Any) -> Any:
        self.headers["Idempotency-Key"] = str(uuid.uuid4())
        return super().send(request)


def measure_block(client: Client, url: str) -> dict[str, float]:
    before = {"web": cpu_ms(web_processes()), "database": database_ms(url)}
    began = time.perf_counter()
    for _ in range(BLOCK):
        client.send(create(1))
    figures = {"clock": (time.perf_counter() - began) * 1000 / BLOCK}
    after = {"web": cpu_ms(web_processes()), "database": database_ms(url)}
    return figures | {side: (after[side] - before[side]) / BLOCK for side in after}


def database_ms(url: str) -> float:
    """CPU time of the database's sessions, those that have ended included."""
    postmaster = database_processes(url)[0].parent()
    if postmaster is None:
        raise RuntimeError("the database runs on another machine")
    times = postmaster.cpu_times()
    ended = (times.children_user + times.children_system) * 1000
    return ended + cpu_ms(database_processes(url))


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    url = make_database()
    seen: dict[str, list[dict[str, float]]] = {"without": [], "with": []}
    with running_site(url, processes=1) as root:
        token = sign_in(root, "bench")
        clients = {"without": Client(root, token), "with": KeyedClient(root, token)}
        for client in clients.values():
            measure_block(client, url)  # every thread knows its statements now
        for pair in range(pairs):
            for kind in ("without", "with") if pair % 2 else ("with", "without"):
                seen[kind].append(measure_block(clients[kind], url))
    print(json.dumps(summary(seen), indent=2))


def summary(seen: dict[str, list[dict[str, float]]]) -> dict[str, Any]:
    """The mean of each kind, and by how much more a key costs: that of all, and in the middle
    pair.
    """
    result: dict[str, Any] = {}
    for side in ("clock", "web", "database"):
        plain = [figures[side] for figures in seen["without"]]
        keyed = [figures[side] for figures in seen["with"]]
        ratios = [more / less for more, less in zip(keyed, plain, strict=True)]
        result[side] = {
            "without_ms": round(statistics.fmean(plain), 3),
            "with_ms": round(statistics.fmean(keyed), 3),
            "ratio": round(sum(keyed) / sum(plain), 3),
            "median_ratio_of_pairs": round(statistics.median(ratios), 3),
        }
    return result


if __name__ == "__main__":
    main()
