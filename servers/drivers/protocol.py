"""What we need of a driver: the software on a host that runs servers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from compute_site.faults import Fault
from compute_site.neighbours.network.protocol import Nic


class DriverFailed(Fault):
    """The host could not do it; another host may. The text says what went wrong."""

    code = "driver_failed"


class LiveAborted(DriverFailed):
    """Somebody has aborted the live migration; the guest runs where it did."""

    code = "live_aborted"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """A disk of a guest; ``volume_id`` is set where it is a volume. ``size`` GiB, swap MiB."""

    device_name: str | None
    source_type: str | None
    destination_type: str | None
    volume_id: str | None = None
    image_id: str | None = None
    size: int | None = None
    guest_format: str | None = None
    boot_index: int | None = None
    disk_bus: str | None = None
    device_type: str | None = None
    tag: str | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A server as its host must know it. Memory MiB, disks GiB."""

    server_id: str
    instance_name: str
    hostname: str
    node: str
    vcpus: int
    memory_mb: int
    root_gb: int
    ephemeral_gb: int
    flavor: Mapping[str, Any]
    image: Mapping[str, Any]
    image_id: str
    rescue_image_id: str = ""
    """Of a server that is being rescued; empty: its own image."""
    nics: Sequence[Nic] = ()
    disks: Sequence[Disk] = ()
    files: Sequence[Mapping[str, str]] = ()
    """Path and contents (base64) of each file to put in."""
    admin_password: str = dataclasses.field(default="", repr=False)
    user_data: str | None = None
    config_drive: bool = False
    key_data: str | None = None
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    numa_topology: Mapping[str, Any] | None = None
    placement: Mapping[str, Any] | None = None
    """The CPUs, pages and devices of the host that it has (docs/hardware.md)."""


Describe = Callable[[], Guest]
"""Describes a server; costs statements, so that drivers call it only if they need it."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Where a host offers a console of a guest."""

    host: str
    port: int
    tls_port: int | None = None
    internal_access_path: str | None = None


class ComputeDriver(Protocol):
    """Every call may be made again after a worker was lost: what is done already stays done.

    Every call raises ``DriverFailed``. In a job it may raise ``WaitingForHost``, outside of
    transactions: the job ends, and runs again from its beginning when the host has answered.

    What a ``Guest`` does not tell, because most drivers need not know it, ``servers.drivers.facts``
    finds: the data of its image, how its NICs are connected, where its volumes are.
    """

    def is_slow(self) -> bool:
        """Do calls take so long that several should be made at once?"""
        ...

    def saves_disks(self) -> bool:
        """Is an image of a guest complete as soon as it is recorded? Simulated hosts have nothing
        on disks; others fill it by ``save_disk``.
        """
        ...

    def save_disk(self, server_id: str, node: str, image_id: str) -> None:
        """Fill an image that awaits data with what is on the root disk of a guest, which goes on as
        it was.
        """
        ...

    def freeze(self, server_id: str, node: str, whom: str, *, seconds: int) -> None:
        """Let the file systems of a guest that runs stand still until ``thaw`` for the same, or for
        so long at most. Only of drivers that ``saves_disks`` says no of.
        """
        ...

    def thaw(self, server_id: str, node: str, whom: str) -> bool:
        """Let them go on; have they stood still until now? Not if that is for somebody else."""
        ...

    def diagnose(self, server_id: str, node: str) -> Mapping[str, Any]:
        """What the host measures of a guest, by keys of the API's diagnostics (2.48); those that it
        does not know are absent.
        """
        ...

    def plug_nics(self, guest: Guest) -> None:
        """Prepare the host for the NICs of the guest."""
        ...

    def attach_disks(self, guest: Guest) -> None:
        """Make the host ready for the disks of the guest."""
        ...

    def was_told_to_spawn(self, server_id: str, node: str) -> bool:
        """Has this job asked for the guest before, so that to spawn it only tells what came of
        that?
        """
        ...

    def spawn(self, guest: Guest) -> None:
        """Start the guest; it runs when this returns."""
        ...

    def destroy(self, server_id: str, node: str) -> None:
        """End the guest and all that the host has of it; a guest that is unknown is fine."""
        ...

    def left_networks(self, networks: Collection[str]) -> None:
        """The ports of a guest that was destroyed are gone from these networks."""
        ...

    def destroy_later(self, server_id: str, node: str) -> None:
        """Let a host that does not answer now end the guest as soon as it does."""
        ...

    def perform(
        self, server_id: str, node: str, task: str, describe: Describe, *, password: str = ""
    ) -> int:
        """Do with a guest what the task_state says (``powering-off``, ``pausing``, …); the
        guest's power state afterwards. ``password`` is for ``updating_password``, ``rescuing`` and
        ``rebuilding``. ``describe`` tells what the guest is to be from now on: with another image
        when it is rebuilt, and all of it when it comes to this node.
        """
        ...

    def attach_disk(self, server_id: str, node: str, disk: Disk) -> None:
        """Give a guest one disk more."""
        ...

    def detach_disk(self, server_id: str, node: str, disk: Disk) -> None:
        """Take a disk from a guest; one that it does not have is fine."""
        ...

    def swap_disk(self, server_id: str, node: str, old: Disk, new: Disk) -> None:
        """Copy what is on one volume to another, which takes its place."""
        ...

    def grow_disk(self, server_id: str, node: str, volume_id: str, size: int) -> None:
        """Let the guest see that a volume of it has so many GiB now. Nobody waits for that."""
        ...

    def attach_nic(self, server_id: str, node: str, nic: Nic) -> None:
        """Plug one more NIC into a guest."""
        ...

    def detach_nic(self, server_id: str, node: str, nic: Nic) -> None:
        """Take a NIC from a guest; one that it does not have is ignored."""
        ...

    def send(self, server_id: str, node: str, to_node: str, *, running: bool) -> None:
        """End a guest and hand over what it holds to another node, or to a later life on the
        same one. The node keeps it too, until it is told to ``drop`` it or ``take_back``. Where
        that fails, the guest goes on if it was ``running``.
        """
        ...

    def receive(self, guest: Guest, *, running: bool) -> int:
        """Set up a guest that was sent here, and start it or not; its power state."""
        ...

    def drop(self, server_id: str, node: str) -> None:
        """Delete what is kept of a guest that was sent away; none is fine."""
        ...

    def take_back(self, guest: Guest, *, running: bool) -> int:
        """Set up a guest from what was kept when it was sent away; its power state."""
        ...

    def trigger_crash_dump(self, server_id: str, node: str) -> None:
        """Make the guest's operating system crash and write a dump."""
        ...

    def find_console(self, server_id: str, node: str, console_type: str) -> Console:
        """Where a proxy reaches the console of a guest (``novnc``, ``spice-html5``, …)."""
        ...

    def copy_live(self, server_id: str, node: str, to_node: str) -> None:
        """Copy a guest that runs to another node; it goes on running where it is."""
        ...

    def switch_live(self, server_id: str, node: str, to_node: str) -> None:
        """Let a guest go on on the node that it was copied to, and end it on the other."""
        ...

    def undo_live(self, server_id: str, node: str, to_node: str) -> None:
        """Clear away what was copied, unless the guest runs there already."""
        ...

    def abort_live(self, server_id: str, node: str) -> bool:
        """Ask for the end of the copying; ``False``: ``copy_live`` tells what came of it."""
        ...

    def force_live(self, server_id: str, node: str) -> None:
        """Ask for the copying to come to its end, whatever it costs the guest."""
        ...

    def read_console(self, server_id: str, node: str) -> str:
        """All that the guest has written on its console and the host still has."""
        ...
