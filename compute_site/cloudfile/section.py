"""A section of the file: the keys of its entries, and how they are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.values.keys import IGNORED, Key, read_keys

LONGEST = 255
"""Characters of a text, where the section says nothing else."""
SHOWN = 60
"""Characters of a label in messages."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``unique`` lists the sets of keys whose values may occur only once in the section.

    ``write`` is called even when the section has no entries. ``unpack`` turns the section, as it is
    in the file, into a list of entries. ``after`` names the sections that must be written before
    this one, because its entries refer to theirs. ``longest`` are the characters of texts that may
    be longer, or must be shorter, than most.
    """

    name: str
    keys: Mapping[str, Key]
    write: Callable[[Sequence[Entry], Cloud], None]
    label: str = "name"
    after: Sequence[str] = ()
    rest: str | None = None
    unique: Sequence[tuple[str, ...]] = ()
    longest: Mapping[str, int] = dataclasses.field(default_factory=dict)
    unpack: Callable[[Any], Any] = lambda raw: raw

    def read(self, raw: Any) -> tuple[list[Entry], list[str]]:
        """The entries, and all their faults."""
        unpacked = self.unpack(raw)
        if not isinstance(unpacked, list):
            return [], [f"{self.name}: give a list of entries"]
        entries, problems = [], []
        for index, item in enumerate(unpacked):
            place = f"{self.name}[{index}]"
            if not isinstance(item, Mapping):
                problems.append(f"{place}: give an object, not {item!r}")
                continue
            if item.get(self.label) is not None:
                place = f"{place} ({str(item[self.label])[:SHOWN]})"
            if not all(isinstance(key, str) for key in item):
                problems.append(f"{place}: every key is a text; put it in quotes")
                continue
            wrong: Sequence[str] = list(self._too_long(item))
            values: dict[str, Any] = {}
            if not wrong:
                values, wrong = read_keys(item, self.keys, self.rest)
            problems += [f"{place}, {text}" for text in wrong]
            entries.append(Entry(place, values, frozenset(item)))
        return entries, problems or self._repeated(entries)

    def _too_long(self, item: Mapping[str, Any]) -> Iterable[str]:
        """What is longer than its column: the database would not say where it stands."""
        for name, key in self.keys.items():
            most = self.longest.get(name, LONGEST)
            for spelling in filter(None, (name, key.other_name)):
                value = item.get(spelling)
                if key is not IGNORED and isinstance(value, str) and len(value) > most:
                    yield (
                        f"key {spelling}: {len(value)} characters are too many; give at most {most}"
                    )

    def _repeated(self, entries: Iterable[Entry]) -> list[str]:
        problems = []
        for keys in self.unique:
            seen: dict[tuple[Any, ...], str] = {}
            for entry in entries:
                values = tuple(entry[key] for key in keys)
                if None in values:
                    continue
                if values in seen:
                    problems.append(
                        f"{entry.place}, key {keys[-1]}: {values[-1]} stands at {seen[values]} too"
                    )
                seen.setdefault(values, entry.place)
        return problems
