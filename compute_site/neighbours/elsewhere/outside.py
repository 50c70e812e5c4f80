"""The rule that nothing elsewhere is called while a transaction of ours is open: it would keep rows
locked while we wait, and what comes of it would not be undone with the transaction.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from django.db import connection

from compute_site.db.whole import is_whole

Given = ParamSpec("Given")
Result = TypeVar("Result")


class CalledInTransaction(RuntimeError):
    """A service elsewhere is called while a transaction of ours is open: a mistake of our own."""


def check_outside(what: str) -> None:
    """Requests that are one transaction from their beginning, those with a key against repetition,
    may call until they open another one inside: no row is locked till then.

    Raises:
        CalledInTransaction: a transaction is open.
    """
    # blocks of Django's own test case are those that ``atomic(durable=True)`` overlooks, too
    blocks: list[Any] = connection.atomic_blocks
    ours = [block for block in blocks if not block._from_testcase]  # noqa: SLF001
    if len(ours) > (1 if is_whole() else 0):
        raise CalledInTransaction(f"{what} is called while a transaction is open")


def outside(call: Callable[Given, Result]) -> Callable[Given, Result]:
    """The call asks something elsewhere; raises as ``check_outside``."""

    @functools.wraps(call)
    def checked(*given: Given.args, **named: Given.kwargs) -> Result:
        check_outside(call.__name__)
        return call(*given, **named)

    return checked
