"""Keeps guests as files and runs nothing: for tests of everything but the guests themselves.

``pretend/ID/power`` holds the power state as a number; who writes 4 there has powered the guest off
from inside. Calls that are named in ``pretend/fails`` (one a line) fail. A live migration goes to a
folder of the same machine, and takes ten times the delay of other calls.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.agent.files import read_json, write_durably
from servers.agent.hypervisor.connections import file_of, iscsi_of
from servers.agent.hypervisor.kept import without_secrets
from servers.agent.hypervisor.protocol import GuestFailed, Live, NoGuest, Power

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
DISK, RESCUE, GUEST, LIVE = "disk", "disk.rescue", "guest.json", "live.json"
FROZEN = "frozen.json"
"""Until when its file systems stand still, in seconds since 1970, and for whom."""
CONFIG = "config.iso"
"""Made once, with the guest: was it told a password, and which files?"""
STATE_WORDS = {
    Power.SHUT_DOWN: "shutdown",
    Power.PAUSED: "paused",
    Power.SUSPENDED: "suspended",
    Power.CRASHED: "crashed",
}
CONSOLE_SECONDS = 30.0
GIB = 1 << 30


class Pretend:
    def __init__(self, state_dir: Path, *, delay: float = 0.0) -> None:
        self.folder = state_dir / "pretend"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.delay = delay

    def missing(self) -> list[str]:
        return []

    def close(self, *, found: bool = True) -> None:
        """Nothing was started."""

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

    def power_states(self) -> dict[str, Power]:
        return {path.parent.name: _power_in(path) for path in sorted(self.folder.glob("*/power"))}

    def spawn(self, guest: Mapping[str, Any], image: Path | None) -> None:
        self._work("spawn")
        self._make(guest, image, Power.RUNNING)

    def destroy(self, server_id: str) -> None:
        self._work("destroy")
        shutil.rmtree(self.folder / server_id, ignore_errors=True)

    def change_power(self, server_id: str, change: str, *, timeout: int = 60) -> None:
        folder = self._find(server_id)
        self._work(change)
        at_once = change in ("stop", "reboot") and not timeout
        self._log(folder, f"{change} at once" if at_once else change)
        self._set(folder, AFTER[change])

    def rescue(self, guest: Mapping[str, Any], image: Path) -> None:
        folder = self._find(str(guest["server_id"]))
        self._work("rescue")
        shutil.copyfile(image, folder / RESCUE)
        self._log(folder, "rescue")
        self._set(folder, Power.RUNNING)

    def unrescue(self, guest: Mapping[str, Any]) -> None:
        folder = self._find(str(guest["server_id"]))
        self._work("unrescue")
        (folder / RESCUE).unlink(missing_ok=True)
        self._log(folder, "unrescue")
        self._set(folder, Power.RUNNING)

    def set_password(self, server_id: str, password: str) -> None:
        folder = self._find(server_id)
        self._work("set_password")
        self._log(folder, "password changed")

    def crash(self, server_id: str) -> None:
        folder = self._find(server_id)
        self._work("crash")
        self._log(folder, "kernel panic")

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        guest = read_json(self._find(server_id) / GUEST)
        power = self.power_states()[server_id]
        return {
            "state": STATE_WORDS.get(power, "running"),
            "driver": "pretend",
            "hypervisor": "pretend",
            "uptime": 0,
            "cpu_details": [{"id": number} for number in range(int(guest.get("vcpus", 1)))],
            "nic_details": [{"mac_address": nic["mac"]} for nic in guest.get("nics", ())],
            "disk_details": [],
            "memory_details": {"maximum": int(guest.get("memory_mb", 0)), "used": 0},
        }

    def attach_disk(self, server_id: str, disk: Mapping[str, Any]) -> None:
        folder = self._find(server_id)
        self._work("attach_disk")
        check_volume(disk)
        self._change(folder, "disks", "volume_id", str(disk["volume_id"]), [dict(disk)])

    def detach_disk(self, server_id: str, volume_id: str) -> None:
        folder = self._find(server_id)
        self._work("detach_disk")
        self._change(folder, "disks", "volume_id", volume_id, [])

    def swap_disk(self, server_id: str, volume_id: str, disk: Mapping[str, Any]) -> None:
        folder = self._find(server_id)
        self._work("swap_disk")
        check_volume(disk)
        disks = read_json(folder / GUEST).get("disks", ())
        new = [{**old, **disk} for old in disks if old["volume_id"] == volume_id]
        self._change(folder, "disks", "volume_id", volume_id, new)

    def grow_disk(
        self, server_id: str, volume_id: str, size_gb: int, show: Callable[[], None]
    ) -> None:
        folder = self._find(server_id)
        self._work("grow_disk")
        disks = read_json(folder / GUEST).get("disks", ())
        if any(disk["volume_id"] == volume_id and iscsi_of(disk) for disk in disks):
            show()
        grown = [{**disk, "size": size_gb} for disk in disks if disk["volume_id"] == volume_id]
        self._change(folder, "disks", "volume_id", volume_id, grown)

    def attach_nic(self, server_id: str, nic: Mapping[str, Any]) -> None:
        folder = self._find(server_id)
        self._work("attach_nic")
        self._change(folder, "nics", "port_id", str(nic["port_id"]), [dict(nic)])

    def detach_nic(self, server_id: str, port_id: str) -> None:
        folder = self._find(server_id)
        self._work("detach_nic")
        self._change(folder, "nics", "port_id", port_id, [])

    def snapshot(self, server_id: str, target: Path) -> str:
        disk = self._find(server_id) / DISK
        self._work("snapshot")
        if not disk.exists():
            raise GuestFailed("the guest has no disk of its own", "no_disk")
        shutil.copyfile(disk, target)
        return "raw"

    def read_console(self, server_id: str) -> str:
        self._work("read_console")
        return (self._find(server_id) / "console.log").read_text(encoding="utf-8")

    def console(self, server_id: str, kind: str) -> Path:
        """It greets once, and repeats what it hears."""
        self._find(server_id)
        self._work("console")
        path = Path(tempfile.mkdtemp(prefix="pretend-")) / kind
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(path))
        server.listen(1)
        words = f"{kind} of {server_id}\n".encode()
        threading.Thread(target=_repeat, args=(server, path, words), daemon=True).start()
        return path

    def pack(self, server_id: str, folder: Path) -> None:
        guest = self._find(server_id)
        self._work("pack")
        self._set(guest, Power.SHUT_DOWN)
        if (guest / DISK).exists():
            shutil.copyfile(guest / DISK, folder / DISK)

    def unpack(self, guest: Mapping[str, Any], folder: Path, *, running: bool) -> None:
        self._work("unpack")
        disk = folder / DISK
        power = Power.RUNNING if running else Power.SHUT_DOWN
        self._make(guest, disk if disk.exists() else None, power)

    def live_prepare(
        self, guest: Mapping[str, Any], sizes: Mapping[str, int], files: Path | None = None
    ) -> dict[str, Any]:
        self._work("live_prepare")
        brought = files / CONFIG if files is not None else None
        if brought is not None and brought.exists():
            folder = self.folder / str(guest["server_id"])
            folder.mkdir(mode=0o700, exist_ok=True)
            shutil.copyfile(brought, folder / CONFIG)
        return {"folder": str(self.folder)}

    def live_files(self, server_id: str) -> Sequence[Path]:
        path = self._find(server_id) / CONFIG
        return [path] if path.exists() else []

    def live_disks(self, server_id: str) -> dict[str, int]:
        disk = self._find(server_id) / DISK
        return {DISK: disk.stat().st_size} if disk.exists() else {}

    def live_start(self, server_id: str, to: Mapping[str, Any], *, copy_disks: bool) -> None:
        folder = self._find(server_id)
        self._work("live_start")
        if not (folder / LIVE).exists():
            write_durably(folder / LIVE, {"to": to["folder"], "began": time.time()})

    def live_progress(self, server_id: str) -> dict[str, Any]:
        folder = self.folder / server_id
        live = read_json(folder / LIVE)
        if live is None:
            if not (folder / "power").exists():
                return _progress(Live.DONE, 100)
            return _progress(Live.FAILED, 0) | {"fault": "no migration goes on"}
        if live.get("aborted"):
            (folder / LIVE).unlink()
            return _progress(Live.ABORTED, 0)
        if "live" in self._failing():
            (folder / LIVE).unlink()
            return _progress(Live.FAILED, 50) | {"fault": "the pretended migration fails"}
        takes = 10 * self.delay
        percent = 100 * (time.time() - live["began"]) / takes if takes else 100.0
        if percent < 100 and not live.get("forced"):
            return _progress(Live.RUNNING, max(int(percent), 0))
        target = Path(live["to"]) / server_id
        shutil.copytree(folder, target, dirs_exist_ok=True, ignore=lambda *_: [LIVE, CONFIG])
        shutil.rmtree(folder)
        return _progress(Live.DONE, 100)

    def live_abort(self, server_id: str) -> None:
        self._mark_live(server_id, "aborted")

    def live_force(self, server_id: str) -> None:
        self._mark_live(server_id, "forced")

    def live_finish(self, guest: Mapping[str, Any]) -> None:
        folder = self._find(str(guest["server_id"]))
        self._work("live_finish")
        self._keep(folder, guest)  # its volumes are reached in another way from here

    def freeze(self, server_id: str, seconds: float, whom: str) -> None:
        folder = self._find(server_id)
        self._work("freeze")
        write_durably(folder / FROZEN, {"until": time.time() + seconds, "whom": whom})
        self._log(folder, "freeze")

    def thaw(self, server_id: str, whom: str) -> bool:
        folder = self._find(server_id)
        self._work("thaw")
        mark = read_json(folder / FROZEN) or {"until": 0, "whom": whom}
        if mark["whom"] != whom:
            return False
        (folder / FROZEN).unlink(missing_ok=True)
        self._log(folder, "thaw")
        return bool(time.time() < mark["until"])

    def use_certificates(self) -> str | None:
        return None

    def _mark_live(self, server_id: str, word: str) -> None:
        path = self._find(server_id) / LIVE
        live = read_json(path)
        if live is not None:
            write_durably(path, {**live, word: True})

    def _make(self, guest: Mapping[str, Any], image: Path | None, power: Power) -> None:
        for disk in guest.get("disks", ()):
            if disk.get("volume_id"):
                check_volume(disk)
        folder = self.folder / str(guest["server_id"])
        folder.mkdir(mode=0o700, exist_ok=True)
        if image is not None:
            shutil.copyfile(image, folder / DISK)
        if guest.get("config_drive"):
            paths = [one.get("path") for one in guest.get("files") or ()]
            told = {"password": bool(guest.get("admin_password")), "files": paths}
            write_durably(folder / CONFIG, told)
        self._keep(folder, guest)
        self._log(folder, f"{guest['hostname']} login:")
        self._set(folder, power)

    def _keep(self, folder: Path, guest: Mapping[str, Any]) -> None:
        write_durably(folder / GUEST, without_secrets(guest))

    def _change(
        self, folder: Path, key: str, name: str, value: str, new: list[dict[str, Any]]
    ) -> None:
        """Replace the disk or NIC with this id."""
        guest = read_json(folder / GUEST)
        others = [one for one in guest.get(key, ()) if one[name] != value]
        self._keep(folder, {**guest, key: [*others, *new]})

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

    def _failing(self) -> list[str]:
        try:
            return (self.folder / "fails").read_text(encoding="utf-8").split()
        except FileNotFoundError:
            return []

    def _work(self, call: str) -> None:
        """Take as long as a call shall take, and fail where it shall."""
        if self.delay:
            time.sleep(self.delay)
        if call in self._failing():
            raise GuestFailed(f"it is to fail at {call}", "pretended")


def check_volume(disk: Mapping[str, Any]) -> None:
    """Raises ``GuestFailed``: it cannot be reached. What is behind a target is not looked at."""
    if iscsi_of(disk) is None:
        file_of(disk)


def _repeat(server: socket.socket, path: Path, greeting: bytes) -> None:
    with server, contextlib.suppress(OSError):
        server.settimeout(CONSOLE_SECONDS)
        guest, _ = server.accept()
        with guest:
            guest.sendall(greeting)
            while piece := guest.recv(1024):
                guest.sendall(piece)
    shutil.rmtree(path.parent, ignore_errors=True)


def _progress(state: Live, percent: int) -> dict[str, Any]:
    return {"state": state.value, "percent": percent}


def _power_in(path: Path) -> Power:
    try:
        return Power(int(path.read_text(encoding="ascii")))
    except (FileNotFoundError, ValueError):
        return Power.NO_STATE
