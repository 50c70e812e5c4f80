"""Sends the same random requests to this site's identity API and to a real Keystone, and compares.

``python -m tests.trials.identity --count 3000 --seed 7`` makes the requests of a seed always alike.
It compares the status, and of good answers the members, and which things lists have. What differs
for a known reason is counted by its reason (``known.py``); the rest is shown, and makes the command
fail. Where one side did what the other refused, the thing is taken away on both, and later requests
about it are counted apart.

An interrupt (Ctrl-C) ends it, and shows what there is.

Both sides need the user ``admin`` in a project of that name.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from tests.trials.command import make_parser, make_salt
from tests.trials.identity.asking import KINDS, Asker, Request
from tests.trials.identity.known import EMPTY, EXTRA, KNOWN
from tests.trials.identity.sides import NAMED, Side
from tests.trials.service import Answer
from tests.trials.tally import Tally, place_of

COMPARED = ("id", "role", "user", "group", "scope")
"""What tells the rows of a list apart."""
FOLLOWS = "it follows from an earlier difference"
NOT_THERE = r"\bnothing\b|\b0{32}\b"
MADE = re.compile(r"<(\w+ \d+)>")


@dataclasses.dataclass
class Comparison(Tally):
    """``apart``: things that the two sides have not alike any more."""

    apart: set[str] = dataclasses.field(default_factory=set)

    def add(self, request: Request, ours: Answer, theirs: Answer) -> None:
        known = names_in(request) & self.apart
        found = differs(request, ours, theirs, self.apart)
        if known and request.makes:
            self.apart.add(request.made)
        if self.is_explained(found, KNOWN, request, ours, theirs):
            return
        if known:
            self.name(FOLLOWS, request, ours, theirs)
        else:
            kind = f"{request.method} {place_of(request.path, NAMED)}: {found}"
            self.note(kind, request, ours, theirs)


def names_in(request: Request) -> set[str]:
    """The things that were made in the trial and that it names."""
    found = NAMED.findall(f"{request.path} {json.dumps(request.body)}")
    return {name for name in found if not name.endswith(" 0")}


def count_faults(request: Request, ours: Answer, theirs: Answer, side: Side) -> int:
    """How many may be wrong with it: odd values, things that are not there, and the state of what
    is there where one of the answers says so.
    """
    text = f"{request.path} {json.dumps(request.body)}"
    missing = sum(not side.has(name) for name in names_in(request))
    state = {ours.status, theirs.status} & {403, 409}
    return request.faults + missing + len(re.findall(NOT_THERE, text)) + bool(state)


def undo(request: Request, sides: Sequence[tuple[Side, Answer]]) -> set[str]:
    """Where one side has done what the other refused, let both be without the thing. These are not
    alike any more.
    """
    if request.makes:
        for side, answer in sides:
            if answer.status == 201:
                side.remove(request.made, f"{request.path}/{{{request.made}}}")
                del side.ids[request.made]
        return {request.made, f"access_rule {request.number}"}
    names = [name for name in NAMED.findall(request.path) if not name.endswith(" 0")]
    if request.kind not in KINDS:
        return set(names)
    if request.method == "PATCH":
        for name in names[-1:]:
            for side, _ in sides:
                side.remove(name, request.path)
    return set(names[-1:])


def differs(request: Request, ours: Answer, theirs: Answer, apart: set[str]) -> str | None:
    """In what; ``None``: in nothing."""
    if ours.status != theirs.status:
        return f"status {ours.status}, theirs {theirs.status}"
    if ours.status >= 300 or not isinstance(ours.json, dict) or not isinstance(theirs.json, dict):
        return None
    listed = [rows_of(request, answer) for answer in (ours, theirs)]
    if all(isinstance(rows, list) for rows in listed):
        mine, other = (things(rows, apart) for rows in listed)
        return None if mine == other else f"list {sorted(mine ^ other)[:3]}"
    if request.kind == "config":
        return (
            None if ours.json == theirs.json else f"{ours.json!r:.60}, theirs {theirs.json!r:.60}"
        )
    for noun in KINDS:
        if isinstance(ours.json.get(noun), dict) and isinstance(theirs.json.get(noun), dict):
            return members_differ(ours.json[noun], theirs.json[noun])
    return None


def rows_of(request: Request, answer: Answer) -> Any:
    """The rows of a list; or the one that was looked for."""
    if request.kind == "nearest":
        return [answer.json.get("policy")]
    return answer.json.get(request.kind)


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
        if key == "roles":
            if [row["id"] for row in mine[key]] != [row["id"] for row in other[key]]:
                return f"roles: {mine[key]!r:.60}, theirs {other[key]!r:.60}"
        elif mine.get(key, "nothing") != other.get(key, "nothing"):
            return (
                f"{key}: {mine.get(key, 'nothing')!r:.60}, theirs {other.get(key, 'nothing')!r:.60}"
            )
    return None


def main() -> int:
    parser = make_parser("identity", __doc__, ours="http://127.0.0.1:8774/identity/v3")
    parser.add_argument("--keystone", default="http://127.0.0.1:8833/v3")
    asked = parser.parse_args()
    ours, theirs = Side(asked.ours, asked.our_password), Side(asked.keystone, "admin")
    tally, asker = Comparison(), Asker(asked.seed, make_salt())
    with contextlib.suppress(KeyboardInterrupt):
        for _ in range(asked.count):
            compare(asker.request(), ours, theirs, tally)
    return tally.show(asker.number, asked.shown, asked.samples)


def compare(request: Request, ours: Side, theirs: Side, tally: Comparison) -> None:
    mine, other = ours.send(request), theirs.send(request)
    if mine.status != other.status and mine.status >= 400 <= other.status:
        request = dataclasses.replace(request, faults=count_faults(request, mine, other, ours))
    tally.add(request, mine, other)
    changing = request.method not in ("GET", "HEAD")
    if changing and (mine.status < 300) != (other.status < 300):
        tally.apart |= undo(request, ((ours, mine), (theirs, other)))


if __name__ == "__main__":
    sys.exit(main())
