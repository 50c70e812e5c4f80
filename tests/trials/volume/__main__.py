"""Sends the same random requests to this site's volume API and to a real Cinder, and compares.

``python -m tests.trials.volume --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the keys and the order of lists. What differs for a
known reason is counted by its reason (``known.py``); the rest is shown, and makes the command fail.

Both sides need the user ``admin`` in a project of that name; a project and a member of it are made
for the trial. Cinder's API is enough, without its other processes: an admin sets volumes to
``available``, and they get a host in the SQLite file that ``--cinder-database`` names.
"""

from __future__ import annotations

import argparse
import random
import re
import sys

from tests.trials.service import Answer
from tests.trials.tally import Tally
from tests.trials.volume.asking import Asker
from tests.trials.volume.differences import differs
from tests.trials.volume.known import KNOWN
from tests.trials.volume.sides import Request, Side

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
USED_UP = ("volume", "snapshot", "attachment", "transfer")
"""Kinds of requests whose things are new for each that changes them."""


class Comparison(Tally):
    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        found = differs(request, ours, theirs)
        if found is None:
            self.alike += 1
            return
        reason = next((why for why, holds in KNOWN if holds(request, ours, theirs)), None)
        if reason is not None:
            self.named[reason] += 1
            return
        action = next(iter(request.body), "") if isinstance(request.body, dict) else ""
        place = UUID.sub("ID", request.path.partition("?")[0])
        words = (request.method, place, action if "action" in place else "", found)
        self.note(" ".join(words), request, ours, theirs)


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.trials.volume", description=__doc__)
    parser.add_argument("--ours", default="http://127.0.0.1:8774")
    parser.add_argument("--our-password", default="admin", help="of the user admin")
    parser.add_argument("--identity", default="http://127.0.0.1:8833/v3")
    parser.add_argument("--cinder", default="http://127.0.0.1:8835/v3")
    parser.add_argument("--cinder-database", default="")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=40)
    asked = parser.parse_args()
    ours = Side(f"{asked.ours}/identity/v3", f"{asked.ours}/volume/v3", asked.our_password)
    theirs = Side(asked.identity, asked.cinder, "admin", asked.cinder_database)
    salt = f"{random.getrandbits(40):010x}"
    for side in (ours, theirs):
        side.make_demo(f"trial-{salt}")
        side.names["salt"] = salt
        side.prepare(salt)
    tally = compare(ours, theirs, Asker(asked.seed), asked.count)
    tally.show(asked.count, asked.shown)
    return 1 if tally.rest else 0


def compare(ours: Side, theirs: Side, asker: Asker, count: int) -> Tally:
    tally = Comparison()
    fresh: set[str] = set()
    for number in range(count):
        request = asker.request()
        if request.kind in USED_UP and request.kind not in fresh:
            for side in (ours, theirs):
                side.freshen(f"{ours.names['salt']}-{number}", request.kind)
            fresh = (fresh - {"volume"}) | {request.kind}
        if request.method != "GET" and "/metadata" not in request.path:
            fresh.discard(request.kind)
        tally.add(request, ours.send(request), theirs.send(request))
    return tally


if __name__ == "__main__":
    sys.exit(main())
