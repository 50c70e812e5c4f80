"""The folder of a guest: its description, its disks, its sockets and its console log."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from servers.agent.files import read_json, write_durably
from servers.agent.hypervisor.kept import without_secrets
from servers.agent.hypervisor.libvirt.domain import CONSOLE_LOG, OF_QEMU
from servers.agent.hypervisor.protocol import NoGuest

GUEST = "guest.json"
ARRIVING = "arriving.json"
"""As ``guest.json``, of one that comes by live migration."""
CONSOLE_BYTES = 4 << 20
CONSOLE_KEPT = 1 << 20
TAIL_BYTES = 400_000
CONSOLE_BEFORE = f"{CONSOLE_LOG}.0"
"""Where virtlogd writes the log, which goes on in a new file after 2 MiB."""
COPY = "copy.qcow2"
"""Of the root disk, while a snapshot is made."""
ROOT, BASE, SWAP, CONFIG = "root.qcow2", "root.base.img", "swap.qcow2", "config.iso"
RESCUE, RESCUE_BASE, RESCUE_CONFIG = "rescue.qcow2", "rescue.base.img", "rescue.iso"
"""By their ends AppArmor lets libvirt read disks, to find what they are made on; what it does not
find so is kept from QEMU.
"""
EARLIER_BASE = "root.base"
"""Of guests that were made by earlier releases."""


@dataclasses.dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    def file(self, name: str) -> Path:
        return self.path / name

    def make(self) -> None:
        """QEMU, which may be another user, must be able to pass through."""
        self.path.mkdir(mode=0o711, exist_ok=True)
        self.path.chmod(0o711)

    def give_way_to(self, user: int, group: int) -> None:
        """Let QEMU, which is that user, make files in a folder of its own."""
        own = self.file(OF_QEMU)
        own.mkdir(mode=0o700, exist_ok=True)
        os.chown(own, user, group)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)

    def keep(self, guest: Mapping[str, Any]) -> None:
        write_durably(self.file(GUEST), without_secrets(guest))

    def known(self) -> dict[str, Any]:
        """The guest as it is now; raises ``NoGuest``."""
        guest = read_json(self.file(GUEST))
        if guest is None:
            raise NoGuest(self.path.name)
        return dict(guest)

    def disks(self) -> list[Any]:
        """Those of the guest, also of one that is to come live; none where nothing is known."""
        found = [read_json(self.file(name)) or {} for name in (GUEST, ARRIVING)]
        return [disk for guest in found for disk in guest.get("disks") or ()]

    def is_known(self) -> bool:
        return self.file(GUEST).exists()

    def change(self, **values: Any) -> dict[str, Any]:
        guest = {**self.known(), **values}
        self.keep(guest)
        return guest

    def read_console(self) -> str:
        """The last of what it wrote."""
        found = b""
        for name in (CONSOLE_LOG, CONSOLE_BEFORE):
            found = _end_of(self.file(name), TAIL_BYTES - len(found)) + found
        return found.decode("utf-8", "replace")

    def trim_console(self) -> None:
        """A guest that writes without end must not fill the disk. QEMU appends to the file."""
        path = self.file(CONSOLE_LOG)
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            if size > CONSOLE_BYTES:
                with path.open("rb+") as file:
                    file.seek(size - CONSOLE_KEPT)
                    kept = file.read()
                    file.truncate(0)
                    file.seek(0)
                    file.write(kept)


@dataclasses.dataclass(frozen=True, slots=True)
class Folders:
    """Those of all guests of this host."""

    path: Path

    def of(self, server_id: str) -> Folder:
        return Folder(self.path / server_id)

    def __iter__(self) -> Iterator[Folder]:
        return (Folder(path.parent) for path in sorted(self.path.glob(f"*/{GUEST}")))


def _end_of(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - most_bytes, 0))
            return file.read(most_bytes)
    except FileNotFoundError:
        return b""
