"""Deletes a server in whatever phase it is: not begun, being built, failed, or on a host.

Quota and resources are released exactly once: only the call that moves the row to ``deleted``
releases them. What other services hold is given back outside of transactions, and may be given
back twice: by the host before the row is ``deleted``, or else, by a job, after it is.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from quotas.enforce import give_back
from servers import models
from servers.drivers.choose import drivers_at
from servers.drivers.protocol import ComputeDriver, DriverFailed
from servers.holdings.release import (
    after_commit,
    release_host,
    release_now,
    release_services,
    services_to_release,
    try_now,
)
from servers.holdings.settle import end_with_server, find_open
from servers.holdings.shelved_image import IMAGE_KEY, forget_image
from servers.lifecycle.actions import SOFT_DELETE
from servers.lifecycle.begin import Change, begin
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.guard import check_unlocked
from servers.lifecycle.history import ERROR, SUCCESS, begin_action, finish_event
from servers.lifecycle.jobs import DeleteServer, PerformAction
from servers.lifecycle.transitions import (
    BEGIN_DELETE,
    FAIL_DELETE,
    FINISH_DELETE,
    KEEP_SOFT_DELETED,
    take_step,
)
from servers.models import (
    BuildRequest,
    Instance,
    InstanceMapping,
    KeptRequest,
    PowerState,
    ServerGroupMember,
    Service,
    TaskState,
    VmState,
)

DELETE_EVENT = "compute_terminate_instance"
DELETE = Change(
    name=SOFT_DELETE.name, event=DELETE_EVENT, doing=SOFT_DELETE.doing, step=BEGIN_DELETE
)


def delete_server(caller: Caller, instance: Instance, *, force: bool = False) -> None:
    """Delete the server, or, if its host is up, defer the job with which the host deletes it.

    With ``reclaim_instance_interval``, a server that has run only becomes ``soft-delete``, unless
    ``force`` is set.

    Raises:
        ServerLocked: the server is locked, and the caller is no admin.
    """
    check_unlocked(caller, instance)
    with transaction.atomic():
        request = _take_build_request(instance)
        fresh = Instance.objects.alive().select_for_update(no_key=True).filter(pk=instance.pk)
        server = fresh.first()
        if server is None or server.task_state == TaskState.DELETING:
            return  # another request has deleted it, or is deleting it
        if server.task_state == TaskState.SOFT_DELETING and not force:
            return
        _forget_image(server)
        if request is not None or not Service.objects.is_up(server.host):
            if request is None:
                begin_action(server, DELETE.name, DELETE.event, caller)
                _destroy_later(server)
            _forget(server)
            after_commit(release_services, services_to_release(server, _ending_volumes(request)))
        elif not force and _can_be_restored(server):
            job = PerformAction(server_id=str(server.uuid), task=SOFT_DELETE.task)
            begin(caller, server, SOFT_DELETE, job)
        else:
            begin(caller, server, DELETE, DeleteServer(server_id=str(server.uuid)))


def finish_delete(job: DeleteServer) -> None:
    """The host's part: destroy the guest, give back what the server has of the services, then
    delete it, so that all is free for whoever sees that the server is gone. A second call does
    nothing.
    """
    with exclusive(job.server_id):
        instance = Instance.objects.alive().filter(uuid=job.server_id).first()
        if instance is None:
            return
        try:
            drivers = _destroy(instance)
        except DriverFailed as error:
            _fail(instance, error)
            return
        left = services_to_release(instance)
        released = try_now(release_now, left)
        networks = {str(nic["network_id"]) for nic in instance.network_info}
        for driver in drivers:
            driver.left_networks(networks)
        with transaction.atomic():
            fresh = Instance.objects.alive().select_for_update(no_key=True)
            _forget(fresh.filter(pk=instance.pk).get())
            if not released:
                left.defer()


def _forget_image(instance: Instance) -> None:
    """Delete the image of a shelved server, whose row is locked."""
    if IMAGE_KEY in instance.system_metadata:  # hardly ever
        forget_image(instance)


def _take_build_request(instance: Instance) -> BuildRequest | None:
    """Delete the build request if it still exists. Only one of deletion and build can delete it, so
    that the server is either deleted or built.
    """
    requests = BuildRequest.objects.filter(instance=instance)
    request = requests.select_for_update().first()
    if request is not None:
        requests.delete()
    return request


def _ending_volumes(request: BuildRequest | None) -> list[str]:
    """The volumes to delete with a server whose disks are not rows yet."""
    devices = request.block_devices if request is not None else []
    return [
        str(device["volume_id"])
        for device in devices
        if device.get("volume_id") and device.get("delete_on_termination")
    ]


def _can_be_restored(instance: Instance) -> bool:
    """May the server be soft-deleted? Not while it moves, because no host has all of it."""
    kept: int = settings.OPTIONS.reclaim_instance_interval
    return kept > 0 and instance.launched_at is not None and find_open(instance) is None


def _destroy(instance: Instance) -> list[ComputeDriver]:
    """Destroy the guest on every host that may have it; a move may have left it on two. Their
    drivers.
    """
    names = {instance.node}
    if (move := find_open(instance)) is not None:
        names |= {move.source_node, move.dest_node}
    drivers = drivers_at(names)
    for node, driver in drivers.items():
        driver.destroy(str(instance.uuid), node)
    return list(drivers.values())


def _destroy_later(instance: Instance) -> None:
    """Its host is down, or it lies on none."""
    for node, driver in drivers_at([instance.node]).items():
        driver.destroy_later(str(instance.uuid), node)


def _forget(instance: Instance) -> None:
    """Mark the server deleted and release all that it holds here."""
    now = timezone.now()
    ended: dict[str, Any] = {
        "deleted_at": now,
        "terminated_at": now,
        "power_state": PowerState.NO_STATE,
    }
    if not take_step(instance.pk, FINISH_DELETE, **ended, network_info=[]):
        return
    held = end_with_server(instance)
    if instance.soft_deleted_at is None:
        give_back(instance.project_id, held)
    InstanceMapping.objects.filter(instance=instance).update(queued_for_delete=True)
    ServerGroupMember.objects.filter(instance=instance).delete()
    if instance.vm_state == VmState.ERROR and instance.host is None:
        KeptRequest.objects.filter(instance=instance).delete()
    finish_event(instance.pk, DELETE_EVENT, result=SUCCESS)
    release_host([instance.pk])


def _fail(instance: Instance, error: DriverFailed) -> None:
    """Note the failure. A soft-deleted server stays so, and reclaiming tries again later."""
    step = FAIL_DELETE if instance.soft_deleted_at is None else KEEP_SOFT_DELETED
    with transaction.atomic():
        if take_step(instance.pk, step):
            models.ServerFault.objects.create(
                instance=instance, message=error.detail[:255], host=instance.host
            )
            finish_event(instance.pk, DELETE_EVENT, result=ERROR, details=error.detail)
