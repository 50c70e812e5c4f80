"""A section of the file: the keys of its entries, and how they are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from compute_site.cloudfile.cloud import Cloud
from compute_site.cloudfile.entry import Entry
from compute_site.keys import Key, read_keys


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``unique`` lists the sets of keys whose values may occur only once in the section.

    ``write`` is called even when the section has no entries. ``unpack`` turns the section, as it is
    in the file, into a list of entries. ``after`` names the sections that must be written before
    this one, because its entries refer to theirs.
    """

    name: str
    keys: Mapping[str, Key]
    write: Callable[[Sequence[Entry], Cloud], None]
    label: str = "name"
    after: Sequence[str] = ()
    rest: str | None = None
    unique: Sequence[tuple[str, ...]] = ()
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
                place = f"{place} ({item[self.label]})"
            if not all(isinstance(key, str) for key in item):
                problems.append(f"{place}: every key is a text; put it in quotes")
                continue
            values, wrong = read_keys(item, self.keys, self.rest)
            problems += [f"{place}, {text}" for text in wrong]
            entries.append(Entry(place, values, frozenset(item)))
        return entries, problems or self._repeated(entries)

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
