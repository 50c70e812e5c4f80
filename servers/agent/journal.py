"""Remembers orders and their answers on disk: an order that comes again, after a crash of whomever,
is answered from here.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.agent.files import read_json, write_durably

KEPT = 1000


@dataclasses.dataclass(slots=True)
class Entry:
    """``answer`` is ``None`` until the order is carried out; ``sent``: the site has the answer."""

    id: str
    seq: int
    server_id: str
    task: str
    answer: Mapping[str, Any] | None = None
    sent: bool = False


class Journal:
    """A file for each order, without what the order tells of its guest."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.lock = threading.Lock()
        self.entries = {
            entry.id: entry for path in folder.glob("*.json") if (entry := _read(path)) is not None
        }

    def find(self, order_id: str) -> Entry | None:
        with self.lock:
            return self.entries.get(order_id)

    def begin(self, order: Mapping[str, Any]) -> Entry:
        """Before anything happens. An order that was begun before, in an earlier life, is begun
        once more.
        """
        entry = Entry(
            id=str(order["id"]),
            seq=int(order["seq"]),
            server_id=str(order["server_id"]),
            task=str(order["task"]),
        )
        self._write(entry)
        return entry

    def finish(self, entry: Entry, answer: Mapping[str, Any]) -> None:
        """After it has happened, before the site hears of it."""
        entry.answer = dict(answer)
        self._write(entry)
        self._prune()

    def note_sent(self, entry: Entry) -> None:
        entry.sent = True
        self._write(entry)

    def unsent(self) -> list[Entry]:
        """The answers that the site may not have, the oldest first."""
        with self.lock:
            found = [one for one in self.entries.values() if one.answer and not one.sent]
        return sorted(found, key=lambda entry: entry.seq)

    def _write(self, entry: Entry) -> None:
        with self.lock:
            self.entries[entry.id] = entry
        write_durably(self.folder / f"{entry.id}.json", dataclasses.asdict(entry))

    def _prune(self) -> None:
        """Forget the oldest of those that the site has the answer of."""
        with self.lock:
            over = len(self.entries) - KEPT
            sent = [entry for entry in self.entries.values() if entry.sent]
            gone = sorted(sent, key=lambda entry: entry.seq)[: max(over, 0)]
            for entry in gone:
                del self.entries[entry.id]
        for entry in gone:
            (self.folder / f"{entry.id}.json").unlink(missing_ok=True)


def _read(path: Path) -> Entry | None:
    known = {field.name for field in dataclasses.fields(Entry)}
    value = read_json(path)
    if not isinstance(value, dict):
        return None
    return Entry(**{name: value[name] for name in known & value.keys()})
