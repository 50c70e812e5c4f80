"""Confirms a resize or cold migration, or takes it back."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.faults import Fault
from servers.holdings.settle import set_status
from servers.hosts.zones import zone_of_hosts
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.guard import check_state, check_unlocked
from servers.lifecycle.jobs import ConfirmResize, RevertResize
from servers.lifecycle.site_caller import act_as_site
from servers.lifecycle.transitions import BEGIN_REVERT, CONFIRM
from servers.models import Instance, Migration, MigrationStatus, VmState
from servers.moves.cold import check_host_up
from servers.moves.errors import NotResized

logger = logging.getLogger(__name__)

AT_ONCE = 500
"""So many moves are confirmed in one round."""
CONFIRM_EVENT = "compute_confirm_resize"
REVERT_EVENT = "compute_revert_resize"
FINISH_REVERT_EVENT = "compute_finish_revert_resize"
CONFIRMING = Change(name="confirmResize", event=CONFIRM_EVENT, doing="confirm its resize")
REVERTING = Change(
    name="revertResize", event=REVERT_EVENT, doing="revert its resize", step=BEGIN_REVERT
)
FINISHED = (MigrationStatus.FINISHED,)


def confirm_resize(caller: Caller, instance: Instance) -> None:
    """Begin to give up what the server left behind.

    Raises:
        ServerLocked, WrongState, HostDown: 409.
        NotResized: there is nothing to confirm, or it goes on already.
    """
    check_unlocked(caller, instance)
    check_state(instance, CONFIRM.from_vm, CONFIRMING.doing, idle=True)
    record = _find_finished(instance)
    check_host_up(instance, record.source_compute)
    with transaction.atomic():
        if not set_status(record, MigrationStatus.CONFIRMING, only_from=FINISHED):
            raise _not_resized(instance)
        job = ConfirmResize(server_id=str(instance.uuid), move=record.pk)
        begin(caller, instance, CONFIRMING, job)


def confirm_overdue() -> int:
    """Begin to confirm what waits for longer than the site lets it; the number of moves. One that
    cannot be confirmed now is tried again the next time.
    """
    seconds: int = settings.OPTIONS.resize_confirm_window
    if seconds <= 0:
        return 0
    limit = timezone.now() - dt.timedelta(seconds=seconds)
    waiting = Migration.objects.open().filter(
        status=MigrationStatus.FINISHED,
        updated_at__lte=limit,
        instance__vm_state=VmState.RESIZED,
        instance__task_state__isnull=True,
        instance__deleted_at__isnull=True,
    )
    confirmed = 0
    for record in waiting.select_related("instance").order_by("updated_at")[:AT_ONCE]:
        try:
            confirm_resize(act_as_site(), record.instance)
            confirmed += 1
        except Fault as fault:
            logger.info("server %s stays resized: %s", record.instance.uuid, fault.detail)
    return confirmed


def revert_resize(caller: Caller, instance: Instance) -> None:
    """Begin to go back.

    Raises:
        ServerLocked, WrongState: 409.
        NotResized: there is nothing to revert, or it is being confirmed.
    """
    check_unlocked(caller, instance)
    check_state(instance, BEGIN_REVERT.from_vm, REVERTING.doing, idle=True)
    record = _find_finished(instance)
    zone = zone_of_hosts([str(record.source_compute)]).get(str(record.source_compute))
    with transaction.atomic():
        job = RevertResize(server_id=str(instance.uuid), move=record.pk)
        begin(caller, instance, REVERTING, job, availability_zone=zone)
        if not set_status(record, MigrationStatus.REVERTING, only_from=FINISHED):
            raise _not_resized(instance)


def _find_finished(instance: Instance) -> Migration:
    found = Migration.objects.filter(instance=instance, status=MigrationStatus.FINISHED).first()
    if found is None:
        raise _not_resized(instance)
    return found


def _not_resized(instance: Instance) -> NotResized:
    return NotResized(f"The server {instance.uuid} has no resize to confirm or to revert.")
