"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re

from tests.trials.reasons import Statuses, Test, by, has
from tests.trials.service import Answer
from tests.trials.volume.sides import Request

LISTS = r"[\w-]+(/detail)?\?"
PAGING = r"(limit|offset|marker|sort|sort_key|sort_dir|with_count|all_tenants)="
OLD = ("3.0", "3.2", "3.14", "3.27")
"""Before filters are checked (3.31)."""
CLOSED = ("3.53", "3.54", "3.59", "3.62", "3.66", "3.71")
"""Those that are drawn in which Cinder checks the keys of bodies."""


def _both_list(request: Request, ours: Answer, theirs: Answer) -> bool:
    return re.match(LISTS, request.path) is not None and ours.status == theirs.status == 200


def _pages(request: Request, ours: Answer, theirs: Answer) -> bool:
    paged = re.search(r"limit=|offset=|marker=", request.path) is not None
    return _both_list(request, ours, theirs) and paged


def _by_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    by_id = re.search("sort_key=id|sort=id", request.path) is not None
    return _both_list(request, ours, theirs) and by_id


def _ignored(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Is there a filter that is none of the oldest ones?"""
    asked = re.findall(r"[?&](\w+~?)=", request.path)
    newer = [name for name in asked if not re.match(PAGING, f"{name}=")]
    return request.version in OLD and bool(newer) and _both_list(request, ours, theirs)


def _types_by_name(request: Request, ours: Answer, theirs: Answer) -> bool:
    if not (request.path.startswith("types?") and _both_list(request, ours, theirs)):
        return False
    mine, other = (
        {row["name"] for row in answer.json["volume_types"]} for answer in (ours, theirs)
    )
    return mine == other or re.search("limit=|offset=|marker=", request.path) is not None


def _unknown_filter(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = str(ours.json)
    return (ours.status, theirs.status) == (400, 200) and "unknown_filter" in told


def _fewer_filters(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = "Invalid filters" in str(theirs.json)
    return (ours.status, theirs.status) == (200, 400) and told and not request.admin


def _no_right(ours: Statuses, theirs: Statuses, path: str = "") -> Test:
    alike = by(path, ours, theirs)
    return lambda request, mine, other: not request.admin and alike(request, mine, other)


def _nothing_there(request: Request, ours: Answer, theirs: Answer) -> bool:
    missing = re.search(r"{unknown}|{type_own}|/x\b", f"{request.path} {request.body}")
    return (ours.status, theirs.status) == (404, 400) and missing is not None


def _colour(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Is it one of the keys that Cinder does not check: before 3.53, or in volumes?"""
    unchecked = request.version not in CLOSED or request.path.startswith(("volumes", "types"))
    return unchecked and has("colour", 400, (200, 202))(request, ours, theirs)


def _newer_key(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = "needs microversion" in str(ours.json)
    return ours.status == 400 and theirs.status in (200, 202) and told


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Cinder breaks (500)", by("", None, 500)),
    ("the caller's right counts before the body", _no_right(403, 400)),
    ("the caller's right counts before the thing", _no_right(403, 404, "types|default-types")),
    ("a thing that is not there counts before the body", _nothing_there),
    ("types are ordered by name, and markers of theirs count", _types_by_name),
    ("pages of lists in which what is deleted stays", _pages),
    ("filters that Cinder ignores before 3.31", _ignored),
    ("unknown keys are refused, where Cinder does not look at them, too", _colour),
    ("unknown keys are refused before 3.53, too", has("scheduler_hints", 400, 202)),
    ("keys of newer microversions are refused", _newer_key),
    ("lists by id: ids are random", _by_id),
    ("projects that do not exist get no access", by(r"types/.*/os-volume-type-access", 200, 200)),
    ("projects that do not exist get no access", by(r"types/.*/action", (400, 404), 202)),
    ("unknown parameters are refused", _unknown_filter),
    ("Cinder's default settings allow fewer filters", _fewer_filters),
    ("limits of other projects are refused", _no_right(403, 200, r"limits\?project_id")),
    ("what is no id is told as such", has("group_id", 400, 404)),
    ("zones are told of processes there", by("os-availability-zone", 200, 200)),
    ("processes are told from a table there", by("os-hosts", 200, 200)),
    ("extensions are told as they are on each side", by("extensions", 200, 200)),
)
"""In this order, the first that holds counts."""
