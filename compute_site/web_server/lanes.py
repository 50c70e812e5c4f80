"""Which threads answer a request. What takes long waits in a lane of its own, so that it holds up
nothing else: checks of passwords, and bodies that are larger than what is collected.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Any

from compute_site.web_server.head import Head
from compute_site.web_server.intake import Stage

LOGIN = re.compile(
    r"/(auth/tokens|OS-OAUTH2/token|login|password|users|application_credentials)/?$",
    re.IGNORECASE,
)
"""Where passwords are sent to, be it to prove or to set them."""


Task = tuple[Callable[..., None], tuple[Any, ...]]


@dataclasses.dataclass
class Lane:
    """Some threads, and how many requests may wait for one of them."""

    threads: int
    queue: int
    taken: int = 0
    """Requests that wait or are being answered."""
    started: int = 0
    """Threads that run: as many as there have been requests at once."""
    tasks: SimpleQueue[Task | None] = dataclasses.field(default_factory=SimpleQueue)

    @property
    def is_busy(self) -> bool:
        return self.taken >= self.threads

    @property
    def is_full(self) -> bool:
        return self.taken >= self.threads + self.queue

    def submit(self, work: Callable[..., None], *arguments: Any) -> None:
        """``work`` may raise nothing."""
        self.taken += 1
        self.tasks.put((work, arguments))
        if self.taken > self.started < self.threads:
            self.started += 1
            Thread(target=self._run, name=f"lane-{self.started}", daemon=True).start()

    def stop(self) -> None:
        """End the threads that have nothing to do; the others end with the process."""
        for _ in range(self.started):
            self.tasks.put(None)

    def _run(self) -> None:
        while (task := self.tasks.get()) is not None:
            work, arguments = task
            work(*arguments)
            del task, work, arguments  # else they live as long as the thread waits


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
            lane.stop()
