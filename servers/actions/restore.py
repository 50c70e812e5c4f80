"""Brings deleted servers back, as long as they are only set aside."""

from __future__ import annotations

from django.db import transaction

from compute_site.caller import Caller
from servers.actions.ask_host import ask_host
from servers.holdings.set_aside import take_back
from servers.lifecycle.actions import HOST_ACTIONS
from servers.models import Instance


def restore_server(caller: Caller, instance: Instance) -> None:
    """Begin to restore the server; it counts in the quota from now on.

    Raises:
        ServerLocked, WrongState: 409.
        OverQuota: there is no room for it any more.
    """
    with transaction.atomic():
        ask_host(caller, instance, HOST_ACTIONS["restore"])
        take_back(instance)
