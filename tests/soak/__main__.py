"""``python -m tests.soak [seconds]``: clients at random, while workers are killed, statements
cancelled, sessions ended, tables locked and the database restarted.

Prints what the clients saw and what is wrong in the database afterwards, as JSON; exits with 1 when
anything is, or when anything was stuck for more than a minute.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg

from compute_site.db.embedded import start_embedded_server
from tests.benchmarks.load import sign_in
from tests.benchmarks.site import ROOT, make_database, running_site
from tests.soak.clients import Person, Tally
from tests.soak.trouble import Database, Trouble, Workers

CLIENTS = 6
STUCK_SECONDS = 60.0
SETTLE_SECONDS = 180.0
"""After this the soak gives up waiting."""

REQUEST_SECONDS = "1"
"""The time limit of the statements of requests."""
ALIASES = json.dumps([{"name": "card", "vendor_id": "8086", "product_id": "154c"}])
"""Of the devices that flavors of the cloud file ask for."""

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


def prepare_database(chance: random.Random) -> Database:
    """An empty database, on a server of its own unless ``DATABASE_URL`` names one."""
    if "DATABASE_URL" in os.environ:
        return Database(make_database(), None, chance)
    data_dir = ROOT / "var" / "soak-postgres"
    os.environ["DATABASE_URL"] = start_embedded_server(data_dir)
    return Database(make_database(), data_dir, chance)


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    chance = random.Random(os.environ.get("SOAK_SEED"))  # noqa: S311 - repeatable on purpose
    database = prepare_database(chance)
    url = database.url
    os.environ["COMPUTE_SITE_STATEMENT_TIMEOUT_SECONDS"] = REQUEST_SECONDS
    os.environ["COMPUTE_SITE_PCI_ALIAS"] = ALIASES
    tally = Tally()
    with running_site(url, cloud=Path(__file__).with_name("cloud.yaml")) as root:
        token = sign_in(root, "soak")
        people = [Person(root, token, tally, seed) for seed in range(CLIENTS)]
        workers = Workers(url)
        trouble = Trouble(workers, database, chance)
        watch = Watch(url)
        try:
            watch.wait_for_workers()
            until = time.monotonic() + seconds
            threads = [threading.Thread(target=person.work, args=(until,)) for person in people]
            threads.append(threading.Thread(target=trouble.make, args=(until,)))
            threads.append(threading.Thread(target=watch.keep_looking, args=(until,)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            settled = watch.settle()
        finally:
            workers.stop()
    wrong = tally.broken + find_wrongs(url, tally.told())
    wrong += [f"stuck for more than {STUCK_SECONDS:.0f} s: {one}" for one in sorted(watch.stuck)]
    if settled > STUCK_SECONDS:
        wrong.append(f"it took {settled:.0f} s until nothing was going on any more")
    report = {
        "seconds": seconds,
        "clients": CLIENTS,
        "trouble": dict(trouble.made),
        "settled_after_seconds": round(settled, 1),
        "longest_without_progress": watch.longest,
        "answers": dict(sorted(tally.answers.items())),
        "wrong": len(wrong),
        "for_example": wrong[:20],
    }
    print(json.dumps(report, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
