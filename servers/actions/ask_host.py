"""Begins an action of the table ``servers.lifecycle.actions`` and defers the host's part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from compute_site.caller import Caller
from compute_site.secrets.sealing import seal
from servers.lifecycle.actions import HostAction
from servers.lifecycle.begin import begin
from servers.lifecycle.guard import check_launched, check_unlocked
from servers.lifecycle.jobs import PerformAction
from servers.machine.bound import check_unbound
from servers.models import Instance


def ask_host(
    caller: Caller,
    instance: Instance,
    action: HostAction,
    *,
    password: str = "",
    after: str | None = None,
    columns: Mapping[str, Any] | None = None,
    image: str = "",
    image_project: str = "",
    volume: str = "",
) -> None:
    """Begin the action. ``password`` goes to the host, sealed while it waits. ``after`` is the
    state in the end, where it is not the one of the table; ``columns`` of the server's row are
    set with the step; ``image`` is what a rescue boots from, or what the host fills, in the project
    ``image_project``, or what a rebuild writes over the ``volume``.

    Raises:
        HardwareBound: the server has a TPM or encrypted memory, which the action would lose.
        ServerLocked: the server is locked.
        WrongState: the server is not in a state that allows this, or somebody was faster.
    """
    check_unbound(instance, action.name)
    check_unlocked(caller, instance)
    check_launched(instance, action.doing)
    job = PerformAction(
        server_id=str(instance.uuid),
        task=action.task,
        sealed_password=seal(password),
        after=after,
        image=image,
        image_project=image_project,
        volume=volume,
    )
    begin(caller, instance, action, job, **(columns or {}))
