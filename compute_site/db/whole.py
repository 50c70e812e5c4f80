"""Transactions that any error undoes as a whole: blocks inside of them need no savepoints, each of
which costs two statements.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from django.db.transaction import Atomic, atomic

_is_whole: ContextVar[bool] = ContextVar("is_whole", default=False)


@contextlib.contextmanager
def whole() -> Iterator[None]:
    """A transaction; nothing of it is kept when an error leaves it."""
    with atomic():
        token = _is_whole.set(True)
        try:
            yield
        finally:
            _is_whole.reset(token)


def is_whole() -> bool:
    """Is such a transaction open?"""
    return _is_whole.get()


def part() -> Atomic:
    """A transaction, or a part of a whole one. Only for blocks whose errors nobody catches who goes
    on with the whole.
    """
    return atomic(savepoint=not _is_whole.get())
