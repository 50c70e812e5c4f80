"""Makes the guest of a server crash, so that its operating system writes a dump."""

from __future__ import annotations

from compute_site.caller import Caller
from servers.drivers.choose import driver_at
from servers.drivers.protocol import DriverFailed
from servers.lifecycle.guard import check_launched, check_state, check_unlocked
from servers.lifecycle.history import ERROR, SUCCESS, log_action
from servers.models import Instance, VmState

DOING = "make it dump"
STATES = frozenset[str | None](
    (VmState.ACTIVE, VmState.PAUSED, VmState.RESCUED, VmState.RESIZED, VmState.ERROR)
)
EVENT = "compute_trigger_crash_dump"


def trigger_crash_dump(caller: Caller, instance: Instance) -> None:
    """Nova: what the host makes of it shows only in the history.

    Raises:
        ServerLocked, WrongState: 409.
    """
    check_unlocked(caller, instance)
    check_launched(instance, DOING)
    check_state(instance, STATES, DOING, idle=True)
    result, details = SUCCESS, ""
    try:
        driver_at(instance.node).trigger_crash_dump(str(instance.uuid), str(instance.node))
    except DriverFailed as error:
        result, details = ERROR, error.detail
    log_action(caller, instance, "trigger_crash_dump", EVENT, result=result, details=details)
