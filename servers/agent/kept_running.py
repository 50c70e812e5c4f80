"""Which guests run, kept on disk, so that they can be started again: after the machine was started
anew, and after the agent has ended them itself.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from servers.agent.files import read_json, write_durably
from servers.agent.machine import boot_id


class KeptRunning:
    def __init__(self, folder: Path) -> None:
        self.path = folder / "running.json"
        kept = read_json(self.path) or {}
        self.guests = frozenset(map(str, kept.get("guests", ())))
        """Those that ran when somebody looked last."""
        self.boot_id = str(kept.get("boot_id", ""))
        self.ended = bool(kept.get("ended", False))
        """Has the agent ended them itself?"""

    def to_start(self, *, after_boot: bool) -> frozenset[str]:
        """Those that shall run and do not: what the agent has ended, and, if ``after_boot``, what
        ended with the machine.
        """
        booted = self.boot_id not in ("", boot_id())
        return self.guests if self.ended or (booted and after_boot) else frozenset()

    def note(self, guests: Collection[str], *, ended: bool = False) -> None:
        """These run, or did until the agent ``ended`` them."""
        now = (frozenset(guests), boot_id(), ended)
        if now != (self.guests, self.boot_id, self.ended):
            self.guests, self.boot_id, self.ended = now
            value = {"guests": sorted(guests), "boot_id": self.boot_id, "ended": ended}
            write_durably(self.path, value)
