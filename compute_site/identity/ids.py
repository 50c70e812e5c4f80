"""Ids of the identity service: new ones, and those that never change."""

from __future__ import annotations

import uuid
from functools import lru_cache

LONGEST_PROJECT_ID = 36
LONGEST_USER_ID = 64
"""Characters of the id of a user: those that Keystone makes of a directory's are SHA-256 in hex."""


def new_id() -> str:
    """32 hex digits, the form of ids in the identity service."""
    return uuid.uuid4().hex


@lru_cache(maxsize=256)
def stable_id(*words: str) -> str:
    """An id that is the same on every site, for what each site begins with."""
    return uuid.uuid5(uuid.NAMESPACE_URL, "compute-site:" + ":".join(words)).hex
