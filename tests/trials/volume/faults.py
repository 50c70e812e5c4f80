"""Is there more than one fault in a request that both services refuse?"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Sequence
from typing import Any

from tests.trials.service import Answer
from tests.trials.volume.sides import Request, Side

THERE = {
    "volumes": "{volume3}",
    "snapshots": "{snapshot1}",
    "types": "{type_fast}",
    "qos-specs": "{specs0}",
    "group_types": "{group_type0}",
    "groups": "{group0}",
    "group_snapshots": "{group_snapshot0}",
    "backups": "{backup0}",
    "messages": "{message0}",
}
"""What is there, by the first part of a path."""
MISSING = re.compile(r"^([\w-]+)/({unknown}|{type_own}|x)(?=/|\?|$)")
NEEDED = {
    "volume_id": "{volume0}",
    "volume_uuid": "{volume0}",
    "group_id": "{group0}",
    "group_type": "{group_type0}",
    "source_group_id": "{group0}",
    "group_snapshot_id": "{group_snapshot0}",
    "size": 1,
    "volume_types": ["{type_fast}"],
    "provider": "luks",
    "control_location": "front-end",
    "status": "available",
    "name": "repaired",
    "new_type": "{type_fast}",
    "new_size": 2,
    "project": "{project_demo}",
}
"""A good value of each key that requests may not be able to do without."""
SPARE = (("volume", "group_id"), ("volume", "name"), ("snapshot", "name"))
"""What can be left out, though others need it."""


def is_faulty_twice(sides: Sequence[Side], request: Request, answers: Sequence[Answer]) -> bool:
    """Do both refuse it alike, for the other fault, without what may be one of two?"""
    told = [answer.status for answer in answers]
    for taken, repaired in _repairs(request):
        seen = [side.send(repaired) for side in sides]
        statuses = {answer.status for answer in seen}
        if len(statuses) == 1 and statuses <= set(told) - taken:
            return True
        for side, answer in zip(sides, seen, strict=True):
            side.undo(repaired, answer)
            side.settle()
    return False


def _repairs(request: Request) -> Iterator[tuple[set[int], Request]]:
    """Requests without one of what may be faults or without two of them, and the statuses of what
    was taken away.
    """
    once = list(_repairs_of_one(request))
    yield from once
    for taken, repaired in once:
        for too, again in _repairs_of_one(repaired):
            yield taken | too, again


def _repairs_of_one(request: Request) -> Iterator[tuple[set[int], Request]]:
    """Who asks, what it is about, a parameter, an action, or a key of the body."""
    if not request.admin:
        yield {403}, dataclasses.replace(request, admin=True)
    missing = MISSING.match(request.path)
    if missing and missing[1] in THERE and missing[2] != THERE[missing[1]]:
        path = f"{missing[1]}/{THERE[missing[1]]}{request.path[missing.end() :]}"
        yield {404}, dataclasses.replace(request, path=path)
    place, _, query = request.path.partition("?")
    for number, _ in enumerate(asked := query.split("&") if query else []):
        less = "&".join([*asked[:number], *asked[number + 1 :]])
        yield set(), dataclasses.replace(request, path=f"{place}?{less}")
    if isinstance(request.body, dict) and "paint" in request.body:
        deletion = {"delete": {"delete-volumes": True}}
        yield set(), dataclasses.replace(request, body=deletion)
    for noun, told in request.body.items() if isinstance(request.body, dict) else ():
        for key in told if isinstance(told, dict) else ():
            if key not in NEEDED or (noun, key) in SPARE:
                rest: dict[str, Any] = {name: told[name] for name in told if name != key}
                yield set(), dataclasses.replace(request, body={noun: rest})
            elif told[key] != NEEDED[key]:
                body = {noun: told | {key: NEEDED[key]}}
                yield set(), dataclasses.replace(request, body=body)
