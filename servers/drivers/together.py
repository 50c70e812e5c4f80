"""Calls drivers for several guests."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Sequence
from functools import cache
from typing import TypeVar

What = TypeVar("What")

AT_ONCE = 64
"""Calls of drivers of this process that run at once; they wait for hosts and need few CPUs."""


def call_together(call: Callable[[What], None], each: Sequence[What]) -> list[Exception | None]:
    """Call it for each, all at once; the error of each, or ``None``. The calls may not use the
    database: their threads would keep connections.
    """
    if len(each) < 2:
        return call_each(call, each)
    futures = [_threads().submit(_outcome, call, one) for one in each]
    return [future.result() for future in futures]


def call_each(call: Callable[[What], None], each: Sequence[What]) -> list[Exception | None]:
    """Call it for one after the other; the error of each, or ``None``."""
    return [_outcome(call, one) for one in each]


def _outcome(call: Callable[[What], None], one: What) -> Exception | None:
    try:
        call(one)
    except Exception as error:  # noqa: BLE001 - the caller decides what it means
        return error
    return None


@cache
def _threads() -> concurrent.futures.ThreadPoolExecutor:
    return concurrent.futures.ThreadPoolExecutor(AT_ONCE, "driver")
