"""Begins a change of what is attached to a server: its record and the job of the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from compute_site.caller import Caller
from servers.errors import WrongState
from servers.lifecycle.guard import check_state, check_unlocked, lock_row
from servers.lifecycle.history import begin_action
from servers.lifecycle.jobs import (
    AttachInterface,
    AttachmentJob,
    AttachVolume,
    DetachInterface,
    DetachVolume,
    SwapVolume,
)
from servers.models import Instance, VmState


@dataclasses.dataclass(frozen=True, slots=True)
class Change:
    """``name`` is how the history calls it, ``event`` the host's step there, ``job`` what the host
    is asked to do; ``states`` allow it, and ``doing`` completes "one cannot …".
    """

    name: str
    event: str
    job: type[AttachmentJob]
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
    AttachVolume,
    WITH_VOLUMES,
    "attach a volume",
)
DETACH_VOLUME = Change(
    "detach_volume",
    "compute_detach_volume",
    DetachVolume,
    WITH_VOLUMES,
    "detach a volume",
)
SWAP_VOLUME = Change(
    "swap_volume",
    "compute_swap_volume",
    SwapVolume,
    (VmState.ACTIVE, VmState.PAUSED, VmState.RESIZED),
    "swap a volume",
)
ATTACH_INTERFACE = Change(
    "attach_interface",
    "compute_attach_interface",
    AttachInterface,
    WITH_CARDS,
    "attach a port",
)
DETACH_INTERFACE = Change(
    "detach_interface",
    "compute_detach_interface",
    DetachInterface,
    WITH_CARDS,
    "detach a port",
)

CHANGES = {
    change.job: change
    for change in (ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME, ATTACH_INTERFACE, DETACH_INTERFACE)
}


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


def hand_over(caller: Caller, instance: Instance, job: AttachmentJob) -> None:
    """Open the record, and leave the rest to the server's host."""
    change = CHANGES[type(job)]
    begin_action(instance, change.name, change.event, caller)
    job.defer()


def about(caller: Caller, instance: Instance) -> dict[str, str]:
    """The fields that all these jobs have."""
    return {"server_id": str(instance.uuid), "request_id": caller.request_id}
