"""Sends the same random requests to this site's volume API and to a real Cinder, and compares.

``python -m tests.trials.volume --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the keys and the order of lists. What differs for a
known reason is counted by its reason (``known.py``); the rest is shown, and makes the command fail.
An interrupt (Ctrl-C) ends it, and shows what there is.

Both sides need the user ``admin`` in a project of that name; a project and a member of it are made
for the trial. Cinder needs a scheduler, a backend and its service of backups (in one process, as
``tests/real_services/programs/run_cinder.py`` has it, they need no broker); or they do not run, and
what they would write is written into the PostgreSQL database that ``--cinder-database`` names.
"""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.trials.command import make_parser, make_salt
from tests.trials.service import Answer
from tests.trials.tally import Tally, place_of
from tests.trials.volume.asking import Asker
from tests.trials.volume.differences import differs
from tests.trials.volume.faults import is_faulty_twice
from tests.trials.volume.known import KNOWN
from tests.trials.volume.sides import Request, Side

ON_SCRATCH = ("volume", "snapshot", "attachment", "transfer")
USED_UP = (*ON_SCRATCH, "specs", "type", "group type", "group", "group snapshot", "message")
"""Kinds of requests whose things are new for each that changes them; those of some are about a
volume that is new with them.
"""
END_OF_SCRATCH = Request(
    "undo", "POST", "volumes/{scratch}/action", {"os-force_delete": {}}, admin=True
)


@dataclasses.dataclass(kw_only=True)
class Comparison(Tally):
    salt: str

    sent: int = 0

    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        self.sent += 1
        found = differs(ours, theirs, self.salt)
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
        side.names["salt"] = salt
        for who in ("demo", "other"):
            side.make_member(who, f"{who}-{salt}")
        side.prepare(salt)
    tally = compare(ours, theirs, Asker(asked.seed), asked.count)
    return tally.show(tally.sent, asked.shown, asked.samples)


def compare(ours: Side, theirs: Side, asker: Asker, count: int) -> Comparison:
    tally = Comparison(salt=ours.names["salt"])
    fresh: set[str] = set()
    sides = (ours, theirs)
    with ThreadPoolExecutor(2) as beside, contextlib.suppress(KeyboardInterrupt):
        for number in range(count):
            request = asker.request()
            if request.kind in USED_UP and request.kind not in fresh:
                salt = f"{ours.names['salt']}-{number}"
                list(beside.map(Side.freshen, sides, (salt, salt), (request.kind,) * 2))
                fresh -= {"volume"} if request.kind in ON_SCRATCH else set()
                fresh.add(request.kind)
            answers = list(beside.map(Side.send, sides, (request, request)))
            if _is_used_up(request, answers):
                fresh.discard(request.kind)
            ours_, theirs_ = (answer.status for answer in answers)
            if ours_ != theirs_ and 400 <= min(ours_, theirs_) <= max(ours_, theirs_) < 500:
                twice = is_faulty_twice(sides, request, answers)
                request = dataclasses.replace(request, faulty_twice=twice)
                fresh.discard(request.kind)
            elif ours_ != theirs_:
                for side, answer in zip(sides, answers, strict=True):
                    side.undo(request, answer)
                    if request.kind in ON_SCRATCH:
                        side.send(END_OF_SCRATCH)
            if request.method != "GET":
                theirs.settle()
            tally.add(request, *answers)
    return tally


def _is_used_up(request: Request, answers: list[Answer]) -> bool:
    """Has one of the sides changed what the request is about, or the state of it?"""
    reading = request.method == "GET" and "associate" not in request.path
    refused = all(answer.status >= 400 for answer in answers)
    return not (reading or refused or "/metadata" in request.path)


if __name__ == "__main__":
    sys.exit(main())
