"""Begins an action that a host does: the first step, the record and the job, in one transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from servers.errors import WrongState
from servers.lifecycle.actions import HostAction
from servers.lifecycle.guard import check_unlocked
from servers.lifecycle.history import begin_action
from servers.lifecycle.jobs import PerformAction
from servers.lifecycle.sealing import seal
from servers.lifecycle.transitions import take_step
from servers.models import Instance


def begin(
    caller: Caller,
    instance: Instance,
    action: HostAction,
    *,
    password: str = "",
    after: str | None = None,
    columns: Mapping[str, Any] | None = None,
) -> None:
    """``password`` goes to the host, sealed while it waits. ``after`` is the state in the end,
    where it is not the one of the table; ``columns`` of the server's row are set with the step.

    Raises:
        ServerLocked: the server is locked.
        WrongState: the server is not in a state that allows this, or somebody was faster.
    """
    check_unlocked(caller, instance)
    check_launched(instance, action.doing)
    with transaction.atomic():
        if not take_step(instance.pk, action.begin, **(columns or {})):
            raise WrongState(
                f"The server {instance.uuid} is {describe_state(instance)}; "
                f"one cannot {action.doing} while it is."
            )
        begin_action(instance, action.name, action.event, caller)
        PerformAction(
            server_id=str(instance.uuid),
            task=action.task,
            sealed_password=seal(password),
            after=after,
        ).defer()


def check_launched(instance: Instance, doing: str) -> None:
    """Raises ``WrongState`` where the server never ran, or is on no host."""
    if instance.host is None or instance.launched_at is None:
        raise WrongState(f"The server {instance.uuid} is on no host yet; one cannot {doing}.")


def describe_state(instance: Instance) -> str:
    task = f", {instance.task_state}" if instance.task_state else ""
    return f"{instance.vm_state}{task}"
