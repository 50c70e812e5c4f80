"""Keeps guests as files and runs nothing: for tests of everything but the guests themselves.

``guests/ID/power`` holds the power state as a number; who writes 4 there has powered the guest off
from inside.
"""

from __future__ import annotations

import os
import platform
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from servers.agent.files import read_json, write_durably
from servers.agent.hypervisor.protocol import NoGuest, Power

AFTER = {
    "start": Power.RUNNING,
    "stop": Power.SHUT_DOWN,
    "reboot": Power.RUNNING,
    "reset": Power.RUNNING,
    "pause": Power.PAUSED,
    "unpause": Power.RUNNING,
    "suspend": Power.SUSPENDED,
    "resume": Power.RUNNING,
}
SECRETS = ("admin_password", "files")
"""What is not kept of a guest."""
GIB = 1 << 30


class Pretend:
    def __init__(self, state_dir: Path, *, delay: float = 0.0) -> None:
        self.folder = state_dir / "pretend"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.delay = delay

    def missing(self) -> list[str]:
        return []

    def stock(self) -> dict[str, Any]:
        pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return {
            "vcpus": os.cpu_count() or 1,
            "memory_mb": pages >> 20,
            "local_gb": shutil.disk_usage(self.folder).total // GIB,
            "hypervisor_type": "pretend",
            "hypervisor_version": 1,
            "supported_instances": [[platform.machine(), "pretend", "hvm"]],
            "cpu_info": {"arch": platform.machine()},
        }

    def spawn(self, guest: Mapping[str, Any], image: Path) -> None:
        folder = self.folder / str(guest["server_id"])
        folder.mkdir(mode=0o700, exist_ok=True)
        shutil.copyfile(image, folder / "disk")
        kept = {key: value for key, value in guest.items() if key not in SECRETS}
        write_durably(folder / "guest.json", kept)
        self._log(folder, f"{guest['hostname']} login:")
        self._work()
        self._set(folder, Power.RUNNING)

    def destroy(self, server_id: str) -> None:
        self._work()
        shutil.rmtree(self.folder / server_id, ignore_errors=True)

    def change_power(self, server_id: str, change: str) -> None:
        folder = self._find(server_id)
        self._work()
        self._log(folder, change)
        self._set(folder, AFTER[change])

    def attach_nic(self, server_id: str, nic: Mapping[str, Any]) -> None:
        self._change_nics(server_id, str(nic["port_id"]), [dict(nic)])

    def detach_nic(self, server_id: str, port_id: str) -> None:
        self._change_nics(server_id, port_id, [])

    def read_console(self, server_id: str) -> str:
        return (self._find(server_id) / "console.log").read_text(encoding="utf-8")

    def power_states(self) -> dict[str, Power]:
        return {path.parent.name: _power_in(path) for path in sorted(self.folder.glob("*/power"))}

    def _change_nics(self, server_id: str, port_id: str, new: list[dict[str, Any]]) -> None:
        path = self._find(server_id) / "guest.json"
        guest = read_json(path)
        others = [nic for nic in guest.get("nics", ()) if nic["port_id"] != port_id]
        self._work()
        write_durably(path, {**guest, "nics": [*others, *new]})

    def _find(self, server_id: str) -> Path:
        folder = self.folder / server_id
        if not (folder / "power").exists():
            raise NoGuest(server_id)
        return folder

    def _set(self, folder: Path, power: Power) -> None:
        write_durably(folder / "power", int(power))

    def _log(self, folder: Path, line: str) -> None:
        with (folder / "console.log").open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def _work(self) -> None:
        if self.delay:
            time.sleep(self.delay)


def _power_in(path: Path) -> Power:
    try:
        return Power(int(path.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError):
        return Power.NO_STATE
