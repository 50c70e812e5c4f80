"""``python -m tests.soak.failover [creates [a round]]``: clients create, delete and resize servers
while the database's primary is killed and its synchronous standby promoted, round after round;
workers and web processes are killed too.

Prints what happened as JSON; exits with 1 when anything acknowledged is lost or doubled, when
anything was stuck for more than a minute, or when counters or claims are wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import sys
import threading
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.load import sign_in
from tests.benchmarks.requests import SERVERS
from tests.benchmarks.site import ROOT, make_database, running_site
from tests.soak.clients import UNSURE, Person, Tally
from tests.soak.clusters import ADDRESS, Cluster
from tests.soak.processes import kill_web_process
from tests.soak.trouble import Workers
from tests.soak.watch import STUCK_SECONDS, Watch, find_wrongs

CLIENTS = 6
CREATES = 10_000
ROUND = 1_500
"""Acknowledged servers between two failovers."""

MOST_SECONDS = 3600.0
"""After this no further round begins."""

LARGE = "m1.small"
"""The name of the flavor ``2`` (``failover.yaml``)."""
VERDICTS: tuple[dict[str, Any], ...] = ({"confirmResize": None}, {"revertResize": None})


class Customer(Person):
    """Creates, deletes and resizes; counts the servers that were acknowledged."""

    flavors = ("1", "2")
    servers = 0

    def __init__(self, root: str, token: str, tally: Tally, seed: int) -> None:
        super().__init__(root, token, tally, seed)
        self.stop = threading.Event()
        self.number = seed
        self.sizes: dict[str, str] = {}
        """The flavors of those that were seen."""
        self.resized: list[str] = []
        """Whose resizes were accepted and wait to be confirmed or reverted, the oldest first."""

    def work(self, until: float) -> None:
        """``until`` is the last moment; ``stop`` ends it before."""
        deeds = (self.create, self.delete, self.resize, self.judge, self.look)
        while time.monotonic() < until and not self.stop.is_set():
            [deed] = self.chance.choices(deeds, weights=(6, 4, 6, 6, 2))
            deed()

    def look(self) -> None:
        """Those that can be resized; in detail, since the flavor says to what."""
        path = f"{SERVERS}/detail?limit=50&status=ACTIVE"
        status, answer = self.send("list", "GET", path, None)
        if status == 200:
            self.sizes = {one["id"]: one["flavor"]["original_name"] for one in answer["servers"]}
            self.seen = list(self.sizes)

    def resize(self) -> None:
        """Of a share that no other client resizes, so that most are accepted."""
        share = [one for one in self.seen if int(one[:8], 16) % CLIENTS == self.number]
        if share:
            server_id = self.chance.choice(share)
            other = "1" if self.sizes.pop(server_id, None) == LARGE else "2"
            status, _ = self.act_on(server_id, {"resize": {"flavorRef": other}})
            self.seen.remove(server_id)
            if status in (202, *UNSURE):
                self.resized.append(server_id)

    def judge(self) -> None:
        """Confirm or revert the oldest resize; one that is not done yet is asked for later."""
        if self.resized:
            server_id = self.resized.pop(0)
            status, _ = self.act_on(server_id, self.chance.choice(VERDICTS))
            if status in (409, *UNSURE):
                self.resized.append(server_id)

    def act_on(self, server_id: str, action: dict[str, Any]) -> tuple[int, Any]:
        path = f"{SERVERS}/{server_id}/action"
        return self.send(next(iter(action)), "POST", path, action)

    def send(self, kind: str, method: str, path: str, body: Any) -> tuple[int, Any]:
        status, answer = super().send(kind, method, path, body)
        if status in (0, 503):
            time.sleep(0.2)  # a client that is told to come again later
        elif kind == "create" and status == 202:
            self.servers += int(body["server"]["max_count"])
        return status, answer


def main() -> int:
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else CREATES
    each = int(sys.argv[2]) if len(sys.argv) > 2 else ROUND
    chance = random.Random(os.environ.get("SOAK_SEED"))  # noqa: S311 - repeatable on purpose
    primary = Cluster(ROOT / "var" / "failover-1")
    standby = Cluster(ROOT / "var" / "failover-2")
    try:
        primary.start()
        standby.follow(primary)
        return _soak(primary, standby, wanted, each, chance)
    finally:
        for cluster in (primary, standby):
            with contextlib.suppress(Exception):
                cluster.stop()


def _soak(primary: Cluster, standby: Cluster, wanted: int, each: int, chance: random.Random) -> int:
    hosts = f"{ADDRESS}:{primary.port},{ADDRESS}:{standby.port}"
    os.environ["DATABASE_URL"] = (
        f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"
    )
    url = make_database()
    tally = Tally(web_dies=True)
    rounds: list[dict[str, Any]] = []
    with running_site(url, cloud=Path(__file__).with_name("failover.yaml")) as root:
        token = sign_in(root, "soak")
        people = [Customer(root, token, tally, seed) for seed in range(CLIENTS)]
        workers = Workers(url)
        watch = Watch(url)
        try:
            watch.wait_for_workers()
            until = time.monotonic() + MOST_SECONDS
            threads = [threading.Thread(target=person.work, args=(until,)) for person in people]
            threads.append(threading.Thread(target=watch.keep_looking, args=(until,)))
            for thread in threads:
                thread.daemon = True
                thread.start()
            while (done := _acknowledged(people)) < wanted and time.monotonic() < until:
                _wait_for(people, min(done + each // 2, wanted), until)
                rounds.append(_fail_over(primary, standby, workers, people, chance))
                _wait_for(people, min(done + each, wanted), until)
                primary.follow(standby)
                primary, standby = standby, primary
            for person in people:
                person.stop.set()
            for thread in threads[:-1]:
                thread.join()
            settled = watch.settle()
        finally:
            workers.stop()
    wrong = tally.broken + find_wrongs(url, tally.told()) + watch.find_stuck(settled)
    report = {
        "acknowledged_creates": len(tally.accepted),
        "acknowledged_servers": _acknowledged(people),
        "acknowledged_deletions": len(tally.deleted),
        "unanswered": tally.unanswered,
        "rounds": rounds,
        "settled_after_seconds": round(settled, 1),
        "longest_without_progress": watch.longest,
        "load": round(os.getloadavg()[0], 1),
        "resizes": {
            name: tally.answers.get(f"{name} {status}", 0)
            for name, status in (("resize", 202), ("confirmResize", 204), ("revertResize", 202))
        },
        "answers": dict(sorted(tally.answers.items())),
        "wrong": len(wrong),
        "for_example": wrong[:20],
    }
    print(json.dumps(report, indent=2))
    return 1 if wrong else 0


def _acknowledged(people: list[Customer]) -> int:
    return sum(person.servers for person in people)


def _wait_for(people: list[Customer], number: int, until: float) -> None:
    while _acknowledged(people) < number and time.monotonic() < until:
        time.sleep(0.1)


def _fail_over(
    primary: Cluster,
    standby: Cluster,
    workers: Workers,
    people: list[Customer],
    chance: random.Random,
) -> dict[str, Any]:
    """Kill the primary, and at times a worker and a web process with it; promote the standby."""
    killed = ["primary"]
    if chance.random() < 0.7:
        workers.kill_next()
        killed.append("worker")
    primary.kill()
    began = time.monotonic()
    if chance.random() < 0.7:
        kill_web_process()
        killed.append("web process")
    time.sleep(chance.uniform(0, 3))
    before = _acknowledged(people)
    standby.promote()
    promoted = time.monotonic()
    _wait_for(people, before + 1, promoted + STUCK_SECONDS)
    return {
        "killed": killed,
        "seconds_to_promotion": round(promoted - began, 2),
        "seconds_from_promotion_to_next_create": round(time.monotonic() - promoted, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
