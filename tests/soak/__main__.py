"""``python -m tests.soak [seconds]``: clients at random, while workers are killed, statements
cancelled, sessions ended, tables locked and the database restarted.

Prints what the clients saw and what is wrong in the database afterwards, as JSON; exits with 1 when
anything is, or when anything was stuck for more than a minute.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from pathlib import Path

from compute_site.db.embedded import start_embedded_server
from tests.benchmarks.load import sign_in
from tests.benchmarks.site import ROOT, make_database, running_site
from tests.soak.clients import Person, Tally
from tests.soak.trouble import Database, Trouble, Workers
from tests.soak.watch import Watch, find_wrongs

CLIENTS = 6
REQUEST_SECONDS = "1"
"""The time limit of the statements of requests."""
ALIASES = json.dumps([{"name": "card", "vendor_id": "8086", "product_id": "154c"}])
"""Of the devices that flavors of the cloud file ask for."""


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
    wrong = tally.broken + find_wrongs(url, tally.told()) + watch.find_stuck(settled)
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
