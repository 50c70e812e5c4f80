"""Checks the lock and the state of a server before a change."""

from __future__ import annotations

from collections.abc import Collection

from compute_site.caller import Caller
from servers.errors import NoSuchServer, ServerLocked, WrongState
from servers.models import Instance, VmState

SETTLED = frozenset((VmState.ACTIVE, VmState.PAUSED, VmState.SUSPENDED, VmState.STOPPED))
"""States of a server that exists as a whole, running or not."""


def lock_row(instance: Instance) -> Instance:
    """Read the server again and lock its row until the transaction ends.

    Raises:
        NoSuchServer: it was deleted meanwhile.
    """
    living = Instance.objects.alive().filter(pk=instance.pk)
    server = living.select_for_update(no_key=True).defer("user_data", "key_data").first()
    if server is None:
        raise NoSuchServer(str(instance.uuid))
    return server


def check_unlocked(caller: Caller, instance: Instance) -> None:
    """Check that the server is not locked, or that the caller may override the lock (admins).

    Raises:
        ServerLocked: 409.
    """
    if instance.locked and not caller.is_admin:
        raise ServerLocked(
            f"The server {instance.uuid} is locked; unlock it first, or ask an admin."
        )


def check_state(
    instance: Instance, states: Collection[str | None], doing: str, *, idle: bool = False
) -> None:
    """Check that the server is in one of the states and, with ``idle``, has no task_state.

    Raises:
        WrongState: 409; ``doing`` names the wanted change (``change its metadata``).
    """
    if instance.vm_state not in states:
        raise WrongState(
            f"The server {instance.uuid} is {instance.vm_state}; one cannot {doing} while it is."
        )
    if idle and instance.task_state is not None:
        raise WrongState(
            f"The server {instance.uuid} is busy ({instance.task_state}); one cannot {doing} now."
        )


def check_launched(instance: Instance, doing: str) -> None:
    """Raises ``WrongState`` where the server never ran, or is on no host."""
    if instance.host is None or instance.launched_at is None:
        raise WrongState(
            f"The server {instance.uuid} is {instance.vm_state} and runs on no host; "
            f"one cannot {doing}."
        )


def describe_state(instance: Instance) -> str:
    """The vm_state and the task_state as a text."""
    task = f", {instance.task_state}" if instance.task_state else ""
    return f"{instance.vm_state}{task}"
