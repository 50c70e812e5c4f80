"""Watches the servers of a soak from outside, and asks in the end what is wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import Any

import psycopg

from tests.benchmarks.site import ROOT

STUCK_SECONDS = 60.0
SETTLE_SECONDS = 180.0
"""After this the soak gives up waiting."""

BUSY = """
    SELECT uuid::text, vm_state, coalesce(task_state, ''), updated_at::text FROM servers_instance
    WHERE deleted_at IS NULL AND (task_state IS NOT NULL OR vm_state = 'building')
"""

WORKING = "SELECT FROM procrastinate_workers LIMIT 1"


class Watch:
    """How long servers stay in the middle of something without any progress."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.since: dict[tuple[str, ...], float] = {}
        self.longest = (0.0, "")
        """Seconds, and of which server in which state."""
        self.stuck: set[str] = set()

    def wait_for_workers(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as session:
            deadline = time.monotonic() + SETTLE_SECONDS
            while session.execute(WORKING).fetchone() is None:
                if time.monotonic() > deadline:
                    raise RuntimeError("no worker has come")
                time.sleep(0.2)

    def look(self) -> bool:
        """Is anything going on? An answer that the database does not give counts as yes."""
        try:
            with psycopg.connect(self.url, autocommit=True) as session:
                session.execute("SET statement_timeout = '2s'")
                busy = session.execute(BUSY).fetchall()
        except psycopg.Error:
            return True
        now = time.monotonic()
        self.since = {row: self.since.get(row, now) for row in busy}
        for row, since in self.since.items():
            self.longest = max(self.longest, (round(now - since, 1), " ".join(row[:3])))
            if now - since > STUCK_SECONDS:
                self.stuck.add(" ".join(row[:3]))
        return bool(busy)

    def keep_looking(self, until: float) -> None:
        while time.monotonic() < until:
            self.look()
            time.sleep(1)

    def settle(self) -> float:
        """Wait until nothing is going on; the seconds that took."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLE_SECONDS and self.look():
            time.sleep(1)
        return time.monotonic() - began

    def find_stuck(self, settled: float) -> list[str]:
        """What went on for too long; ``settled`` are the seconds until nothing did."""
        wrong = [f"stuck for more than {STUCK_SECONDS:.0f} s: {one}" for one in sorted(self.stuck)]
        if settled > STUCK_SECONDS:
            wrong.append(f"it took {settled:.0f} s until nothing was going on any more")
        return wrong


def find_wrongs(url: str, told: Any) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.checks"],
        env={**os.environ, "DATABASE_URL": url},
        input=json.dumps(told).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    answer: list[str] = json.loads(done.stdout.splitlines()[-1])
    return answer
