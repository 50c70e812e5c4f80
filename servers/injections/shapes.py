"""The keys of a fault on request, by its kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.values.keys import (
    Key,
    WrongValue,
    between,
    filled_line,
    line,
    one_of,
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


@dataclasses.dataclass(frozen=True, slots=True)
class InjectionOrder:
    """A fault that is asked for: its kind, and a value for each key of the kind."""

    kind: str
    details: Mapping[str, Any]
