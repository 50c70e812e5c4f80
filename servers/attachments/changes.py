"""Begins a change of what is attached to a server: its record and the job of the host."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from compute_site.caller import Caller
from servers.errors import WrongState
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.guard import check_state, check_unlocked, lock_row
from servers.lifecycle.jobs import (
    AttachInterface,
    AttachmentJob,
    AttachVolume,
    DetachInterface,
    DetachVolume,
    SwapVolume,
)
from servers.models import Instance, VmState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentChange(Change):
    """A change of what is attached. ``job`` is the host's part of it, ``states`` are those in which
    it is allowed; the server's state does not change.
    """

    job: type[AttachmentJob]
    states: Collection[str]


WITH_VOLUMES = (
    VmState.ACTIVE,
    VmState.PAUSED,
    VmState.STOPPED,
    VmState.RESIZED,
    VmState.SOFT_DELETED,
    VmState.SHELVED,
    VmState.SHELVED_OFFLOADED,
)
WITH_NICS = (VmState.ACTIVE, VmState.PAUSED, VmState.STOPPED)

ATTACH_VOLUME = AttachmentChange(
    name="attach_volume",
    event="compute_attach_volume",
    doing="attach a volume",
    job=AttachVolume,
    states=WITH_VOLUMES,
)
DETACH_VOLUME = AttachmentChange(
    name="detach_volume",
    event="compute_detach_volume",
    doing="detach a volume",
    job=DetachVolume,
    states=WITH_VOLUMES,
)
SWAP_VOLUME = AttachmentChange(
    name="swap_volume",
    event="compute_swap_volume",
    doing="swap a volume",
    job=SwapVolume,
    states=(VmState.ACTIVE, VmState.PAUSED, VmState.RESIZED),
)
ATTACH_INTERFACE = AttachmentChange(
    name="attach_interface",
    event="compute_attach_interface",
    doing="attach a port",
    job=AttachInterface,
    states=WITH_NICS,
)
DETACH_INTERFACE = AttachmentChange(
    name="detach_interface",
    event="compute_detach_interface",
    doing="detach a port",
    job=DetachInterface,
    states=WITH_NICS,
)

CHANGES: Mapping[type[AttachmentJob], AttachmentChange] = {
    change.job: change
    for change in (ATTACH_VOLUME, DETACH_VOLUME, SWAP_VOLUME, ATTACH_INTERFACE, DETACH_INTERFACE)
}


def check_ready(caller: Caller, instance: Instance, change: AttachmentChange) -> None:
    """Go on if the server is as the change needs it.

    Raises:
        ServerLocked: the server is locked, and the caller is no admin.
        WrongState: it is in another state, busy, or never ran.
    """
    check_unlocked(caller, instance)
    check_state(instance, change.states, change.doing, idle=True)
    if instance.launched_at is None:
        raise WrongState(f"The server {instance.uuid} never ran; one cannot {change.doing}.")


def lock_server(caller: Caller, instance: Instance, change: AttachmentChange) -> Instance:
    """The server as it is now, locked until the transaction ends, so that two changes of one
    server wait for each other; raises as ``check_ready``, and ``NoSuchServer``.
    """
    server = lock_row(instance)
    check_ready(caller, server, change)
    return server


def hand_over(caller: Caller, instance: Instance, job: AttachmentJob) -> None:
    """Begin the action in the history, and defer the job for the server's host."""
    begin(caller, instance, CHANGES[type(job)], job)


def about(caller: Caller, instance: Instance) -> dict[str, str]:
    """The fields that all these jobs have."""
    return {"server_id": str(instance.uuid), "request_id": caller.request_id}
