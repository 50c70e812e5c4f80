"""Why some answers differ; docs/services.md names what a client may notice."""

from __future__ import annotations

import re

from tests.trials.reasons import Test, by
from tests.trials.service import Answer
from tests.trials.volume.sides import Request

LISTS = r"[\w-]+(/detail)?\?"
PAGING = r"(limit|offset|marker|sort|sort_key|sort_dir|with_count|all_tenants)="
OLD = ("3.0", "3.2", "3.14", "3.27")
"""Before filters are checked (3.31)."""
OLDEST = frozenset(("name", "status", "metadata", "bootable", "availability_zone"))
"""What Cinder's settings let members filter volumes by, in all versions."""
UNCHECKED = r"(volume-transfers|types|qos-specs|group_types|messages|limits)[/?]"
"""Lists whose filters Cinder never checks."""
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
    asked = set(re.findall(r"[?&](\w+~?)=", request.path))
    newer = [name for name in asked - OLDEST if not re.match(PAGING, f"{name}=")]
    if request.version not in OLD or not newer or not _both_list(request, ours, theirs):
        return False
    return _rows(ours) <= _rows(theirs)


def _types_by_name(request: Request, ours: Answer, theirs: Answer) -> bool:
    asked = re.match(r"types\?.*\b(name|description)=", request.path) is not None
    return asked and _both_list(request, ours, theirs) and _rows(ours) <= _rows(theirs)


def _no_groups(request: Request, ours: Answer, theirs: Answer) -> bool:
    asked = re.match(r"groups.*all_tenants=1", request.path) and not request.admin
    return bool(asked) and request.version in OLD and _rows(theirs) == 0 < _rows(ours)


def _pages_of_offers(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Cinder takes ``limit`` for what offers have, and none has it."""
    offers = re.match(r"(volume-transfers|os-volume-transfer)(/detail)?\?.*limit=", request.path)
    return bool(offers) and _both_list(request, ours, theirs) and _rows(theirs) == 0


def _rows(answer: Answer) -> int:
    """How many are listed."""
    return max((len(rows) for rows in answer.json.values() if isinstance(rows, list)), default=0)


def _unknown_filter(request: Request, ours: Answer, theirs: Answer) -> bool:
    """Is there one where Cinder looks at none: before 3.31, or in some lists?"""
    unchecked = request.version in OLD or re.match(UNCHECKED, request.path) is not None
    told = _tells_only("There is no (filter|parameter)", ours)
    return (ours.status, theirs.status) == (400, 200) and told and unchecked


def _fewer_filters(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = "Invalid filters" in str(theirs.json)
    read = ours.status == 200 or "marker_unknown" in str(ours.json)
    return read and theirs.status == 400 and told and not request.admin


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
    alone = _tells_only("(colour|scheduler_hints).* is not known", ours)
    return alone and unchecked and by("", 400, (200, 202))(request, ours, theirs)


def _newer_key(request: Request, ours: Answer, theirs: Answer) -> bool:
    told = _tells_only("needs microversion", ours)
    return ours.status == 400 and theirs.status in (200, 202, 404) and told


def _nobody(request: Request, ours: Answer, theirs: Answer) -> bool:
    asked = "nobody" in str(request.body)
    return asked and by(r"types/.*/action", (400, 404), 202)(request, ours, theirs)


KNOWN: tuple[tuple[str, Test], ...] = (
    ("Cinder breaks (500)", _breaks),
    ("of several faults, or rights and faults, another is told first", _faulty_twice),
    ("filters that Cinder ignores before 3.31", _ignored),
    ("types are found by their names, where Cinder lists all", _types_by_name),
    ("groups of all projects are none for members there before 3.29", _no_groups),
    ("offers have pages, before 3.59 too", _pages_of_offers),
    ("unknown keys are refused, where Cinder does not look at them, too", _colour),
    ("keys of newer microversions are refused", _newer_key),
    ("lists by id: ids are random", _by_id),
    ("projects that do not exist get no access", _nobody),
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
