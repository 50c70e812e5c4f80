r"""Checks that a client's regular expression is cheap enough for PostgreSQL to match.

The length of a pattern does not tell its cost: with a back reference PostgreSQL tries every way to
divide a text, and repeated alternatives make the automaton so large that it takes seconds to build.
So back references are refused, and every other part of a pattern has a weight.
"""

from __future__ import annotations

import re

MOST_WEIGHT = 2000
"""Measured with PostgreSQL 18: the worst patterns of this weight take 0.5 s for 2,000 names."""

CHEAP_WEIGHT = 200
"""If the database takes too long to look for less, something else is to blame."""

ATOM = 1
CLASS = 8
CHOICE = 32
LOOK_AROUND = 400
RANGE = 4
"""For each repetition that may be left out."""

TOKEN = re.compile(
    r"""
    \\. |                                         # an escape
    \[ \^? \]? (?: \\. | [^\]\\] )* \] |          # a class
    \{ (?P<least>\d{1,4}) (?P<range>,?) (?P<most>\d{0,4}) \} |
    \(\?\# [^)]* \) | \(\? [a-z]+ \) |            # a comment, and options
    \(\? (?: <? [=!] | : ) |                      # a look around, and a group
    [()?*+|] | .
    """,
    re.VERBOSE | re.DOTALL,
)
DIRECTIVE = re.compile(r"\*\*\*|\(\?[a-z]*[^\Wims][a-z]*\)")
"""What would give the rest of the pattern another meaning, such as ``(?x)``."""


class CostlyPattern(ValueError):
    """A pattern that could keep the database busy; the text says why."""


def check_pattern(pattern: str) -> None:
    """Check that the database can match the (valid) pattern in reasonable time.

    Raises:
        CostlyPattern: it cannot.
    """
    if DIRECTIVE.match(pattern):
        raise CostlyPattern("of options at the beginning only (?i), (?m) and (?s) are understood")
    if weigh(pattern) > MOST_WEIGHT:
        raise CostlyPattern("it has too many choices, repetitions or looks around")


def is_costly(pattern: str) -> bool:
    """May a statement have taken too long because of this pattern, which was checked?"""
    return weigh(pattern) > CHEAP_WEIGHT


def weigh(pattern: str) -> int:
    """The cost of matching the pattern; raises ``CostlyPattern`` for back references."""
    groups = [_Group()]
    for token in TOKEN.finditer(pattern):
        text, group = token.group(), groups[-1]
        if text[0] == "(" and text[-1] == ")":
            continue
        if text[0] == "(":
            groups.append(_Group(before=LOOK_AROUND if text[-1] in "=!" else 0))
        elif text == ")" and len(groups) > 1:
            groups[-2].add(groups.pop().weight)
        elif text == "|":
            group.add(CHOICE)
        elif text in ("?", "*", "+"):
            group.last += CHOICE
        elif token["least"]:
            times = max(1, int(token["least"]), int(token["most"] or 0))
            group.last = group.last * times + (RANGE * times if token["range"] else 0)
        else:
            group.add(_weigh_atom(text))
    return sum(group.weight for group in groups)


class _Group:
    """The content of a pair of parentheses; a repetition applies to its last part only."""

    def __init__(self, before: int = 0) -> None:
        self.before = before
        self.last = 0

    def add(self, weight: int) -> None:
        self.before += self.last
        self.last = weight

    @property
    def weight(self) -> int:
        return self.before + self.last


def _weigh_atom(text: str) -> int:
    if text[0] == "\\" and text[1:] in tuple("123456789"):
        raise CostlyPattern("back references are not understood")
    return ATOM if len(text) == 1 and text != "." else CLASS
