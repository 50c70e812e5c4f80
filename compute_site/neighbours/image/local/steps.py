"""Single changes of the keys of an image, as a PATCH lists them."""

from __future__ import annotations

import dataclasses
from typing import Any

ADD, REPLACE, REMOVE = "add", "replace", "remove"
KINDS = (ADD, REPLACE, REMOVE)


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """One change of one key. ``value`` means nothing where the key is removed."""

    kind: str
    key: str
    value: Any = None
