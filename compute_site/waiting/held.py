"""Requests whose answers wait for something to happen.

The site's own web server keeps such a request without a thread: the view says what is waited for
(``hold``), and the request is answered anew when that has happened, or when its time is over.
Streams stay open, and get what is new. Under other servers a thread waits, of which there are few.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, MutableMapping, Sequence
from time import monotonic, sleep
from typing import Any, ClassVar, Protocol, Self

from compute_site.faults import Fault

ROOM = "compute_site.room"
"""Where a web server that can keep requests has put its ``Room`` into the WSGI environment."""
HELD = "compute_site.held"
"""Where a view leaves what the request waits for."""
DROPPED = "compute_site.dropped"
"""Set where the connection shall end without an answer."""
UNTIL = "compute_site.until"
"""When a request that has waited must be answered, on the monotonic clock."""

MOST_BLOCKING = 2
"""So many threads of a process wait under other web servers; they are needed for the rest."""


class TooManyWait(Fault):
    """So many requests of this process wait already that this one must not."""

    status = 429
    code = "too_many_wait"
    headers = {"Retry-After": "1"}


class Held(ABC):
    """Something that a request waits for; ``until`` is set when the waiting begins."""

    pause: ClassVar[float] = 0.1
    """Seconds from one look to the next."""
    stays: ClassVar[bool] = False
    """Is it a stream, which gets what is new? Otherwise the request is answered anew."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.until = 0.0

    @classmethod
    @abstractmethod
    def look(cls, held: Sequence[Self]) -> Mapping[Self, bytes]:
        """Those of all that wait for things of this kind for which something has happened, and what
        a stream gets. One thread of a process calls it again and again.
        """


class Room(Protocol):
    """Where a web server keeps requests."""

    @property
    def is_full(self) -> bool: ...


def can_hold(environ: Mapping[str, Any]) -> bool:
    """Can the web server keep requests and streams without a thread?"""
    return ROOM in environ


def hold(environ: MutableMapping[str, Any], held: Held) -> bool:
    """Let the request wait: ``True``: leave it now, whatever the view returns is thrown away;
    ``False``: the waiting is over, so answer.

    Raises:
        TooManyWait: so many wait already.
    """
    room: Room | None = environ.get(ROOM)
    if room is None:
        wait_here(held)
        return False
    until = environ.get(UNTIL)
    if until is not None and monotonic() >= until:
        return False
    if until is None:
        check_room(room)
    held.until = until or monotonic() + held.seconds
    environ[HELD] = held
    return True


def keep_open(environ: MutableMapping[str, Any], stream: Held) -> bool:
    """Let the answer stay open for what is new; ``False``: the web server cannot do that.

    Raises:
        TooManyWait: so many wait already.
    """
    room: Room | None = environ.get(ROOM)
    if room is None:
        return False
    check_room(room)
    stream.until = monotonic() + stream.seconds
    environ[HELD] = stream
    return True


def check_room(room: Room) -> None:
    """Raises: TooManyWait: it is full."""
    if room.is_full:
        raise _too_many()


class Places:
    """Places for threads that wait."""

    def __init__(self, number: int) -> None:
        self._free = threading.BoundedSemaphore(number)

    def __enter__(self) -> None:
        if not self._free.acquire(blocking=False):
            raise _too_many()

    def __exit__(self, *_: object) -> None:
        self._free.release()


blocking = Places(MOST_BLOCKING)


def wait_here(held: Held) -> bytes:
    """Wait in this thread until it has happened, or the time is over; what a stream gets.

    Raises:
        TooManyWait: other threads wait already.
    """
    with blocking:
        held.until = monotonic() + held.seconds
        while monotonic() < held.until:
            found = type(held).look([held])
            if held in found:
                return found[held]
            sleep(held.pause)
    return b""


def _too_many() -> TooManyWait:
    return TooManyWait("Too many requests wait here already; ask again without waiting.")
