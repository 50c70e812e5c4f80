"""How the answers of two services compared."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.trials.reasons import find_reason

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclasses.dataclass
class Tally:
    """``named``: what differs for a known reason, by that. ``rest``: what does for none, by the
    kind of request and difference.
    """

    alike: int = 0
    named: dict[str, list[str]] = dataclasses.field(default_factory=dict)
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
            self.name(reason, *seen[:3])
        return reason is not None

    def name(self, reason: str, request: object, ours: object, theirs: object) -> None:
        """A difference for a known reason."""
        self.named.setdefault(reason, []).append(_message(request, ours, theirs))

    def note(self, kind: str, request: object, ours: object, theirs: object) -> None:
        """A difference for no known reason."""
        self.rest.setdefault(kind, []).append(_message(request, ours, theirs))

    def show(self, count: int, shown: int, samples: int = 0) -> int:
        """Print it: of each known reason so many differences at random, and the first one of each
        of so many other kinds, the most frequent first. It returns the exit status of a command:
        not 0 where something differs for no known reason.
        """
        named, rest = _by_number(self.named), _by_number(self.rest)
        explained = sum(len(messages) for _, messages in named)
        print(f"{count} requests: {self.alike} alike, {explained} differences with a known reason")
        for reason, messages in named:
            print(f"  {len(messages):5} {reason}")
            for message in random.sample(messages, min(samples, len(messages))):
                print(f"    {message}")
        print(f"  {sum(len(messages) for _, messages in rest):5} others, of {len(rest)} kinds")
        for kind, messages in rest[:shown]:
            print(f"* {len(messages)} x {kind}\n    {messages[0]}")
        return 1 if self.rest else 0


def _message(request: object, ours: object, theirs: object) -> str:
    return f"{request}\n      ours   {ours}\n      theirs {theirs}"


def _by_number(kinds: Mapping[str, list[str]]) -> list[tuple[str, list[str]]]:
    """The most frequent first."""
    return sorted(kinds.items(), key=lambda item: -len(item[1]))


def place_of(path: str, ids: re.Pattern[str] = UUID) -> str:
    """The path without its query, and with the same word for all ids."""
    return ids.sub("ID", path.partition("?")[0])
