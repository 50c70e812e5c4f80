"""How the answers of two services compared."""

from __future__ import annotations

import collections
import dataclasses
import re
from collections.abc import Callable, Iterable
from typing import Any

from tests.trials.reasons import find_reason

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclasses.dataclass
class Tally:
    """``named``: differences with a known reason, by that. ``rest``: those without, by the kind of
    request and difference.
    """

    alike: int = 0
    named: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    rest: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def is_explained(
        self,
        found: str | None,
        known: Iterable[tuple[str, Callable[..., bool]]],
        *seen: Any,
    ) -> bool:
        """Count answers that are alike, or that differ for a known reason; is that all?"""
        if found is None:
            self.alike += 1
            return True
        reason = find_reason(known, *seen)
        if reason is not None:
            self.named[reason] += 1
        return reason is not None

    def note(self, kind: str, request: object, ours: object, theirs: object) -> None:
        """A difference for no known reason."""
        message = f"{request}\n      ours   {ours}\n      theirs {theirs}"
        self.rest.setdefault(kind, []).append(message)

    def show(self, count: int, shown: int) -> int:
        """Print it, with the first message of each of so many kinds, the most frequent first. It
        returns the exit status of a command: not 0 where something differs for no known reason.
        """
        named = sum(self.named.values())
        print(f"{count} requests: {self.alike} alike, {named} differences with a known reason")
        for reason, times in self.named.most_common():
            print(f"  {times:5} {reason}")
        rest = sorted(self.rest.items(), key=lambda item: -len(item[1]))
        print(f"  {sum(len(all_) for _, all_ in rest):5} others, of {len(rest)} kinds")
        for kind, messages in rest[:shown]:
            print(f"* {len(messages)} x {kind}\n    {messages[0]}")
        return 1 if self.rest else 0


def place_of(path: str, ids: re.Pattern[str] = UUID) -> str:
    """The path without its query, and with the same word for all ids."""
    return ids.sub("ID", path.partition("?")[0])
