"""Ends servers for good that were deleted so long ago that nobody can restore them any more."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from servers.lifecycle.jobs import DeleteServer, defer_all
from servers.lifecycle.transitions import RECLAIM, take_steps
from servers.models import Instance, VmState


def reclaim_deleted() -> int:
    """Begin to delete those whose time is over; their number. Nova: none where the option has been
    switched off meanwhile; ``forceDelete`` ends them.
    """
    seconds: int = settings.OPTIONS.reclaim_instance_interval
    if seconds <= 0:
        return 0
    limit = timezone.now() - dt.timedelta(seconds=seconds)
    due = Instance.objects.alive().filter(
        vm_state=VmState.SOFT_DELETED, task_state__isnull=True, soft_deleted_at__lt=limit
    )
    with transaction.atomic():
        ids = dict(due.values_list("pk", "uuid"))
        begun = take_steps(list(ids), RECLAIM)
        defer_all([DeleteServer(server_id=str(ids[key])) for key in begun])
    return len(begun)
