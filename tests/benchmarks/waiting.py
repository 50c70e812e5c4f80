"""Measures what clients that wait cost the others: 500 of them on two web processes. Prints JSON;
exits with 1 when one of them was not told, or others were answered too slowly.
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.cpu import cpu_ms, web_processes
from tests.benchmarks.load import Client, measure, sign_in
from tests.benchmarks.requests import SERVERS, create
from tests.benchmarks.site import make_database, running_site

WAITING = 500
TOO_MANY = 1000
"""More than two processes let wait."""
GETS = 600
P95_MS = 50.0
"""The bar for those who do not wait."""
END_SECONDS = 30.0
IDS = "SELECT uuid::text FROM servers_instance ORDER BY id"
FAIL_ALL = """
    UPDATE servers_instance SET vm_state = 'error', task_state = NULL, updated_at = now()
"""


def ask_to_wait(root: str, token: str, server_id: str) -> socket.socket:
    parts = urlsplit(root)
    client = socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=30)
    path = f"{SERVERS}/{server_id}?wait=status:ACTIVE,ERROR&timeout=60"
    lines = [f"GET {path} HTTP/1.1", "Host: localhost", f"X-Auth-Token: {token}"]
    client.sendall("\r\n".join([*lines, "", ""]).encode())
    return client


def answered(clients: Sequence[socket.socket]) -> Counter[int]:
    """How many have an answer, by its status. They are left unread."""
    poll = select.poll()
    by_file = {client.fileno(): client for client in clients}
    for file in by_file:
        poll.register(file, select.POLLIN)
    return Counter(
        int(by_file[file].recv(12, socket.MSG_PEEK).split()[1]) for file, _ in poll.poll(0)
    )


def measure_waiting(root: str, token: str, url: str, number: int) -> dict[str, Any]:
    """So many clients wait while another one asks for a server; then all of them are told."""
    with psycopg.connect(url, autocommit=True) as session:
        ids = [row[0] for row in session.execute(IDS).fetchall()]
        request = ("GET", f"{SERVERS}/{ids[0]}", None)
        alone = measure(lambda: Client(root, token), request, clients=1, count=GETS)
        processes = web_processes()
        memory = sum(process.memory_info().rss for process in processes)
        clients = [ask_to_wait(root, token, ids[turn % len(ids)]) for turn in range(number)]
        settle(clients)
        refused = answered(clients)
        held = number - refused.total()
        grown = sum(process.memory_info().rss for process in processes) - memory
        before, began = cpu_ms(processes), time.monotonic()
        time.sleep(2)
        idle = (cpu_ms(processes) - before) / (time.monotonic() - began) / 10
        beside = measure(lambda: Client(root, token), request, clients=1, count=GETS)
        session.execute(FAIL_ALL)
        began = time.monotonic()
        while answered(clients).total() < number and time.monotonic() < began + END_SECONDS:
            time.sleep(0.01)
        told = time.monotonic() - began
        answers = answered(clients)
        session.execute("UPDATE servers_instance SET vm_state = 'building'")
    for client in clients:
        client.close()
    return {
        "asked_to_wait": number,
        "waiting": held,
        "refused": dict(refused),
        "bytes_of_memory_for_each_that_waits": grown // max(held, 1),
        "percent_of_a_core_while_nothing_happens": round(idle, 1),
        "get_one_alone": alone,
        "get_one_beside_them": beside,
        "seconds_until_all_were_told": round(told, 2),
        "answers": dict(answers),
    }


def settle(clients: Sequence[socket.socket]) -> None:
    """Until no further request is taken in: nothing has been answered for a second."""
    seen, since = -1, time.monotonic()
    while time.monotonic() < since + 1.5:
        now = answered(clients).total()
        if now != seen:
            seen, since = now, time.monotonic()
        time.sleep(0.1)


def main() -> int:
    url = make_database()
    with running_site(url, processes=2) as root:
        token = sign_in(root, "bench")
        maker = Client(root, token)
        for _ in range(5):
            maker.send(create(100))
        results = [measure_waiting(root, token, url, number) for number in (WAITING, TOO_MANY)]
    print(json.dumps(results, indent=2))
    return int(not all(is_good(result) for result in results))


def is_good(result: dict[str, Any]) -> bool:
    told = sum(result["answers"].values()) == result["asked_to_wait"]
    return told and bool(result["get_one_beside_them"]["p95_ms"] < P95_MS)


if __name__ == "__main__":
    sys.exit(main())
