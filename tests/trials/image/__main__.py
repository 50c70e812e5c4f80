"""Sends the same random requests to this site's image API and to a real Glance, and compares.

``python -m tests.trials.image --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the keys, some values, and the order of lists. What
differs for a known reason is counted by its reason (``known.py``); the rest is shown, and makes the
command fail. Both sides need the user ``admin`` in a project of that name; two projects with a
member each are made for the trial, which needs a site with ``COMPUTE_SITE_QUOTA_IMAGES=-1``.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import re
import sys

from tests.trials.image.asking import Asker
from tests.trials.image.differences import differs
from tests.trials.image.known import KNOWN
from tests.trials.image.sides import Request, Side
from tests.trials.service import Answer
from tests.trials.tally import Tally

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
USED_UP = ("image", "data", "metadef")
"""Kinds of requests whose things are new for each that changes them."""


@dataclasses.dataclass(kw_only=True)
class Comparison(Tally):
    salt: str

    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        found = differs(request, ours, theirs, self.salt)
        if found is None:
            self.alike += 1
            return
        reason = next((why for why, holds in KNOWN if holds(request, ours, theirs)), None)
        if reason is not None:
            self.named[reason] += 1
            return
        place = UUID.sub("ID", request.path.partition("?")[0])
        self.note(f"{request.method} {place} {found}", request, ours, theirs)


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.trials.image", description=__doc__)
    parser.add_argument("--ours", default="http://127.0.0.1:8774")
    parser.add_argument("--our-password", default="admin", help="of the user admin")
    parser.add_argument("--identity", default="http://127.0.0.1:8833/v3")
    parser.add_argument("--glance", default="http://127.0.0.1:8836/v2")
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--shown", type=int, default=40)
    asked = parser.parse_args()
    salt = f"{random.getrandbits(40):010x}"
    ours = Side(f"{asked.ours}/identity/v3", f"{asked.ours}/image/v2", asked.our_password, salt)
    theirs = Side(asked.identity, asked.glance, "admin", salt)
    for side in (ours, theirs):
        side.prepare()
    tally = compare(ours, theirs, Asker(asked.seed), asked.count)
    tally.show(asked.count, asked.shown)
    return 1 if tally.rest else 0


def compare(ours: Side, theirs: Side, asker: Asker, count: int) -> Tally:
    tally = Comparison(salt=ours.names["salt"])
    fresh: set[str] = set()
    for number in range(count):
        request = asker.request()
        if request.kind in USED_UP and request.kind not in fresh:
            for side in (ours, theirs):
                side.freshen(number, request.kind)
            fresh = (fresh & {"metadef"}) | {request.kind}
        if request.kind in {"metadef", "image", "data"}:
            fresh.discard(request.kind)
        tally.add(request, ours.send(request), theirs.send(request))
    return tally


if __name__ == "__main__":
    sys.exit(main())
