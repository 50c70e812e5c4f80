"""Reasons why answers differ, of which each trial has a table in its ``known.py``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.trials.service import Answer

Statuses = int | tuple[int, ...] | None
Test = Callable[[Any, Answer, Answer], bool]


def find_reason(known: Iterable[tuple[str, Callable[..., bool]]], *seen: Any) -> str | None:
    """The first that holds for what was seen."""
    return next((reason for reason, holds in known if holds(*seen)), None)


def by(path: str, ours: Statuses, theirs: Statuses, method: str = "") -> Test:
    """Requests whose path is like this and that have these statuses; ``None``: every one."""

    def holds(request: Any, our_answer: Answer, their_answer: Answer) -> bool:
        return (
            re.match(path, request.path) is not None
            and method in ("", request.method)
            and _is_among(our_answer.status, ours)
            and _is_among(their_answer.status, theirs)
        )

    return holds


def has(key: str, ours: Statuses, theirs: Statuses) -> Test:
    """The same of requests that have the key in their body."""
    alike = by("", ours, theirs)

    def holds(request: Any, our_answer: Answer, their_answer: Answer) -> bool:
        said = f'"{key}"' in json.dumps(request.body)
        return said and alike(request, our_answer, their_answer)

    return holds


def _is_among(status: int, wanted: Statuses) -> bool:
    return wanted is None or status in (wanted if isinstance(wanted, tuple) else (wanted,))
