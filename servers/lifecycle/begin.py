"""Begins a change of a server: its step, its history and the job that does the rest, or nothing."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from servers.errors import WrongState
from servers.lifecycle.guard import describe_state
from servers.lifecycle.history import begin_action
from servers.lifecycle.jobs import Job
from servers.lifecycle.transitions import Transition, take_step
from servers.models import Instance


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """``name`` is the action in the history, ``event`` its first event; ``doing`` completes "one
    cannot …" in errors. ``step`` is the change of the server's state, if there is one.
    """

    name: str
    event: str
    doing: str
    step: Transition | None = None


def begin(
    caller: Caller, server: Instance, change: Change, job: Job | None, **columns: Any
) -> None:
    """Take the step, open the history and defer the job, in one transaction. ``columns`` of the
    server's row are set with the step. Without a job, the request itself does the rest.

    A caller that needs the present row to write more must lock it first (``guard.lock_row``), in an
    outer transaction.

    Raises:
        WrongState: the server may not take the step, or another request was faster.
    """
    with transaction.atomic(savepoint=False):
        taken = change.step is None or take_step(server.pk, change.step, **columns)
        if taken:
            begin_action(server, change.name, change.event, caller)
            if job is not None:
                job.defer()
    if not taken:  # raised out here, where it spoils nobody's transaction
        raise WrongState(
            f"The server {server.uuid} is {describe_state(server)}; "
            f"one cannot {change.doing} while it is."
        )
