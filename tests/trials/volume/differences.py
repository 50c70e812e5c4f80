"""In what two answers differ."""

from __future__ import annotations

import itertools
import re
from typing import Any

from tests.trials.service import Answer
from tests.trials.shapes import first_difference
from tests.trials.shapes import shape as whole_shape

FREE = (
    *("metadata", "links", "extra_specs", "filters", "volume_image_metadata", "rate", "specs"),
    "group_specs",
    *("volumes_links", "snapshots_links", "attachments_links", "transfers_links"),
    *("volume_type_links", "volume_types_links"),
)
"""Keys whose contents are not compared by shape."""
OF_TYPE = re.compile("(volumes|snapshots|gigabytes)_")
PLAIN = (
    *("name", "description", "size", "bootable", "multiattach", "encrypted", "metadata"),
    *("consumer", "is_public", "specs", "group_specs", "extra_specs"),
    *("provider", "control_location", "cipher", "key_size"),
)
"""Keys whose values are compared where one thing is told of; what has no name is null in Cinder."""
OF_DEMO = ("volumes", "snapshots", "attachments", "transfers")
"""In lists of these is nothing but what the trial has made."""
LISTED = (
    *("volumes", "snapshots", "volume_types", "groups", "group_snapshots", "backups"),
    *("group_types", "qos_specs", "attachments", "transfers"),
)


def shape(value: Any) -> Any:
    return whole_shape(value, FREE)


def order(answer: Answer, salt: str) -> list[str]:
    """The names of what is listed, in this order; of lists that have what others made, those of the
    trial.
    """
    for key in LISTED:
        rows = answer.json.get(key) if isinstance(answer.json, dict) else None
        if isinstance(rows, list):
            names = [str(row.get("name") or "") for row in rows if isinstance(row, dict)]
            return names if key in OF_DEMO else [name for name in names if salt in name]
    return []


def differs(ours: Answer, theirs: Answer, salt: str) -> str | None:
    """In what; ``None``: in nothing."""
    if ours.status != theirs.status:
        return f"status {ours.status}, theirs {theirs.status}"
    if ours.status >= 300 or not isinstance(ours.json, dict):
        return None
    if "quota" in next(iter(ours.json), ""):
        return _quotas_differ(*ours.json.values(), *theirs.json.values())
    if isinstance(next(iter(ours.json.values()), None), list):
        return _lists_differ(ours, theirs, salt)
    if shape(ours.json) != shape(theirs.json):
        return f"keys {first_difference(shape(ours.json), shape(theirs.json))}"
    return _values_differ(ours.json, theirs.json)


def _quotas_differ(mine: Any, other: Any) -> str | None:
    """Without those of types: each side has types of its own."""
    limits = [
        {name: limit for name, limit in side.items() if not OF_TYPE.match(name) and name != "id"}
        for side in (mine, other)
    ]
    return None if limits[0] == limits[1] else f"quotas {limits[0]}, theirs {limits[1]}"


def _values_differ(mine: Any, other: Any) -> str | None:
    for key in PLAIN:
        if key in mine and (mine[key] or None) != (other[key] or None):
            return f"value of {key}: {mine[key]!r:.40}, theirs {other[key]!r:.40}"
    inner = next(iter(mine.values()), None) if len(mine) == 1 else None
    return _values_differ(inner, *other.values()) if isinstance(inner, dict) else None


def _lists_differ(ours: Answer, theirs: Answer, salt: str) -> str | None:
    key = next(iter(ours.json), "")
    mine, other = ours.json.get(key) or [], theirs.json.get(key) or []
    if order(ours, salt) != order(theirs, salt):
        return f"order or rows of the list {_first_row(order(ours, salt), order(theirs, salt))}"
    if key in OF_DEMO:
        if len(mine) != len(other):
            return f"number of {key}: {len(mine)}, theirs {len(other)}"
        pairs = zip(mine, other, strict=True)
        return next((found for pair in pairs if (found := _values_differ(*pair))), None)
    if mine and other and shape(mine[0]) != shape(other[0]):
        return f"keys {sorted(set(shape(mine[0])) ^ set(shape(other[0])))}"
    return None


def _first_row(mine: list[str], other: list[str]) -> str:
    """Where two lists differ first."""
    pairs = itertools.zip_longest(mine, other)
    return next(f"{one}, theirs {two}"[:80] for one, two in pairs if one != two)
