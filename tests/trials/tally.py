"""How the answers of two services compared."""

from __future__ import annotations

import collections
import dataclasses


@dataclasses.dataclass
class Tally:
    """``named``: differences with a known reason, by that. ``rest``: those without, by the kind of
    request and difference.
    """

    alike: int = 0
    named: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    rest: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def note(self, kind: str, request: object, ours: object, theirs: object) -> None:
        """A difference for no known reason."""
        message = f"{request}\n      ours   {ours}\n      theirs {theirs}"
        self.rest.setdefault(kind, []).append(message)

    def show(self, count: int, shown: int) -> None:
        """Print it, with the first message of each of so many kinds, the most frequent first."""
        named = sum(self.named.values())
        print(f"{count} requests: {self.alike} alike, {named} differences with a known reason")
        for reason, times in self.named.most_common():
            print(f"  {times:5} {reason}")
        rest = sorted(self.rest.items(), key=lambda item: -len(item[1]))
        print(f"  {sum(len(all_) for _, all_ in rest):5} others, of {len(rest)} kinds")
        for kind, messages in rest[:shown]:
            print(f"* {len(messages)} x {kind}\n    {messages[0]}")
