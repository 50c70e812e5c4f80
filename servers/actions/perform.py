"""Does on a host what was begun in the API: the action that the server's task_state names."""

from __future__ import annotations

import dataclasses
import logging
from typing import Any

from django.db import transaction

from compute_site.neighbours import volume_service
from compute_site.neighbours.network.protocol import BindingRefused, NicFailed
from compute_site.neighbours.volume.protocol import VolumeFailed, VolumesNotReady, VolumeSpoiled
from compute_site.secrets.sealing import SealedWithOtherKey, unseal
from servers.drivers.choose import driver_at
from servers.drivers.guest import describe_anew, launched
from servers.drivers.protocol import DriverFailed, Guest
from servers.holdings.release import NOWHERE, release_host
from servers.holdings.set_aside import set_aside
from servers.holdings.shelved_image import IMAGE_KEY, forget_image
from servers.lifecycle.actions import BY_TASK, HostAction
from servers.lifecycle.exclusive import exclusive
from servers.lifecycle.history import ERROR, SUCCESS, finish_events
from servers.lifecycle.jobs import BindPorts, ForgetImages, PerformAction
from servers.lifecycle.transitions import Transition, take_step
from servers.models import BlockDevice, Instance, PowerState, ServerFault, TaskState, VmState
from servers.placement.port_bindings import rebind

logger = logging.getLogger(__name__)

FAILURES = (BindingRefused, DriverFailed, NicFailed, SealedWithOtherKey, VolumeFailed)
"""What ends an action: it cannot be done."""

PAUSE_SECONDS = 2
"""Where the bytes of a volume are not there yet."""


def perform(job: PerformAction) -> None:
    """Do it, unless something else has come in between. Doing it twice is harmless."""
    action, after = BY_TASK[job.task], job.after
    if after == VmState.SHELVED:  # which it leaves only when it is offloaded
        action = dataclasses.replace(action, leaves_host=False)
    with exclusive(job.server_id):
        tasks = action.end.from_task
        busy = Instance.objects.alive().filter(uuid=job.server_id, task_state__in=tasks)
        instance = busy.first()
        if instance is None:
            return
        try:
            if action.enters_host:
                rebind(job.server_id, str(instance.host), instance.node)
            power_state = _drive(instance, action, job, off=after == VmState.STOPPED)
        except VolumesNotReady:
            job.defer_apart(seconds=PAUSE_SECONDS)
            return
        except FAILURES as error:
            with transaction.atomic():
                give_up(instance, action, error.detail, spoiled=isinstance(error, VolumeSpoiled))
                if action.saves_disk and job.image_project:
                    ForgetImages(project_id=job.image_project, images=(job.image,)).defer()
            return
        with transaction.atomic():
            columns: dict[str, Any] = {"power_state": power_state}
            columns |= NOWHERE if action.leaves_host else {}
            columns |= launched(instance) if action.launches else {}
            end = action.end if after is None else dataclasses.replace(action.end, to_vm=after)
            if take_step(instance.pk, end, **columns):
                finish_events(instance.pk, action.events, result=SUCCESS)
                if action.leaves_host:
                    release_host([instance.pk])
                    BindPorts(server_id=job.server_id).defer()
                if action.sets_aside:
                    set_aside(instance)
                if action.enters_host:
                    forget_image(instance)
                if job.replaces:
                    ForgetImages(project_id=job.image_project, images=job.replaces).defer()


def give_up(instance: Instance, action: HostAction, reason: str, *, spoiled: bool = False) -> None:
    """The server is what it was before, or, if what it runs from is spoiled, in ``error``; the
    history says why nothing came of it.
    """
    logger.warning("server %s: %s failed: %s", instance.uuid, action.name, reason)
    vm_state = VmState.ERROR if spoiled else None
    stay = Transition(from_task=action.end.from_task, to_vm=vm_state)
    with transaction.atomic():
        if take_step(instance.pk, stay, **(NOWHERE if action.enters_host else {})):
            ServerFault.objects.create(instance=instance, message=reason[:255], host=instance.host)
            finish_events(instance.pk, action.events, result=ERROR, details=reason)
            if action.enters_host:
                release_host([instance.pk])
                BindPorts(server_id=str(instance.uuid), left=instance.host).defer()
            if action.takes_back:
                set_aside(instance)


def _write_image(instance: Instance, job: PerformAction) -> None:
    """Write the image of a rebuild over the root volume.

    Raises:
        VolumesNotReady: it takes longer.
        VolumeFailed: it cannot be written; the server has the volume as before.
        VolumeSpoiled: the volume holds nothing of use any more.
    """
    try:
        volume_service().finish_reimage(str(instance.uuid), job.volume, job.image)
    except VolumeSpoiled:
        raise
    except VolumeFailed:
        _hold(instance, job.volume)
        raise
    _hold(instance, job.volume)


def _hold(instance: Instance, volume_id: str) -> None:
    """Let the server have the volume, by whichever attachment it has now."""
    disks = BlockDevice.objects.filter(instance=instance, volume_id=volume_id)
    device = disks.values_list("device_name", flat=True).first()
    held = volume_service().attach(str(instance.uuid), {volume_id: device or ""})
    disks.update(attachment_id=held.get(volume_id))


def _drive(instance: Instance, action: HostAction, job: PerformAction, *, off: bool = False) -> int:
    """The power state afterwards; ``off``: the guest is switched off in the end."""
    server_id, node = str(instance.uuid), str(instance.node)
    password = unseal(job.sealed_password)
    driver = driver_at(node)
    if job.volume:
        _write_image(instance, job)

    def describe() -> Guest:
        if job.volume:  # the host is to see its new bytes, and the old guest not to write to them
            volume_service().disconnect(server_id, node)
        guest = describe_anew(instance, node=node)
        kept = instance.system_metadata.get(IMAGE_KEY) if action.enters_host else None
        return dataclasses.replace(
            guest,
            image_id=kept or guest.image_id,
            rescue_image_id="" if job.volume else job.image,
            admin_password=password,
        )

    if action.saves_disk and job.image:
        if job.task == TaskState.SHELVING:
            driver.perform(server_id, node, TaskState.POWERING_OFF, describe)
        driver.save_disk(server_id, node, job.image)
        if job.task != TaskState.SHELVING:
            return instance.power_state
    if action.leaves_host:
        driver.destroy(server_id, node)
        return PowerState.SHUT_DOWN
    if action.saves_disk and job.image:
        return PowerState.SHUT_DOWN
    power_state = driver.perform(server_id, node, action.task, describe, password=password)
    if off:
        return driver.perform(server_id, node, TaskState.POWERING_OFF, describe)
    return power_state
