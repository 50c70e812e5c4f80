"""``python -m tests.soak [seconds]``: clients at random, a worker killed every few seconds.

Prints what the clients saw and what is wrong in the database afterwards, as JSON; exits with 1 when
anything is.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.load import sign_in
from tests.benchmarks.site import ROOT, make_database, running_site
from tests.soak.clients import Person, Tally

CLIENTS = 6
WORKERS = 2
KILL_EVERY_SECONDS = 7.0
SETTLE_SECONDS = 180.0
"""Long enough for what a killed worker held to be found and done by another."""


class Workers:
    """Worker processes of which one after the other is killed and replaced."""

    def __init__(self, url: str) -> None:
        self.environment = {**os.environ, "DATABASE_URL": url}
        self.log = (ROOT / "var" / "soak-workers.log").open("w")
        self.processes = [self._start() for _ in range(WORKERS)]
        self.killed = 0

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(ROOT / "manage.py"), "worker"]
        return subprocess.Popen(command, env=self.environment, stderr=self.log, stdout=self.log)

    def kill_in_turn(self, until: float) -> None:
        for number in itertools.cycle(range(WORKERS)):
            time.sleep(KILL_EVERY_SECONDS)
            if time.monotonic() >= until:
                return
            self.processes[number].send_signal(signal.SIGKILL)
            self.processes[number].wait()
            self.processes[number] = self._start()
            self.killed += 1

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(60)
        self.log.close()


def ask_checks(url: str, *arguments: str, told: Any = None) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak.checks", *arguments],
        env={**os.environ, "DATABASE_URL": url},
        input=json.dumps(told).encode(),
        stdout=subprocess.PIPE,
        cwd=ROOT,
        check=True,
    )
    answer: list[str] = json.loads(done.stdout.splitlines()[-1])
    return answer


def settle(url: str) -> float:
    """Wait until nothing is going on; the seconds that took."""
    began = time.monotonic()
    while time.monotonic() - began < SETTLE_SECONDS and ask_checks(url, "unsettled"):
        time.sleep(2)
    return round(time.monotonic() - began, 1)


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    url = make_database()
    tally = Tally()
    with running_site(url, cloud=Path(__file__).with_name("cloud.yaml")) as root:
        token = sign_in(root, "soak")
        people = [Person(root, token, tally, seed) for seed in range(CLIENTS)]
        workers = Workers(url)
        try:
            until = time.monotonic() + seconds
            threads = [threading.Thread(target=person.work, args=(until,)) for person in people]
            threads.append(threading.Thread(target=workers.kill_in_turn, args=(until,)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            settled = settle(url)
        finally:
            workers.stop()
    told = {"accepted": tally.accepted, "deleted": sorted(tally.deleted)}
    wrong = tally.broken + ask_checks(url, told=told)
    report = {
        "seconds": seconds,
        "clients": CLIENTS,
        "workers_killed": workers.killed,
        "settled_after_seconds": settled,
        "answers": dict(sorted(tally.answers.items())),
        "wrong": len(wrong),
        "for_example": wrong[:20],
    }
    print(json.dumps(report, indent=2))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
