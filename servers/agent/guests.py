"""What this host has promised about its guests: which order each was made or changed by last.

A file for each guest, and one for each that is gone, so that an order that comes late changes
nothing.
"""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

from servers.agent.files import read_json, sync_folder, write_durably

KEPT_GONE = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """``built`` is the generation that the guest was built for; ``seq`` the last order."""

    server_id: str
    seq: int
    built: int
    gone: bool = False


class Guests:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder = folder
        self.lock = threading.Lock()
        values = [read_json(path) for path in folder.glob("*.json")]
        self.records = {value["server_id"]: Record(**value) for value in values if value}

    def find(self, server_id: str) -> Record | None:
        """What is known of it, be it gone or not."""
        with self.lock:
            return self.records.get(server_id)

    def present(self) -> dict[str, Record]:
        with self.lock:
            return {key: record for key, record in self.records.items() if not record.gone}

    def note(self, record: Record) -> None:
        write_durably(self.folder / f"{record.server_id}.json", dataclasses.asdict(record))
        with self.lock:
            self.records[record.server_id] = record
        if record.gone:
            self._prune()

    def _prune(self) -> None:
        with self.lock:
            gone = [record for record in self.records.values() if record.gone]
            gone.sort(key=lambda record: record.seq)
            forgotten = gone[: max(len(gone) - KEPT_GONE, 0)]
            for record in forgotten:
                del self.records[record.server_id]
        for record in forgotten:
            (self.folder / f"{record.server_id}.json").unlink(missing_ok=True)
        if forgotten:
            sync_folder(self.folder)
