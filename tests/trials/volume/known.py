"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re

from tests.trials.reasons import Test, by, has
from tests.trials.service import Answer
from tests.trials.volume.sides import Request

LISTS = r"[\w-]+(/detail)?\?"
PAGING = r"(limit|offset|marker|sort|sort_key|sort_dir|with_count|all_tenants)="
OLD = ("3.0", "3.2", "3.14", "3.27")
"""Before filters are checked (3.31)."""
CLOSED = ("3.53", "3.54", "3.59", "3.62", "3.66", "3.71")
"""Those that are drawn in which Cinder checks the keys of bodies."""


def _breaks(request: Request, ours: Answer, theirs: Answer) -> bool:
    return ours.status < theirs.status == 500


def _faulty_twice(request: Request, ours: Answer, theirs: Answer) -> bool:
    return request.faulty_twice


def _both_list(request: Request, ours: Answer, theirs: Answer) -> bool:
    return re.match(LISTS, request.path) is not None and ours.status == theirs.status == 200


def _by_id(request: Request, ours: Answer, theirs: Answer) -> bool:
    by_id = re.search("sort_key=id|sort=id", request.path) is not None
    return _both_list(request, ours, theirs) and by_id


def _ignored(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Is there a filter that is none of the oldest ones?"""
    asked = re.findall(r"[?&](\w+~?)=", request.path)
    newer = [name for name in asked if not re.match(PAGING, f"{name}=")]
    return request.version in OLD and bool(newer) and _both_list(request, ours, theirs)


def _unknown_filter(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = _tells_only("There is no (filter|parameter)", ours)
    return (ours.status, theirs.status) == (400, 200) and told


def _fewer_filters(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = "Invalid filters" in str(theirs.json)
    return (ours.status, theirs.status) == (200, 400) and told and not request.admin


def _details(answer: Answer) -> list[str]:
    """What this site tells of each fault."""
    if answer.status < 400 or not isinstance(answer.json, dict):
        return []
    told = next(iter(answer.json.values()))
    return [f"{error.get('field')}: {error.get('detail')}" for error in told.get("errors", ())]


def _tells_only(pattern: str, ours: Answer) -> bool:
    details = _details(ours)
    return bool(details) and all(re.search(pattern, detail) for detail in details)


def _colour(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Is it one of the keys that Cinder does not check: before 3.53, or in volumes?"""
    unchecked = request.version not in CLOSED or request.path.startswith(("volumes", "types"))
    alone = _tells_only("colour", ours)
    return alone and unchecked and has("colour", 400, (200, 202))(request, ours, theirs)


def _newer_key(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = _tells_only("needs microversion", ours)
    return ours.status == 400 and theirs.status in (200, 202) and told


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Cinder breaks (500)", _breaks),
    ("of several faults, or rights and faults, another is told first", _faulty_twice),
    ("filters that Cinder ignores before 3.31", _ignored),
    ("unknown keys are refused, where Cinder does not look at them, too", _colour),
    ("keys of newer microversions are refused", _newer_key),
    ("lists by id: ids are random", _by_id),
    ("projects that do not exist get no access", by(r"types/.*/os-volume-type-access", 200, 200)),
    ("projects that do not exist get no access", by(r"types/.*/action", (400, 404), 202)),
    ("unknown parameters are refused", _unknown_filter),
    ("Cinder's default settings allow fewer filters", _fewer_filters),
    (
        "limits of other projects are refused",
        by(r"limits\?project_id={project_other}", 403, 200),
    ),
    ("zones are told of processes there", by("os-availability-zone", 200, 200)),
    ("processes are told from a table there", by("os-hosts", 200, 200)),
    ("extensions are told as they are on each side", by("extensions", 200, 200)),
)
"""In this order, the first that holds counts."""
