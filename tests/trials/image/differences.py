"""In what two answers differ."""

from __future__ import annotations

from typing import Any

from tests.trials.image.sides import Request
from tests.trials.service import Answer
from tests.trials.shapes import first_difference, shape

LISTS = {"images": "name", "namespaces": "namespace", "tags": "name", "objects": "name"}
"""What rows are known by."""
PREPARED = ("i", "N")


def prepared(answer: Answer, salt: str) -> list[str]:
    """What was prepared, in the order of the list; other things are used up by requests."""
    for key, column in LISTS.items():
        rows = answer.json.get(key) if isinstance(answer.json, dict) else None
        if isinstance(rows, list):
            names = [str(row.get(column)) for row in rows if isinstance(row, dict)]
            return [name for name in names if name[:1] in PREPARED and name.endswith(salt)]
    return []


def differs(request: Request, ours: Answer, theirs: Answer, salt: str) -> str | None:
    """In what; ``None``: in nothing."""
    if ours.status != theirs.status:
        return f"status {ours.status}, theirs {theirs.status}"
    if ours.status >= 300 or not isinstance(ours.json, dict):
        return None
    if request.kind in ("list", "namespaces"):
        mine, other = prepared(ours, salt), prepared(theirs, salt)
        return None if mine == other else f"rows {mine}, theirs {other}"
    return _contents_differ(request, ours.json, theirs.json)


def _contents_differ(request: Request, mine: Any, other: Any) -> str | None:
    if request.path.startswith("schemas/"):
        return None if mine["name"] == other["name"] else "name of the schema"
    if request.kind == "about":
        return None if set(mine) == set(other) else "keys of the document"
    if shape(mine) != shape(other):
        return f"keys {first_difference(shape(mine), shape(other))}"
    return _values(mine, other) if request.kind in ("image", "create") else None


PLAIN = (
    *("status", "visibility", "min_ram", "min_disk", "disk_format", "container_format"),
    *("protected", "os_hidden", "size", "checksum", "os_hash_value", "os_distro", "new"),
)


def _values(mine: Any, other: Any) -> str | None:
    for key in PLAIN:
        if mine.get(key) != other.get(key):
            return f"value of {key}: {mine.get(key)!r:.40}, theirs {other.get(key)!r:.40}"
    if sorted(mine.get("tags") or []) != sorted(other.get("tags") or []):
        return "tags"
    return None
