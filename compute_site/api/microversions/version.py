"""A microversion, compared by number."""

from __future__ import annotations

import re
from typing import NamedTuple

FORM = re.compile(r"([1-9]\d*)\.([1-9]\d*|0)", re.ASCII)


class Microversion(NamedTuple):
    """``2.67`` as numbers: 2.9 is older than 2.10."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    @property
    def is_legacy(self) -> bool:
        """Is this the old-compatible ``/v2``, where no microversion was chosen?"""
        return self == LEGACY

    @classmethod
    def parse(cls, text: str) -> Microversion:
        """Read ``"2.67"``.

        Raises:
            ValueError: the text is not two numbers without leading zeros with a dot between.
        """
        match = FORM.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a microversion such as 2.67")
        return cls(int(match[1]), int(match[2]))


LEGACY = Microversion(2, 0)
"""The old-compatible ``/v2``: every test for a microversion is false."""
OLDEST = Microversion(2, 1)
NEWEST = Microversion(2, 104)
