"""Shelves servers: an image keeps what they hold, and no host has them until they come back."""

from __future__ import annotations

import datetime as dt
import functools

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from compute_site.caller import Caller
from compute_site.neighbours import volume_service
from servers.actions.ask_host import ask_host
from servers.actions.image import image_of_disk, is_filled_by_host
from servers.drivers.choose import FindDriver, finding_driver
from servers.errors import (
    HostNotFound,
    HostOutsideZone,
    VolumesElsewhere,
    WrongState,
    ZoneUnavailable,
)
from servers.holdings.new_images import Disks, NewImage, making_image
from servers.holdings.shelved_image import SHELVED_AT, forget_image, remember_image
from servers.hosts.zones import available_zones, zone_of_hosts
from servers.lifecycle.acting import acting_for
from servers.lifecycle.actions import HOST_ACTIONS, UNSHELVE_IN_PLACE, HostAction
from servers.lifecycle.begin import begin
from servers.lifecycle.guard import check_state, check_unlocked
from servers.lifecycle.jobs import Job, PerformAction, UnshelveServer, defer_all
from servers.lifecycle.transitions import take_steps
from servers.machine.bound import check_unbound
from servers.models import BlockDevice, Instance, RequestSpec, Service, VmState
from servers.policies import action as rules
from servers.read.root_disk import is_volume_backed, root_of

SHELVE = HOST_ACTIONS["shelve"]
UNSHELVE = HOST_ACTIONS["unshelve"]
OFFLOAD = HOST_ACTIONS["shelveOffload"]
KEEP = object()
"""Stands for a zone that is not to be changed."""


def shelve_server(caller: Caller, instance: Instance) -> None:
    """Begin to shelve; raises as ``ask_host``.

    Nova: a server that was booted from a volume leaves its host at once, whatever the option says.
    """
    check_unbound(instance, "shelve")
    root = root_of(BlockDevice.objects.filter(instance=instance))
    on_host = not is_volume_backed(instance, root)
    stays = on_host and settings.OPTIONS.shelved_offload_time != 0
    find = finding_driver()
    describe = functools.partial(_describe_image, caller, find)
    make = making_image(instance, describe) if on_host else None
    with transaction.atomic():
        after = VmState.SHELVED if stays else None
        image_id = ""
        filled = on_host and is_filled_by_host(instance, find)
        if filled and make is not None:
            image_id = make(instance, ())
        ask_host(
            caller,
            instance,
            SHELVE,
            after=after,
            image=image_id,
            image_project=instance.project_id if filled else "",
        )
        if make is not None:
            forget_image(instance)  # there is one where the host could not shelve it
            remember_image(instance, image_id or make(instance, ()))


def _describe_image(
    caller: Caller, find: FindDriver, instance: Instance, _disks: Disks
) -> NewImage:
    check_unlocked(caller, instance)
    check_state(instance, SHELVE.step.from_vm, SHELVE.doing, idle=True)
    name = f"{instance.display_name}-shelved"[:255]
    return image_of_disk(acting_for(caller, instance), instance, name, {}, find)


def offload_shelved() -> int:
    """Begin to take long shelved servers off their hosts; their number."""
    seconds: int = settings.OPTIONS.shelved_offload_time
    if seconds <= 0:
        return 0
    limit = (timezone.now() - dt.timedelta(seconds=seconds)).isoformat()
    shelved = Instance.objects.alive().filter(vm_state=VmState.SHELVED, task_state__isnull=True)
    due = [
        instance
        for instance in shelved.only("uuid", "system_metadata")
        if instance.system_metadata.get(SHELVED_AT, "") < limit
    ]
    with transaction.atomic():
        begun = take_steps([instance.pk for instance in due], OFFLOAD.step)
        ids = [str(instance.uuid) for instance in due if instance.pk in begun]
        defer_all([PerformAction(server_id=server_id, task=OFFLOAD.task) for server_id in ids])
    return len(ids)


def unshelve_server(
    caller: Caller, instance: Instance, *, zone: object = KEEP, host: str | None = None
) -> None:
    """Begin to bring the server back. ``zone`` ``None``: to any zone from now on.

    Raises:
        ServerLocked, WrongState, VolumesElsewhere, HostOutsideZone: 409.
        ZoneUnavailable, HostNotFound: it cannot come back there.
        PolicyRefused: only those who hold the rule choose a host.
    """
    check_unlocked(caller, instance)
    offloaded = instance.vm_state == VmState.SHELVED_OFFLOADED
    server_id = str(instance.uuid)
    action: HostAction = UNSHELVE
    job: Job = UnshelveServer(server_id=server_id, host=host)
    if instance.host is not None:
        action = UNSHELVE_IN_PLACE
        job = PerformAction(server_id=server_id, task=action.task)
    if (zone is not KEEP or host) and not offloaded:
        raise WrongState(f"The server {instance.uuid} still lies on a host; give it no other.")
    if isinstance(zone, str):
        _check_zone(caller, instance, zone)
    if host is not None:
        caller.permit(rules.UNSHELVE_TO_HOST, project_id=instance.project_id)
        _check_host(instance, host, zone)
    with transaction.atomic():
        begin(caller, instance, action, job)
        if zone is not KEEP:
            RequestSpec.objects.filter(instance=instance).update(availability_zone=zone)
        if instance.host is not None:  # else the host that it comes to may need the image
            forget_image(instance)


def _check_zone(caller: Caller, instance: Instance, zone: str) -> None:
    if zone not in available_zones():
        raise ZoneUnavailable(
            f"There is no available zone {zone}.", field="unshelve.availability_zone"
        )
    if settings.OPTIONS.cross_az_attach:
        return
    disks = BlockDevice.objects.filter(instance=instance, volume_id__isnull=False)
    ids = [str(volume_id) for volume_id in disks.values_list("volume_id", flat=True)]
    volumes = volume_service().find_volumes(caller, ids).values() if ids else ()
    for volume in volumes:
        if volume.availability_zone != zone:
            raise VolumesElsewhere(
                f"The volume {volume.id} is in the zone {volume.availability_zone}, not in {zone}."
            )


def _check_host(instance: Instance, host: str, zone: object) -> None:
    """The host exists, and lies in the zone that the server is pinned to afterwards."""
    if not Service.objects.computes().filter(host=host).exists():
        raise HostNotFound(f"There is no host {host}.", field="unshelve.host")
    if zone is KEEP:
        pinned = RequestSpec.objects.filter(instance=instance)
        zone = pinned.values_list("availability_zone", flat=True).first()
    if zone and zone_of_hosts([host]).get(host) != zone:
        raise HostOutsideZone(f"The host {host} is not in the zone {zone}.")
