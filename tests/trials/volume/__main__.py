"""Sends the same random requests to this site's volume API and to a real Cinder, and compares.

``python -m tests.trials.volume --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the keys and the order of lists. What differs for a
known reason is counted by its reason (``known.py``); the rest is shown, and makes the command fail.

Both sides need the user ``admin`` in a project of that name; a project and a member of it are made
for the trial. Cinder's API is enough, without its other processes: an admin sets volumes to
``available``, and they get a host in the SQLite file that ``--cinder-database`` names.
"""

from __future__ import annotations

import sys

from tests.trials.command import make_parser, make_salt
from tests.trials.service import Answer
from tests.trials.tally import Tally, place_of
from tests.trials.volume.asking import Asker
from tests.trials.volume.differences import differs
from tests.trials.volume.known import KNOWN
from tests.trials.volume.sides import Request, Side

USED_UP = ("volume", "snapshot", "attachment", "transfer")
"""Kinds of requests whose things are new for each that changes them."""


class Comparison(Tally):
    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        found = differs(request, ours, theirs)
        if self.is_explained(found, KNOWN, request, ours, theirs):
            return
        action = next(iter(request.body), "") if isinstance(request.body, dict) else ""
        place = place_of(request.path)
        kind = f"{request.method} {place} {action if 'action' in place else ''} {found}"
        self.note(kind, request, ours, theirs)


def main() -> int:
    parser = make_parser("volume", __doc__)
    parser.add_argument("--identity", default="http://127.0.0.1:8833/v3")
    parser.add_argument("--cinder", default="http://127.0.0.1:8835/v3")
    parser.add_argument("--cinder-database", default="")
    asked = parser.parse_args()
    ours = Side(f"{asked.ours}/identity/v3", f"{asked.ours}/volume/v3", asked.our_password)
    theirs = Side(asked.identity, asked.cinder, "admin", asked.cinder_database)
    salt = make_salt()
    for side in (ours, theirs):
        side.make_member("demo", f"trial-{salt}")
        side.names["salt"] = salt
        side.prepare(salt)
    tally = compare(ours, theirs, Asker(asked.seed), asked.count)
    return tally.show(asked.count, asked.shown, asked.samples)


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
