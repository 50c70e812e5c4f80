"""What the agent needs of what runs guests."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from servers.agent.failures import GuestFailed

__all__ = ["COPIED", "GuestFailed", "Hypervisor", "Live", "NoGuest", "Power", "Unsupported"]


class Power(enum.IntEnum):
    """Power states by the numbers of the Compute API."""

    NO_STATE = 0
    RUNNING = 1
    PAUSED = 3
    SHUT_DOWN = 4
    CRASHED = 6
    SUSPENDED = 7


class Unsupported(GuestFailed):
    """This machine, or what runs in the guest, does not do that; nothing has happened."""

    def __init__(self, text: str) -> None:
        super().__init__(text, "unsupported")


class NoGuest(GuestFailed):
    """There is no such guest."""

    def __init__(self, server_id: str) -> None:
        super().__init__(f"this host has no guest {server_id}", "no_guest")


class Live(enum.StrEnum):
    """How far a live migration is."""

    RUNNING = "running"
    DONE = "done"
    """The guest runs on the other host; this one has none any more."""
    FAILED = "failed"
    """It goes on running here."""
    ABORTED = "aborted"
    """As ``FAILED``, because ``live_abort`` was called."""


COPIED = (
    *("memory_total", "memory_processed", "memory_remaining"),
    *("disk_total", "disk_processed", "disk_remaining"),
)
"""What is told of a live migration that goes on, in bytes."""


class Hypervisor(Protocol):
    """Every call makes it so: what is as it shall be stays so, since calls are repeated after a
    crash. All but ``missing``, ``stock`` and ``power_states`` raise ``GuestFailed``; what cannot be
    done on this machine at all raises ``Unsupported``, and leaves all as it was.

    A guest is a mapping as the site sends it: sizes as in flavors (MiB, GiB), ``nics`` by the keys
    of the site's ``Wiring``. A disk of ``disks`` that has a ``volume_id`` has a ``connection`` with
    ``format`` (``"raw"|"qcow2"``), ``serial`` (the volume) and ``read_only``, which is ``{"kind":
    "file", "path": ABSOLUTE, …}`` or ``{"kind": "iscsi", "portal": "HOST:PORT", "target": IQN,
    "lun": 1, "user": …, "password": …, …}``. Of the others, the one with ``boot_index`` 0 is made
    of the image, and those with ``source_type`` ``blank`` are ephemeral disks (``size`` GiB) and
    swap (``guest_format`` ``swap``, ``size`` MiB). Calls about different guests come from several
    threads at once.
    """

    def missing(self) -> list[str]:
        """What this machine lacks to run guests, in words."""
        ...

    def stock(self) -> dict[str, Any]:
        """What it has for guests, as the API of hosts wants to hear it."""
        ...

    def close(self, *, found: bool = True) -> None:
        """Nobody needs guests of this host for now: end what was started for them beside them. What
        ran before this object was made goes on if ``found`` is false.
        """
        ...

    def power_states(self) -> dict[str, Power]:
        """The guests that there are."""
        ...

    # a guest's life

    def spawn(self, guest: Mapping[str, Any], image: Path | None) -> None:
        """Make a guest with a root disk made of the image, and start it. Remains of an older one
        have been destroyed before. ``None``: it boots from the volume with ``boot_index`` 0. The
        file is nobody's to change or move.
        """
        ...

    def destroy(self, server_id: str) -> None:
        """End the guest and all that it has but its volumes; none is fine."""
        ...

    def change_power(self, server_id: str, change: str, *, timeout: int = 60) -> None:
        """``start``, ``stop``, ``reboot``, ``reset``, ``pause``, ``unpause``, ``suspend`` or
        ``resume``. A guest that does not obey ``stop`` or ``reboot`` within ``timeout`` seconds is
        powered off, or reset; 0 powers it off at once.
        """
        ...

    def rescue(self, guest: Mapping[str, Any], image: Path) -> None:
        """Stop it, and start it from a disk made of the image, with its own root disk as the second
        one, and the guest's ``admin_password``. With a ``rescue_disk`` (``bus`` and ``device``)
        the guest keeps its disks as they are, and gets this one as the last.
        """
        ...

    def unrescue(self, guest: Mapping[str, Any]) -> None:
        """Start it from its own disk, and delete the other; one that is not rescued runs then,
        too.
        """
        ...

    def set_password(self, server_id: str, password: str) -> None:
        """Give the administrator of the running guest this password."""
        ...

    def crash(self, server_id: str) -> None:
        """Send a non-maskable interrupt, on which it writes a dump if it was made to."""
        ...

    def diagnostics(self, server_id: str) -> dict[str, Any]:
        """By keys of the Compute API's diagnostics (2.48): ``state``, ``driver``, ``hypervisor``,
        ``hypervisor_os``, ``uptime`` (seconds), ``cpu_details``, ``nic_details``, ``disk_details``,
        ``memory_details``; those that are known.
        """
        ...

    # disks and NICs

    def attach_disk(self, server_id: str, disk: Mapping[str, Any]) -> None:
        """A volume, to a guest that runs or not."""
        ...

    def detach_disk(self, server_id: str, volume_id: str) -> None:
        """One that it does not have is fine."""
        ...

    def swap_disk(self, server_id: str, volume_id: str, disk: Mapping[str, Any]) -> None:
        """Copy a volume to another one, and let the guest, which writes on, go on with that."""
        ...

    def grow_disk(
        self, server_id: str, volume_id: str, size_gb: int, show: Callable[[], None]
    ) -> None:
        """Let the guest see that the volume has grown. Its file has that size already; who serves
        it by iSCSI has to be told to ``show`` it, while the guest does nothing with it.
        """
        ...

    def attach_nic(self, server_id: str, nic: Mapping[str, Any]) -> None: ...

    def detach_nic(self, server_id: str, port_id: str) -> None:
        """One that it does not have is fine."""
        ...

    def snapshot(self, server_id: str, target: Path) -> str:
        """Write what is on the root disk now to a new file that needs no other; its format, which
        is ``qcow2`` or ``raw``. The guest goes on as it was. A file that is there is remains of an
        attempt before.
        """
        ...

    def freeze(self, server_id: str, seconds: float, whom: str) -> None:
        """Let the file systems of the guest that runs stand still until ``thaw`` for the same, or
        for so long at most, whatever becomes of the agent and the site.
        """
        ...

    def thaw(self, server_id: str, whom: str) -> bool:
        """Let them go on; have they stood still until now? Not if that is for somebody else."""
        ...

    def use_certificates(self) -> str | None:
        """Those of this host are new; why what runs does not use them yet, if it does not."""
        ...

    # consoles

    def read_console(self, server_id: str) -> str: ...

    def console(self, server_id: str, kind: str) -> Path:
        """The Unix socket of its VNC server (``novnc``) or of its serial line (``serial``)."""
        ...

    # moves while it is off

    def pack(self, server_id: str, folder: Path) -> None:
        """Stop it, and write its own disks (not its volumes) into the empty folder as files that
        need no others; hard links are fine. The guest stays, off, until ``destroy`` follows. The
        agent brings the files to the other host, in a folder of the same contents, and keeps them
        on this one until the move is confirmed.
        """
        ...

    def unpack(self, guest: Mapping[str, Any], folder: Path, *, running: bool) -> None:
        """Make the guest with disks made of the files that ``pack`` wrote; they stay as they are.
        A root disk that is smaller than ``root_gb`` grows. Remains of an older guest have been
        destroyed before.
        """
        ...

    # moves while it runs

    def live_prepare(
        self, guest: Mapping[str, Any], sizes: Mapping[str, int], files: Path | None = None
    ) -> dict[str, Any]:
        """On the destination: empty disks of these sizes (bytes, by the names that ``live_disks``
        told; none: all disks are shared), NICs plugged; what ``live_start`` needs to know, such as
        an address and a port. ``files`` is a folder with those that ``live_files`` named.
        """
        ...

    def live_files(self, server_id: str) -> Sequence[Path]:
        """On the source: files that do not change while the guest runs, and go with it: its config
        drive, whose secrets are kept nowhere else.
        """
        ...

    def live_disks(self, server_id: str) -> dict[str, int]:
        """On the source: the virtual sizes in bytes of its own disks that must be copied."""
        ...

    def live_start(self, server_id: str, to: Mapping[str, Any], *, copy_disks: bool) -> None:
        """Begin, and return; one that goes on already goes on."""
        ...

    def live_progress(self, server_id: str) -> dict[str, Any]:
        """``state`` (``Live``), ``percent``, those of ``COPIED`` that are known, and ``fault`` in
        words where it failed.
        """
        ...

    def live_abort(self, server_id: str) -> None:
        """Let it go on running here; none going on is fine."""
        ...

    def live_force(self, server_id: str) -> None:
        """Let it come to its end now, with a guest that stands still meanwhile."""
        ...

    def live_finish(self, guest: Mapping[str, Any]) -> None:
        """On the destination: the guest runs here now, and is here to stay. What was prepared for
        one that did not come, ``destroy`` clears away.
        """
        ...
