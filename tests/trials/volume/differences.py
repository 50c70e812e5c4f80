"""In what two answers differ."""

from __future__ import annotations

import re
from typing import Any

from tests.trials.service import Answer
from tests.trials.shapes import first_difference
from tests.trials.shapes import shape as whole_shape
from tests.trials.volume.sides import Request

FREE = (
    *("metadata", "links", "extra_specs", "filters", "volume_image_metadata", "rate"),
    *("volumes_links", "snapshots_links", "attachments_links", "transfers_links"),
    *("volume_type_links", "volume_types_links"),
)
"""Keys whose contents are not compared by shape."""
PREPARED = re.compile(r"[vs]\d-")


def shape(value: Any) -> Any:
    return whole_shape(value, FREE)


def order(answer: Answer) -> list[str]:
    """The names of what was prepared, in the order of the list. The rest is used up by requests,
    and where Cinder's other processes do not run, what is deleted stays.
    """
    for key in ("volumes", "snapshots", "volume_types"):
        rows = answer.json.get(key) if isinstance(answer.json, dict) else None
        if isinstance(rows, list):
            names = [str(row.get("name")) for row in rows if isinstance(row, dict)]
            return [name for name in names if PREPARED.match(name)]
    return []


def differs(request: Request, ours: Answer, theirs: Answer) -> str | None:
    """In what; ``None``: in nothing."""
    if ours.status != theirs.status:
        return f"status {ours.status}, theirs {theirs.status}"
    if ours.status >= 300 or not isinstance(ours.json, dict):
        return None
    if request.kind == "list":
        return _lists_differ(ours, theirs)
    if shape(ours.json) != shape(theirs.json):
        return f"keys {first_difference(shape(ours.json), shape(theirs.json))}"
    return None


def _lists_differ(ours: Answer, theirs: Answer) -> str | None:
    key = next(iter(ours.json), "")
    mine, other = ours.json.get(key) or [], theirs.json.get(key) or []
    if order(ours) != order(theirs):
        return "order or rows of the list"
    if mine and other and shape(mine[0]) != shape(other[0]):
        return f"keys {sorted(set(shape(mine[0])) ^ set(shape(other[0])))}"
    return None
