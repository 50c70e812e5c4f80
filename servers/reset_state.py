"""Sets the state of a server by hand, when what is written of it is not true any more."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from compute_site.identity.caller import Caller
from servers.errors import NoSuchServer, WrongState
from servers.models import BuildRequest, Instance, InstanceAction, VmState
from servers.transitions import Transition, move

RESET_STATE = "resetState"
STATES = {"active": VmState.ACTIVE, "error": VmState.ERROR}


def reset_state(caller: Caller, instance: Instance, state: str) -> None:
    """The server is ``active`` or in ``error`` from now on, and nothing is being done with it.

    Raises:
        WrongState: nobody has begun to build it, or it has no host to be active on.
        NoSuchServer: it was deleted meanwhile.
    """
    with transaction.atomic():
        fresh = Instance.objects.alive().select_for_update(no_key=True).filter(pk=instance.pk)
        server = fresh.first()
        if server is None:
            raise NoSuchServer(str(instance.uuid))
        _check_state(server, STATES[state])
        move(server.pk, Transition(to_vm=STATES[state]))
        now = timezone.now()
        InstanceAction.objects.create(
            instance=server,
            action=RESET_STATE,
            request_id=caller.request_id,
            user_id=caller.user_id,
            project_id=caller.project_id,
            start_time=now,
            updated_at=now,
            finish_time=now,
        )


def _check_state(server: Instance, wanted: VmState) -> None:
    if BuildRequest.objects.filter(instance=server).exists():
        raise WrongState(
            f"The server {server.uuid} waits for a host; delete it, or let it be placed."
        )
    if wanted == VmState.ACTIVE and server.host is None:
        raise WrongState(f"The server {server.uuid} has no host, so it cannot be active.")
