"""``python -m tests.soak.repeat [keys]``: clients want a server for each idempotency key, and lose
their connections, send again at random, several times at once, while web processes are killed.

Prints what happened as JSON; exits with 1 unless there is exactly one server for each key, and
every answer to a key is the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import http.client
import json
import os
import queue
import random
import socket
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.benchmarks.load import sign_in
from tests.benchmarks.requests import SERVER, SERVERS
from tests.benchmarks.site import make_database, running_site
from tests.soak.processes import kill_web_process

KEYS = 2000
CLIENTS = 12
KILL_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
"""A key that has no answer after this is wrong."""

SERVERS_BY_NAME = "SELECT display_name, count(*) FROM servers_instance GROUP BY 1"
COUNTS = """
    SELECT (SELECT count(*) FROM servers_instance),
           (SELECT sum(in_use) FROM quotas_usage WHERE resource = 'instances'),
           (SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'servers.schedule_and_build'),
           (SELECT count(*) FROM idempotency_keptanswer)
"""


@dataclasses.dataclass
class Tally:
    """What the clients did and saw, together."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    answers: dict[str, str] = dataclasses.field(default_factory=dict)
    """A digest of the answer to each key, by name of the server."""
    wrong: list[str] = dataclasses.field(default_factory=list)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def count(self, what: str) -> None:
        with self.lock:
            self.counts[what] += 1

    def accept(self, name: str, body: bytes) -> None:
        digest = hashlib.sha256(body).hexdigest()
        with self.lock:
            if self.answers.setdefault(name, digest) != digest:
                self.wrong.append(f"{name} got two answers: {body!r}")


class Customer:
    """Wants servers, one for each name it draws."""

    def __init__(self, root: str, token: str, names: queue.SimpleQueue[str], tally: Tally) -> None:
        parts = urlsplit(root)
        self.address = (str(parts.hostname), int(parts.port or 80))
        self.token = token
        self.names = names
        self.tally = tally
        self.chance = random.Random(os.environ.get("SOAK_SEED"))  # noqa: S311 - not for secrets

    def work(self) -> None:
        while True:
            try:
                name = self.names.get_nowait()
            except queue.Empty:
                return
            self.get_server(name, str(uuid.uuid4()))

    def get_server(self, name: str, key: str) -> None:
        """Ask until there is an answer, and at times once more afterwards."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while name not in self.tally.answers:
            if time.monotonic() > deadline:
                self.tally.wrong.append(f"{name} got no answer")
                return
            deeds = (self.ask, self.ask_at_once, self.hang_up, self.break_off)
            [deed] = self.chance.choices(deeds, weights=(6, 3, 4, 1))
            deed(name, key)
        for _ in range(self.chance.choice((0, 0, 1, 3))):
            self.ask(name, key)

    def ask(self, name: str, key: str) -> None:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        try:
            connection.request("POST", SERVERS, self._body(name), self._headers(key))
            response = connection.getresponse()
            body = response.read()
        except (http.client.HTTPException, OSError):
            self.tally.count("no answer")
            time.sleep(0.05)
            return
        finally:
            connection.close()
        replayed = response.getheader("Idempotent-Replayed") == "true"
        self.tally.count(f"{response.status}{' replayed' if replayed else ''}")
        if response.status == 202:
            self.tally.accept(name, body)
        elif response.status in (409, 429, 503) and response.getheader("Retry-After"):
            time.sleep(0.05)
        else:
            self.tally.wrong.append(f"{name}: {response.status} {body[:200]!r}")

    def ask_at_once(self, name: str, key: str) -> None:
        threads = [threading.Thread(target=self.ask, args=(name, key)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def hang_up(self, name: str, key: str) -> None:
        """Send all, and be gone after a moment, so that the site is somewhere in the middle."""
        self._send(name, key, share=1.0, seconds=self.chance.uniform(0.0, 0.03))

    def break_off(self, name: str, key: str) -> None:
        self._send(name, key, share=self.chance.uniform(0.1, 0.99), seconds=0.0)

    def _send(self, name: str, key: str, *, share: float, seconds: float) -> None:
        body = self._body(name)
        lines = [f"POST {SERVERS} HTTP/1.1", f"Host: {self.address[0]}"]
        headers = {**self._headers(key), "Content-Length": str(len(body))}
        lines += [f"{header}: {value}" for header, value in headers.items()]
        data = "\r\n".join([*lines, "", ""]).encode() + body
        self.tally.count("connection dropped")
        try:
            with socket.create_connection(self.address, timeout=5) as sock:
                sock.sendall(data[: int(len(data) * share)])
                time.sleep(seconds)
        except OSError:
            self.tally.count("no connection")

    def _body(self, name: str) -> bytes:
        return json.dumps({"server": {**SERVER, "name": name}}).encode()

    def _headers(self, key: str) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Auth-Token": self.token,
            "Idempotency-Key": key,
            "OpenStack-API-Version": "compute 2.90",
        }


def main() -> int:
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else KEYS
    url = make_database()
    tally = Tally()
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    wanted = [f"repeat{number:05}" for number in range(keys)]
    for name in wanted:
        names.put(name)
    with running_site(url) as root:
        began = time.monotonic()
        token = sign_in(root, "bench")
        customers = [Customer(root, token, names, tally) for _ in range(CLIENTS)]
        threads = [threading.Thread(target=customer.work) for customer in customers]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(KILL_SECONDS)
            if kill_web_process():
                tally.count("web processes killed")
        seconds = time.monotonic() - began
    with psycopg.connect(url) as session:
        tally.wrong += find_wrongs(session, wanted)
    report = {
        "keys": keys,
        "seconds": round(seconds, 1),
        **dict(sorted(tally.counts.items())),
        "wrong": len(tally.wrong),
        "for_example": tally.wrong[:20],
    }
    print(json.dumps(report, indent=2))
    return 1 if tally.wrong else 0


def find_wrongs(session: psycopg.Connection[Any], wanted: list[str]) -> Iterator[str]:
    """Names without exactly one server, and what is counted, kept or queued for others."""
    made = dict(session.execute(SERVERS_BY_NAME).fetchall())
    for name in wanted:
        if made.get(name) != 1:
            yield f"{name} has {made.get(name, 0)} servers"
    row = session.execute(COUNTS).fetchone()
    for what, number in zip(("servers", "counted", "jobs", "answers"), row or (), strict=True):
        if number != len(wanted):
            yield f"{number} {what} for {len(wanted)} keys"


if __name__ == "__main__":
    sys.exit(main())
