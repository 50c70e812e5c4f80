"""Makes trouble for a site while it works: kills, cancels, locks, restarts."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg

from compute_site.db.postgres.place import find_place
from compute_site.db.postgres.programs import run_program
from tests.benchmarks.site import ROOT

WORKERS = 2
WORKER_SECONDS = "2"
"""The time limit of the workers' statements: short enough to be met by ``block``."""

BLOCK_SECONDS = 3.0
TABLES = (
    "procrastinate_jobs",
    "procrastinate_workers",
    "servers_instance",
    "servers_buildrequest",
    "servers_computenode",
    "network_port",
    "quotas_usage",
)
OTHERS = "datname = current_database() AND pid <> pg_backend_pid()"


class Workers:
    """Worker processes of which one after the other is killed and replaced."""

    def __init__(self, url: str) -> None:
        self.environment = {
            **os.environ,
            "DATABASE_URL": url,
            "COMPUTE_SITE_WORKER_STATEMENT_TIMEOUT_SECONDS": WORKER_SECONDS,
        }
        self.log = (ROOT / "var" / "soak-workers.log").open("w")
        self.processes = [self._start() for _ in range(WORKERS)]
        self.next = 0

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(ROOT / "manage.py"), "worker", "--processes", "1"]
        return subprocess.Popen(command, env=self.environment, stderr=self.log, stdout=self.log)

    def kill_next(self) -> None:
        number = self.next
        self.next = (number + 1) % WORKERS
        self.processes[number].send_signal(signal.SIGKILL)
        self.processes[number].wait()
        self.processes[number] = self._start()

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)
        self.log.close()


class Database:
    """The database of the soak. One that ``DATABASE_URL`` names is not restarted."""

    def __init__(self, url: str, data_dir: Path | None, chance: random.Random) -> None:
        self.url = url
        self.data_dir = data_dir
        self.chance = chance

    def cancel(self) -> None:
        """Cancel most of what runs just now; a few times, for statements are short."""
        with self._session() as session:
            for _ in range(20):
                session.execute(
                    f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity"  # noqa: S608
                    f" WHERE {OTHERS} AND state = 'active' AND random() < 0.7"
                )
                time.sleep(0.02)

    def terminate(self) -> None:
        """End half of all sessions."""
        with self._session() as session:
            session.execute(
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"  # noqa: S608
                f" WHERE {OTHERS} AND random() < 0.5"
            )

    def block(self) -> None:
        """Keep everybody from a table for longer than statements may take."""
        table = self.chance.choice(TABLES)
        with self._session() as session, session.transaction():
            session.execute("SET LOCAL lock_timeout = '5s'")
            session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            time.sleep(BLOCK_SECONDS)

    def restart(self) -> None:
        """Restart the server, at times as if it had crashed."""
        if self.data_dir is None:
            return
        place = find_place(self.data_dir, synced=True)
        mode = self.chance.choice(("fast", "immediate"))
        run_program(
            place.programs / "pg_ctl",
            *("-w", "-D", str(place.data_dir), "-l", str(place.log), "-m", mode, "restart"),
            account=place.account,
            seconds=60,
        )

    def _session(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)


class Trouble:
    """Each kind again and again; ``made`` counts them."""

    def __init__(self, workers: Workers, database: Database, chance: random.Random) -> None:
        self.made: Counter[str] = Counter()
        self.chance = chance
        self.kinds: dict[str, tuple[float, Callable[[], None]]] = {
            "statements cancelled": (4, database.cancel),
            "tables locked": (8, database.block),
            "workers killed": (10, workers.kill_next),
            "sessions ended": (12, database.terminate),
            "database restarted": (20, database.restart),
        }
        """With the seconds between two of a kind."""

    def make(self, until: float) -> None:
        begins = {name: self._next(name) for name in self.kinds}
        while (began := min(begins.values())) < until:
            time.sleep(max(0.0, began - time.monotonic()))
            name = min(begins, key=lambda name: begins[name])
            with contextlib.suppress(psycopg.Error):  # the other trouble has met it
                self.kinds[name][1]()
                self.made[name] += 1
            begins[name] = self._next(name)

    def _next(self, name: str) -> float:
        return time.monotonic() + self.kinds[name][0] * self.chance.uniform(0.5, 1.5)
