"""Says what state a server is in, when an admin knows better."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from compute_site.identity.caller import Caller
from servers.change.history import log_action
from servers.change.set_aside import take_back
from servers.errors import WrongState
from servers.models import Instance, VmState
from servers.moves.settle import settle
from servers.read.find import is_order


def reset_state(caller: Caller, instance: Instance, state: str) -> None:
    """``state`` is ``active`` or ``error``; whatever went on is over.

    Raises:
        WrongState: the server is on no host, so that it cannot be active, or nobody has begun to
            build it.
        OverQuota: the server was deleted so that it can be restored, and there is no room for it.
    """
    if is_order(instance) or (state == VmState.ACTIVE and instance.host is None):
        raise WrongState(f"The server {instance.uuid} is on no host; its state cannot be {state}.")
    with transaction.atomic():
        # locked before the counters, as a deletion does, and so that it is taken back once
        list(Instance.objects.alive().select_for_update(no_key=True).filter(pk=instance.pk))
        take_back(instance)
        Instance.objects.alive().filter(pk=instance.pk).update(
            vm_state=state, task_state=None, updated_at=timezone.now()
        )
        settle(instance)
    log_action(caller, instance, "resetState", "api_reset_state")
