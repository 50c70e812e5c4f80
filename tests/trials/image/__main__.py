"""Sends the same random requests to this site's image API and to a real Glance, and compares.

``python -m tests.trials.image --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the keys, some values, and the order of lists. What
differs for a known reason is counted by its reason (``known.py``); the rest is shown, and makes the
command fail. Both sides need the user ``admin`` in a project of that name; two projects with a
member each are made for the trial, which needs a site with ``COMPUTE_SITE_QUOTA_IMAGES=-1``.
"""

from __future__ import annotations

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor

from tests.trials.command import make_parser, make_salt
from tests.trials.image.asking import Asker
from tests.trials.image.differences import differs
from tests.trials.image.known import KNOWN
from tests.trials.image.sides import Request, Side
from tests.trials.service import Answer
from tests.trials.tally import Tally, place_of

USED_UP = ("image", "data", "metadef")
"""Kinds of requests whose things are new for each that changes them."""


@dataclasses.dataclass(kw_only=True)
class Comparison(Tally):
    salt: str

    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        found = differs(request, ours, theirs, self.salt)
        if not self.is_explained(found, KNOWN, request, ours, theirs):
            kind = f"{request.method} {place_of(request.path)} {found}"
            self.note(kind, request, ours, theirs)


def main() -> int:
    parser = make_parser("image", __doc__)
    parser.add_argument("--identity", default="http://127.0.0.1:8833/v3")
    parser.add_argument("--glance", default="http://127.0.0.1:8836/v2")
    asked = parser.parse_args()
    salt = make_salt()
    ours = Side(f"{asked.ours}/identity/v3", f"{asked.ours}/image/v2", asked.our_password, salt)
    theirs = Side(asked.identity, asked.glance, "admin", salt)
    for side in (ours, theirs):
        side.prepare()
    tally = compare(ours, theirs, Asker(asked.seed), asked.count)
    return tally.show(asked.count, asked.shown, asked.samples)


def compare(ours: Side, theirs: Side, asker: Asker, count: int) -> Tally:
    tally = Comparison(salt=ours.names["salt"])
    fresh: set[str] = set()
    sides = (ours, theirs)
    with ThreadPoolExecutor(2) as beside:
        for number in range(count):
            request = asker.request()
            if request.kind in USED_UP and request.kind not in fresh:
                list(beside.map(Side.freshen, sides, (number,) * 2, (request.kind,) * 2))
                fresh = (fresh & {"metadef"}) | {request.kind}
            answers = list(beside.map(Side.send, sides, (request, request)))
            if any(answer.status < 400 for answer in answers):
                fresh.discard(request.kind)
            tally.add(request, *answers)
    return tally


if __name__ == "__main__":
    sys.exit(main())
