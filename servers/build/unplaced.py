"""Ends builds for which there is no host: the servers are in ``cell0``, in ``ERROR``, with the
reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.utils import timezone

from compute_site import faults
from compute_site.metrics.meters import BUILDS, count
from servers.build.child_rows import SCHEDULE_EVENT, write_records
from servers.build.retry import keep_orders
from servers.build.waiting import WaitingBuild
from servers.lifecycle.history import ERROR
from servers.lifecycle.transitions import FAIL_BUILD, take_steps
from servers.models import BuildRequest, Cell, InstanceMapping, ServerFault
from servers.models.cell import CELL0


def fail_unplaced(
    requests: Sequence[WaitingBuild],
    fault: faults.Fault,
    *,
    details: str = "",
    searched_at: dt.datetime | None = None,
) -> None:
    """End the build requests, which the caller has locked, and keep copies for another try.
    ``searched_at``: when somebody began to look for a host, if anybody did.

    Disks, tags and quota of the servers stay until the user deletes them.
    """
    servers = [request.instance_id for request in requests]
    now = timezone.now()
    take_steps(servers, FAIL_BUILD)
    cell0 = Cell.objects.filter(name=CELL0).values("pk")[:1]
    InstanceMapping.objects.filter(instance__in=servers).update(cell=cell0)
    event = {
        "event": SCHEDULE_EVENT,
        "start_time": now,
        "finish_time": now,
        "result": ERROR,
        "details": fault.detail,
        "traceback": details or None,
        "searched_at": searched_at,
    }
    write_records(requests, events=dict.fromkeys(servers, event))
    ServerFault.objects.bulk_create(
        ServerFault(instance_id=server, code=500, message=fault.detail[:255], details=details)
        for server in servers
    )
    count(BUILDS, "without a host", amount=len(requests))
    keep_orders(requests)
    BuildRequest.objects.filter(pk__in=[request.id for request in requests]).delete()
