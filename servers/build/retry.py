"""Tries again to schedule servers for which there was no host, from their kept build requests."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from compute_site.caller import Caller
from servers.build.waiting import WaitingBuild
from servers.errors import WrongState
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.history import SUCCESS, finish_event
from servers.lifecycle.jobs import ScheduleAndBuild
from servers.lifecycle.transitions import RETRY_BUILD
from servers.models import (
    BlockDevice,
    BuildRequest,
    Instance,
    InstanceMapping,
    KeptRequest,
    Tag,
)

RETRY = Change(
    name="retryBuild",
    event="conductor_retry_build",
    doing="try its build again",
    step=RETRY_BUILD,
)
KEPT = (
    "requested_networks",
    "security_groups",
    "block_devices",
    "injected_files",
    "tags",
    "admin_password",
    "user_token",
)


def keep_orders(requests: Sequence[WaitingBuild]) -> None:
    """Keep the build requests of servers that cannot be placed."""
    KeptRequest.objects.bulk_create(
        KeptRequest(
            instance_id=request.instance_id,
            order={name: getattr(request, name) for name in KEPT},
        )
        for request in requests
    )


def retry_build(caller: Caller, instance: Instance) -> None:
    """Let the server wait for a host again, with its original build request.

    Disks and tags become part of the build request again, and rows once the server is placed.
    Nothing else has to be restored: ports are made only by hosts, and volumes stay reserved until
    the server is deleted.

    Raises:
        WrongState: it is not in error, was on a host already, or is being deleted.
    """
    with transaction.atomic():
        # locks the server first, as a deletion does
        job = ScheduleAndBuild(reservation_id=instance.reservation_id)
        begin(caller, instance, RETRY, job)
        kept = KeptRequest.objects.filter(instance=instance).first()
        if kept is None:
            raise WrongState(
                f"The server {instance.uuid} is not one in error that never reached a host; "
                "its build cannot be tried again."
            )
        BlockDevice.objects.filter(instance=instance).delete()
        Tag.objects.filter(instance=instance).delete()
        InstanceMapping.objects.filter(instance=instance).update(cell=None)
        BuildRequest.objects.create(
            instance=instance,
            project_id=instance.project_id,
            request_id=caller.request_id,
            **kept.order,
        )
        kept.delete()
        finish_event(instance.pk, RETRY.event, result=SUCCESS)
