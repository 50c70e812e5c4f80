"""An entry of a section of the file, with its place for messages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from compute_site.cloudfile.errors import CloudFileError


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``given`` are the keys that it has in the file."""

    place: str
    values: Mapping[str, Any]
    given: frozenset[str]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def wrong(self, key: str, text: str) -> CloudFileError:
        return CloudFileError([f"{self.place}, key {key}: {text}"])
