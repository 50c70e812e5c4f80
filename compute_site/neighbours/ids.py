"""Recognises ids and IP addresses in texts, for the local services."""

from __future__ import annotations

import ipaddress
import uuid
from collections.abc import Iterable

from compute_site.values.words import is_canonical


def canonical_ids(texts: Iterable[str]) -> list[uuid.UUID]:
    """The canonical UUIDs among the texts, once each and in ascending order."""
    return sorted({uuid.UUID(text) for text in texts if is_canonical(text)})


def is_address(text: str) -> bool:
    """Is it an IP address?"""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
