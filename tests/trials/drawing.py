"""Draws of which random requests are made."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any


class Drawing:
    """The same seed draws the same."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)  # noqa: S311 - no secret

    def some(self, choices: Mapping[str, Sequence[Any]], most: int = 3) -> dict[str, Any]:
        """At most so many keys, with a value of each."""
        names = self.draw.sample(sorted(choices), min(len(choices), self.draw.randint(0, most)))
        return {name: self.draw.choice(choices[name]) for name in names}
