"""Calls drivers for several guests."""

from __future__ import annotations

import concurrent.futures
import contextvars
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

from django.db import connections

from servers.host_orders.parking import WaitingForHost

What = TypeVar("What")
Outcome = Exception | WaitingForHost | None

AT_ONCE = 64
"""Calls of drivers of this process that run at once; they wait for hosts and need few CPUs."""


def call_together(call: Callable[[What], None], each: Sequence[What]) -> list[Outcome]:
    """Call it for each, all at once; the error of each, or ``None``. A call that uses the database
    does so in a session of its own, which ends with the call.
    """
    if len(each) < 2:
        return call_each(call, each)
    futures = [
        _threads().submit(contextvars.copy_context().run, _outcome_apart, call, one) for one in each
    ]
    return [future.result() for future in futures]


def call_each(call: Callable[[What], None], each: Sequence[What]) -> list[Outcome]:
    """Call it for one after the other; the error of each, or ``None``."""
    return [_outcome(call, one) for one in each]


def _outcome_apart(call: Callable[[What], None], one: What) -> Outcome:
    """In another thread, which shall not keep a session of the database."""
    try:
        return _outcome(call, one)
    finally:
        connections.close_all()


def _outcome(call: Callable[[What], None], one: What) -> Outcome:
    try:
        call(one)
    except (Exception, WaitingForHost) as error:  # noqa: BLE001 - the caller decides what it means
        return error
    return None


@cache
def _threads() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(AT_ONCE, "driver")
