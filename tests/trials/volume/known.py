"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re

from tests.trials.reasons import Test, by, has
from tests.trials.service import Answer
from tests.trials.volume.sides import Request


def _pages(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.kind == "list" and re.search(r"limit=|offset=|marker=", request.path) is not None


def _by_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.kind == "list" and re.search("sort_key=id|sort=id", request.path) is not None


def _ignored(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.kind == "list" and request.version in ("3.0", "3.2", "3.14", "3.27")


def _types_by_name(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.path.startswith("types?") and ours.status == theirs.status == 200


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Cinder breaks (500)", by("", None, 500)),
    ("the caller's right counts before the body", by("", 403, 400)),
    ("the caller's right counts before the thing", by("types|default-types", 403, 404)),
    ("a thing that is not there counts before the body", by("types/|volumes/|snap", 404, 400)),
    ("types are ordered by name, and markers of theirs count", _types_by_name),
    ("pages of lists in which what is deleted stays", _pages),
    ("filters that Cinder ignores before 3.31", _ignored),
    ("unknown keys are refused before 3.53, too", has("colour", 400, (200, 202))),
    ("unknown keys are refused before 3.53, too", has("scheduler_hints", 400, 202)),
    ("lists by id: ids are random", _by_id),
    ("projects that do not exist get no access", by(r"types/.*/os-volume-type-access", 200, 200)),
    ("projects that do not exist get no access", by(r"types/.*/action", (400, 404), 202)),
    ("unknown parameters are refused", by(r"[\w-]+(/detail)?\?|limits\?", 400, 200)),
    ("Cinder's default settings allow fewer filters", by(r"[\w-]+(/detail)?\?", 200, 400)),
    ("types differ, and those of others are hidden", by("os-quota-(class-)?sets/.*", 200, 200)),
    ("zones are told of processes there", by("os-availability-zone", 200, 200)),
    ("processes are told from a table there", by("os-hosts", 200, 200)),
    ("extensions are told as they are on each side", by("extensions", 200, 200)),
)
"""In this order, the first that holds counts."""
