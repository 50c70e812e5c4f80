"""Lets the process die before a chosen statement, or after a chosen call of a service elsewhere:
nothing after it reaches the database.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection

from compute_site.neighbours.elsewhere.remote import RemoteService
from tests.world.jobs import run_jobs


class Killed(BaseException):
    """What a killed process cannot catch."""


class Crash:
    """A wrapper of statements; ``happened`` tells whether there were enough statements to die.

    They are counted from the beginning, or from the time that ``begin`` is called.
    """

    def __init__(self, at: int, *, waiting: bool = False) -> None:
        self.left = at
        self.waiting = waiting
        self.happened = False

    def begin(self) -> None:
        self.waiting = False

    def __call__(
        self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if self.waiting:
            return execute(sql, params, many, context)
        self.left -= 1
        if self.left <= 0:
            self.happened = True
            raise Killed
        return execute(sql, params, many, context)


def run_jobs_with_crash(crash: Crash) -> None:
    """Run all jobs, unless the process dies before.

    The job of the dead worker is then queued again, as the periodic task would do.
    """
    with contextlib.suppress(Killed), connection.execute_wrapper(crash):
        run_jobs()
    bury_worker()


def bury_worker() -> None:
    """The session of a dead worker ends, and its locks with it; its jobs are queued again."""
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE status = 'doing'")


def every_crash(most: int = 400) -> Iterator[int]:
    """1, 2, 3 …: where to die; the test ends the loop when nothing was left to die at."""
    yield from range(1, most)
    raise AssertionError("the jobs never end")


class Death:
    """Kills whoever has made so many calls of services elsewhere, before the answer is read."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.left = 0
        send = RemoteService.send

        def dying(service: RemoteService, *args: Any, **values: Any) -> Any:
            answer = send(service, *args, **values)
            self.left -= 1
            if self.left == 0:
                raise Killed
            return answer

        patch.setattr(RemoteService, "send", dying)

    def after(self, calls: int, act: Callable[[], object]) -> bool:
        """Did whoever acts die?"""
        self.left = calls
        with contextlib.suppress(Killed):
            act()
            self.left = 0
            return False
        bury_worker()
        return True
