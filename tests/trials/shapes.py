"""The shapes of two answers, and where they differ first."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


def shape(value: Any, free: Collection[str] = ()) -> Any:
    """The keys of objects at any depth, without those that are free; of lists, the first object and
    the number.
    """
    if isinstance(value, dict):
        return {key: shape(item, free) for key, item in value.items() if key not in free}
    if isinstance(value, list):
        return [len(value), shape(value[0], free) if value else None]
    return None


def first_difference(mine: Any, other: Any, path: str = "") -> str:
    if isinstance(mine, dict) and isinstance(other, dict):
        for key in sorted(set(mine) ^ set(other)):
            return f"{path}{key} ({'ours' if key in mine else 'theirs'} alone)"
        for key in mine:
            if mine[key] != other[key]:
                return first_difference(mine[key], other[key], f"{path}{key}.")
    return f"{path.rstrip('.')}: {mine!r:.60} theirs {other!r:.60}"
