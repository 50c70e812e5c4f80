"""The keys of a fault on request, by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.faults import FieldFault, InvalidBody
from compute_site.values.keys import (
    Key,
    WrongValue,
    between,
    filled_line,
    line,
    one_of,
    read_keys,
    shown,
    text,
)
from quotas.resources import COUNTED

BUILD, REQUEST, HOST, QUOTA = "build", "request", "host", "quota"
STEPS = ("networking", "disks", "spawning")
FAIL, FAIL_HERE, HANG = "fail", "fail_here", "hang"
UNAVAILABLE, TOO_MANY, DROP, DELAY = "503", "429", "drop", "delay"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "any")
LONGEST = 3600
ALWAYS = "always"
WRONG_KEY = "wrong_key"


def _times(value: Any) -> Any:
    return None if value == ALWAYS else _number(value)


_number = between(1, 100_000, f"give a whole number from 1 to 100000, or {ALWAYS}")


def _path(value: Any) -> str:
    if not text(value).startswith("/"):
        raise WrongValue(f"give a path such as /compute/v2.1/servers*, not {shown(value)}")
    return str(value)


SECONDS = Key(between(0, LONGEST), default=60)
TIMES = Key(_times, default=1)
SHAPES: Mapping[str, Mapping[str, Key]] = {
    BUILD: {
        "step": Key(one_of(*STEPS), required=True),
        "outcome": Key(one_of(FAIL, FAIL_HERE, HANG), default=FAIL),
        "server": Key(line, default=""),
        "host": Key(line, default=""),
        "project": Key(line, default=""),
        "message": Key(line, default=""),
        "seconds": SECONDS,
        "times": TIMES,
    },
    REQUEST: {
        "path": Key(_path, required=True),
        "method": Key(one_of(*METHODS), default="any"),
        "outcome": Key(one_of(UNAVAILABLE, TOO_MANY, DROP, DELAY), default=UNAVAILABLE),
        "seconds": Key(between(0, LONGEST), default=1),
        "times": TIMES,
    },
    HOST: {"host": Key(filled_line, required=True)},
    QUOTA: {
        "project": Key(filled_line, required=True),
        "resource": Key(one_of(*COUNTED), default="instances"),
    },
}


def read_injection(given: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The kind, and a value for each of its keys.

    Raises:
        InvalidBody: it does not have the shape; all that is wrong is listed.
    """
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in SHAPES:
        told = f"give one of {', '.join(SHAPES)}, not {shown(kind)}"
        raise InvalidBody([FieldFault("fault.kind", WRONG_KEY, told)])
    others = {key: value for key, value in given.items() if key != "kind"}
    values, problems = read_keys(others, SHAPES[kind])
    if problems:
        raise InvalidBody([_blame(problem) for problem in problems])
    return kind, values


def _blame(problem: str) -> FieldFault:
    key, _, told = problem.removeprefix("key ").partition(": ")
    return FieldFault(f"fault.{key}", WRONG_KEY, told)
