"""Compares what a host or an aggregate says with what an extra spec asks of it, such as ``>= 2`` or
``<in> avx`` (nova/scheduler/filters/extra_specs_ops.py).
"""

from __future__ import annotations

import operator
from collections.abc import Callable

OR = "<or>"
ALL_IN = "<all-in>"

NUMBERS: dict[str, Callable[[float, float], bool]] = {
    "=": operator.ge,  # Nova: at least
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    "<=": operator.le,
}
TEXTS: dict[str, Callable[[str, str], bool]] = {
    "s==": operator.eq,
    "s!=": operator.ne,
    "s<": operator.lt,
    "s<=": operator.le,
    "s>": operator.gt,
    "s>=": operator.ge,
    "<in>": operator.contains,
}


def matches(value: str, asked: str) -> bool:
    """A text without an operator must be the same; an operator without a value matches nothing."""
    words = asked.split()
    first = words[0] if words else ""
    if first == OR:
        return value in words[1::2]
    if first == ALL_IN:
        return len(words) > 1 and all(word in value for word in words[1:])
    if first in TEXTS:
        return len(words) > 1 and TEXTS[first](value, words[1])
    if first in NUMBERS:
        return len(words) > 1 and _compare(NUMBERS[first], value, words[1])
    return value == asked


def _compare(test: Callable[[float, float], bool], value: str, asked: str) -> bool:
    """Nova: fails altogether where one of them is no number; here they do not match."""
    try:
        return test(float(value), float(asked))
    except ValueError:
        return False
