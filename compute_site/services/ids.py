"""Ids of the local services: UUIDs in their one canonical form."""

from __future__ import annotations

import uuid
from collections.abc import Iterable


def is_canonical(text: str) -> bool:
    """Is it a UUID with hyphens and in small letters, as the services write it?"""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def canonical_ids(texts: Iterable[str]) -> list[uuid.UUID]:
    """The canonical UUIDs among the texts, once each and in ascending order."""
    return sorted({uuid.UUID(text) for text in texts if is_canonical(text)})
