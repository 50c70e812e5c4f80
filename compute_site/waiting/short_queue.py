"""One at a time, and few who wait: for work that takes long and that anybody may ask for, so that
it keeps few of the threads that answer requests.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from compute_site.faults import Fault


class ShortQueue:
    """``refusal`` is what those get who come while ``most_waiting`` wait already."""

    def __init__(self, most_waiting: int, refusal: type[Fault], detail: str) -> None:
        self._room = threading.Semaphore(1 + most_waiting)
        self._turn = threading.Lock()
        self._refusal = refusal
        self._detail = detail

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the others. Raises the refusal if they are too many."""
        if not self._room.acquire(blocking=False):
            raise self._refusal(self._detail)
        try:
            with self._turn:
                yield
        finally:
            self._room.release()
