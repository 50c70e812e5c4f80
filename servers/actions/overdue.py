"""Ends rescues and soft reboots that go on for longer than the site lets them."""

from __future__ import annotations

import datetime as dt
import logging

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from compute_site.faults import Fault
from servers.actions.ask_host import ask_host
from servers.lifecycle.actions import HARD_REBOOT, HOST_ACTIONS, HostAction
from servers.lifecycle.site_caller import act_as_site
from servers.models import Instance, Service, TaskState, VmState

logger = logging.getLogger(__name__)

AT_ONCE = 500
"""So many servers are seen to in one round."""
UNRESCUE = HOST_ACTIONS["unrescue"]
SOFT_REBOOTS = (TaskState.REBOOTING, TaskState.REBOOT_PENDING, TaskState.REBOOT_STARTED)


def end_overdue_rescues() -> int:
    """Begin to end rescues; their number. A server counts as launched since its rescue."""
    seconds: int = settings.OPTIONS.rescue_timeout
    if seconds <= 0:
        return 0
    rescued = Instance.objects.alive().filter(vm_state=VmState.RESCUED, task_state__isnull=True)
    return _begin_for(rescued.filter(launched_at__lt=_limit(seconds)), UNRESCUE)


def reboot_stuck() -> int:
    """Begin to reboot servers hard whose soft reboot does not end; their number."""
    seconds: int = settings.OPTIONS.reboot_timeout
    if seconds <= 0:
        return 0
    rebooting = Instance.objects.alive().filter(task_state__in=SOFT_REBOOTS)
    return _begin_for(rebooting.filter(updated_at__lt=_limit(seconds)), HARD_REBOOT)


def _begin_for(servers: QuerySet[Instance], action: HostAction) -> int:
    """Begin the action for those whose host is up. One that refuses is tried again in the next
    round.
    """
    living = servers.filter(host__in=Service.objects.computes().up().values("host"))
    begun = 0
    for server in living.order_by("pk")[:AT_ONCE]:
        try:
            ask_host(act_as_site(), server, action)
            begun += 1
        except Fault as fault:
            logger.info("server %s is left alone: %s", server.uuid, fault.detail)
    return begun


def _limit(seconds: int) -> dt.datetime:
    return timezone.now() - dt.timedelta(seconds=seconds)
