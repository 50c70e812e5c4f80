"""A driver for hosts that do not exist: every step succeeds, after the configured delay."""

from __future__ import annotations

import time
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from django.conf import settings

from compute_site.neighbours.network.protocol import Nic
from servers.drivers.protocol import Console, Describe, Disk, Guest
from servers.models import PowerState, TaskState

POWER_AFTER: dict[str, PowerState] = {
    TaskState.POWERING_OFF: PowerState.SHUT_DOWN,
    TaskState.RESCUING: PowerState.SHUT_DOWN,
    TaskState.SHELVING: PowerState.SHUT_DOWN,
}


BUILD_STEPS = 3
"""Calls of one build; its server is in ``BUILD`` during all of them."""


def is_slow() -> bool:
    return bool(settings.OPTIONS.fake_driver_delay_seconds)


def saves_disks() -> bool:
    return True


def save_disk(server_id: str, node: str, image_id: str) -> None:  # noqa: ARG001 - nothing is on it
    work()


def diagnose(server_id: str, node: str) -> Mapping[str, Any]:  # noqa: ARG001 - nothing is measured
    return {}


def plug_nics(guest: Guest) -> None:  # noqa: ARG001 - nothing is plugged
    work(parts=BUILD_STEPS)


def attach_disks(guest: Guest) -> None:  # noqa: ARG001 - nothing is attached
    work(parts=BUILD_STEPS)


def was_told_to_spawn(server_id: str, node: str) -> bool:  # noqa: ARG001 - it is done at once
    return False


def spawn(guest: Guest) -> None:  # noqa: ARG001 - nothing is started
    work(parts=BUILD_STEPS)


def destroy(server_id: str, node: str) -> None:  # noqa: ARG001 - nothing is ended
    work()


def left_networks(networks: Collection[str]) -> None:
    """Hosts that carry no packets need not know."""


def destroy_later(server_id: str, node: str) -> None:
    """There is nothing that could be left over."""


def perform(
    server_id: str,  # noqa: ARG001 - nothing is done
    node: str,  # noqa: ARG001
    task: str,
    describe: Describe,  # noqa: ARG001
    *,
    password: str = "",  # noqa: ARG001
) -> int:
    """Nova: its fake hosts say of a paused or suspended guest that it runs."""
    work()
    return POWER_AFTER.get(task, PowerState.RUNNING)


def attach_disk(server_id: str, node: str, disk: Disk) -> None:  # noqa: ARG001 - as above
    work()


def detach_disk(server_id: str, node: str, disk: Disk) -> None:  # noqa: ARG001 - as above
    work()


def swap_disk(server_id: str, node: str, old: Disk, new: Disk) -> None:  # noqa: ARG001 - as above
    work()


def freeze(server_id: str, node: str, whom: str, *, seconds: int) -> None:
    """There is nothing that writes."""


def thaw(server_id: str, node: str, whom: str) -> bool:  # noqa: ARG001 - as above
    return True


def grow_disk(server_id: str, node: str, volume_id: str, size: int) -> None:
    """There is nothing that could see it."""


def attach_nic(server_id: str, node: str, nic: Nic) -> None:  # noqa: ARG001 - as above
    work()


def detach_nic(server_id: str, node: str, nic: Nic) -> None:  # noqa: ARG001 - as above
    work()


def send(server_id: str, node: str, to_node: str, *, running: bool) -> None:  # noqa: ARG001 - nothing is sent
    work()


def receive(guest: Guest, *, running: bool) -> int:  # noqa: ARG001 - nothing is set up
    work()
    return PowerState.RUNNING if running else PowerState.SHUT_DOWN


def drop(server_id: str, node: str) -> None:  # noqa: ARG001 - nothing is kept
    work()


def take_back(guest: Guest, *, running: bool) -> int:
    return receive(guest, running=running)


def trigger_crash_dump(server_id: str, node: str) -> None:  # noqa: ARG001 - nothing crashes
    work()


def find_console(server_id: str, node: str, console_type: str) -> Console:
    """Always the same place for the same console; nobody listens there."""
    guest = uuid.UUID(server_id)
    port = 5900 + guest.int % 1000
    return Console(
        host=node,
        port=port,
        tls_port=port + 1000 if console_type == "spice-direct" else None,
        internal_access_path=str(uuid.uuid5(guest, console_type)),
    )


def copy_live(server_id: str, node: str, to_node: str) -> None:  # noqa: ARG001 - nothing is copied
    work()


def switch_live(server_id: str, node: str, to_node: str) -> None:  # noqa: ARG001 - as above
    work()


def undo_live(server_id: str, node: str, to_node: str) -> None:  # noqa: ARG001 - as above
    destroy(server_id, to_node)


def abort_live(server_id: str, node: str) -> bool:  # noqa: ARG001 - all is copied at once
    return True


def force_live(server_id: str, node: str) -> None:
    """All is copied at once."""


def read_console(server_id: str, node: str) -> str:
    return (
        f"This is the console of {server_id} on {node}.\n"
        "Its host does not exist.\n"
        "Nobody answers here.\n"
        "login:"
    )


def work(*, parts: int = 1) -> None:
    """Take as long as servers shall be seen in a state that passes, or that part of it."""
    seconds: float = settings.OPTIONS.fake_driver_delay_seconds / parts
    if seconds:
        time.sleep(seconds)
