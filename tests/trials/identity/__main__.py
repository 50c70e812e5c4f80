"""Sends the same random requests to this site's identity API and to a real Keystone, and compares.

``python -m tests.trials.identity --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the members, and which things lists have. What differs
for a known reason is counted by its reason (``known.py``); the rest is shown, and makes the command
fail. Where one side did what the other refused, later requests about the same things are counted
apart.

Both sides need the user ``admin`` in a project of that name.
"""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from typing import Any

from tests.trials.command import make_parser
from tests.trials.identity.asking import KINDS, Asker, Request
from tests.trials.identity.known import EMPTY, EXTRA, KNOWN
from tests.trials.identity.sides import NAMED, Side
from tests.trials.service import Answer
from tests.trials.tally import Tally, place_of

COMPARED = ("id", "role", "user", "group", "scope")
"""What tells the rows of a list apart."""
FOLLOWS = "it follows from an earlier difference"
MADE = re.compile(r"<(\w+ \d+)>")


@dataclasses.dataclass
class Comparison(Tally):
    """``apart``: things that the two sides have not alike any more."""

    apart: set[str] = dataclasses.field(default_factory=set)

    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        names = set(NAMED.findall(f"{request.path} {json.dumps(request.body)}"))
        known = names & self.apart
        found = differs(request, ours, theirs, self.apart)
        if (ours.status < 300) != (theirs.status < 300):
            self.apart |= names | (
                {f"{request.makes} {request.number}"} if request.makes else set()
            )
        if self.is_explained(found, KNOWN, request, ours, theirs):
            return
        if known:
            self.name(FOLLOWS, request, ours, theirs)
            self.apart |= names
        else:
            kind = f"{request.method} {place_of(request.path, NAMED)}: {found}"
            self.note(kind, request, ours, theirs)


def differs(request: Request, ours: Answer, theirs: Answer, apart: set[str]) -> str | None:
    """In what; ``None``: in nothing."""
    if ours.status != theirs.status:
        return f"status {ours.status}, theirs {theirs.status}"
    if ours.status >= 300 or not isinstance(ours.json, dict) or not isinstance(theirs.json, dict):
        return None
    if request.kind in ours.json and request.kind not in KINDS:
        mine, other = (things(answer.json[request.kind], apart) for answer in (ours, theirs))
        return None if mine == other else f"list {sorted(mine ^ other)[:3]}"
    for noun in KINDS:
        if isinstance(ours.json.get(noun), dict) and isinstance(theirs.json.get(noun), dict):
            return members_differ(ours.json[noun], theirs.json[noun])
    return None


def things(rows: Any, apart: set[str]) -> set[str]:
    """What was made in the trial, of a list; what the sides do not have alike is left out."""
    found = set()
    for row in rows:
        text = json.dumps({key: row[key] for key in COMPARED if key in row})
        names = MADE.findall(text)
        if names and not set(names) & apart:
            found.add(" ".join(sorted(names)))
    return found


def members_differ(mine: dict[str, Any], other: dict[str, Any]) -> str | None:
    for key in sorted({*mine, *other} - {"id", *EXTRA}):
        if key in EMPTY and not mine.get(key) and not other.get(key):
            continue
        if mine.get(key, "nothing") != other.get(key, "nothing"):
            return (
                f"{key}: {mine.get(key, 'nothing')!r:.60}, theirs {other.get(key, 'nothing')!r:.60}"
            )
    return None


def main() -> int:
    parser = make_parser("identity", __doc__, ours="http://127.0.0.1:8774/identity/v3")
    parser.add_argument("--keystone", default="http://127.0.0.1:8833/v3")
    asked = parser.parse_args()
    ours, theirs = Side(asked.ours, asked.our_password), Side(asked.keystone, "admin")
    tally, asker = Comparison(), Asker(asked.seed)
    for _ in range(asked.count):
        request = asker.request()
        tally.add(request, ours.send(request), theirs.send(request))
    return tally.show(asked.count, asked.shown, asked.samples)


if __name__ == "__main__":
    sys.exit(main())
