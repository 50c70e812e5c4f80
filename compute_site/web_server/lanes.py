"""Which threads answer a request. What takes long waits in a lane of its own, so that it holds up
nothing else: checks of passwords, and bodies that are larger than what is collected.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from compute_site.web_server.head import Head
from compute_site.web_server.intake import Stage

LOGIN = re.compile(r"/(auth/tokens|login|password|users|application_credentials)/?$", re.IGNORECASE)
"""Where passwords are sent to, be it to prove or to set them."""


@dataclasses.dataclass
class Lane:
    """Some threads, and how many requests may wait for one of them."""

    threads: int
    queue: int
    pool: ThreadPoolExecutor = dataclasses.field(init=False)
    taken: int = 0
    """Requests that wait or are being answered."""

    def __post_init__(self) -> None:
        self.pool = ThreadPoolExecutor(self.threads)

    @property
    def is_busy(self) -> bool:
        return self.taken >= self.threads

    @property
    def is_full(self) -> bool:
        return self.taken >= self.threads + self.queue

    def submit(self, work: Callable[..., None], *arguments: Any) -> None:
        self.taken += 1
        self.pool.submit(work, *arguments)


class Lanes:
    """The lanes of a process. Its main thread alone gives out the work."""

    def __init__(self, threads: int) -> None:
        self.general = Lane(threads, queue=200)
        self.logins = Lane(threads=2, queue=20)
        self.uploads = Lane(threads=2, queue=20)

    def choose(self, head: Head, stage: Stage) -> Lane:
        if stage is Stage.LARGE:
            return self.uploads
        by_name = head.values.get("AUTHORIZATION", "")[:6].lower() == "basic "
        if by_name or (head.method == "POST" and LOGIN.search(head.path)):
            return self.logins
        return self.general

    def stop(self) -> None:
        for lane in (self.general, self.logins, self.uploads):
            lane.pool.shutdown(wait=False)
