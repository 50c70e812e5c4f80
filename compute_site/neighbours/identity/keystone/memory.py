"""Remembers for a while what tokens stand for, so that not every request asks Keystone.

It holds no token, only digests, and no more of them than it may. A token that is revoked counts
until it is forgotten.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import Generic, TypeVar

Known = TypeVar("Known")


class Memory(Generic[Known]):
    """Threads share it; the entry that was used longest ago goes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, tuple[float, Known]] = OrderedDict()

    def find(self, digest: str) -> Known | None:
        with self._lock:
            until, known = self._entries.get(digest, (0.0, None))
            if known is None:
                return None
            if until <= time.monotonic():
                del self._entries[digest]
                return None
            self._entries.move_to_end(digest)
            return known

    def keep(self, digest: str, known: Known, *, seconds: float, most: int) -> None:
        """Remember it for so long, and no more than ``most`` entries."""
        if seconds <= 0:
            return
        with self._lock:
            self._entries[digest] = (time.monotonic() + seconds, known)
            self._entries.move_to_end(digest)
            while len(self._entries) > most:
                self._entries.popitem(last=False)

    def forget(self) -> None:
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        return len(self._entries)
