"""Texts that nobody can guess, from one number of the system's generator: to ask it again for each
character, as ``secrets.choice`` does, takes fifty system calls for a password.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

BITS = 32
"""Of each draw, and as many in reserve; among at most a few hundred things, none is likelier than
another by more than one in a million.
"""


class Draw:
    """Draws at random, up to ``most`` times."""

    def __init__(self, most: int) -> None:
        self._number = secrets.randbits(BITS * (most + 1))

    def one_of(self, things: Sequence[str]) -> str:
        self._number, index = divmod(self._number, len(things))
        return things[index]

    def one_out_of(self, things: list[str]) -> str:
        """Take one away from the things."""
        self._number, index = divmod(self._number, len(things))
        return things.pop(index)


def random_text(characters: str, length: int) -> str:
    """A text of so many of the characters."""
    draw = Draw(length)
    return "".join(draw.one_of(characters) for _ in range(length))
