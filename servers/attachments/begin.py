"""Begins a change of what is attached to a server: its record and the job of the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from compute_site.caller import Caller
from servers.errors import WrongState
from servers.lifecycle import jobs
from servers.lifecycle.guard import check_state, check_unlocked, lock_row
from servers.lifecycle.history import begin_action
from servers.models import Instance, VmState


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """``name`` is how the history calls it, ``event`` the host's step there, ``task`` the job;
    ``states`` allow it, and ``doing`` completes "one cannot …".
    """

    name: str
    event: str
    task: str
    states: Collection[str]
    doing: str


WITH_VOLUMES = (
    VmState.ACTIVE,
    VmState.PAUSED,
    VmState.STOPPED,
    VmState.RESIZED,
    VmState.SOFT_DELETED,
    VmState.SHELVED,
    VmState.SHELVED_OFFLOADED,
)
WITH_CARDS = (VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED)

ATTACH_VOLUME = Change(
    "attach_volume",
    "compute_attach_volume",
    jobs.ATTACH_VOLUME,
    WITH_VOLUMES,
    "attach a volume",
)
DETACH_VOLUME = Change(
    "detach_volume",
    "compute_detach_volume",
    jobs.DETACH_VOLUME,
    WITH_VOLUMES,
    "detach a volume",
)
SWAP_VOLUME = Change(
    "swap_volume",
    "compute_swap_volume",
    jobs.SWAP_VOLUME,
    (VmState.ACTIVE, VmState.PAUSED, VmState.RESIZED),
    "swap a volume",
)
ATTACH_INTERFACE = Change(
    "attach_interface",
    "compute_attach_interface",
    jobs.ATTACH_INTERFACE,
    WITH_CARDS,
    "attach a port",
)
DETACH_INTERFACE = Change(
    "detach_interface",
    "compute_detach_interface",
    jobs.DETACH_INTERFACE,
    WITH_CARDS,
    "detach a port",
)


def check_ready(caller: Caller, instance: Instance, change: Change) -> None:
    """Go on if the server is as the change needs it.

    Raises:
        ServerLocked: the server is locked, and the caller is no admin.
        WrongState: it is in another state, busy, or never ran.
    """
    check_unlocked(caller, instance)
    check_state(instance, change.states, change.doing, idle=True)
    if instance.launched_at is None:
        raise WrongState(f"The server {instance.uuid} never ran; one cannot {change.doing}.")


def lock_server(caller: Caller, instance: Instance, change: Change) -> Instance:
    """The server as it is now, locked until the transaction ends, so that two changes of one
    server wait for each other; raises as ``check_ready``, and ``NoSuchServer``.
    """
    server = lock_row(instance)
    check_ready(caller, server, change)
    return server


def hand_over(caller: Caller, instance: Instance, change: Change, **job: str) -> None:
    """Open the record, and leave the rest to the server's host."""
    begin_action(instance, change.name, change.event, caller)
    arguments = {"server_id": str(instance.uuid), "request_id": caller.request_id, **job}
    jobs.defer(change.task, queue=jobs.COMPUTE, jobs=[arguments])
