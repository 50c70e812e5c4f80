"""Sets the state of a server as an admin says it is."""

from __future__ import annotations

from django.db import transaction

from compute_site.caller import Caller
from servers.errors import WrongState
from servers.holdings.set_aside import take_back
from servers.holdings.settle import settle
from servers.lifecycle.guard import lock_row
from servers.lifecycle.history import log_action
from servers.lifecycle.transitions import Transition, take_step
from servers.models import Instance, VmState
from servers.read.find import is_order


def reset_state(caller: Caller, instance: Instance, state: str) -> None:
    """``state`` is ``active`` or ``error``; whatever went on is over.

    Raises:
        WrongState: the server is on no host, so that it cannot be active, or nobody has begun to
            build it.
        NoSuchServer: it was deleted meanwhile.
        OverQuota: the server was deleted so that it can be restored, and there is no room for it.
    """
    with transaction.atomic():
        # locked before the counters, as a deletion does, and so that it is taken back once
        server = lock_row(instance)
        if is_order(server) or (state == VmState.ACTIVE and server.host is None):
            raise WrongState(f"The server {server.uuid} is on no host; it cannot be {state}.")
        take_back(server)
        take_step(server.pk, Transition(to_vm=state))
        settle(server)
        log_action(caller, server, "resetState", "api_reset_state")
