"""Shelves servers: an image keeps what they hold, and no host has them until they come back."""

from __future__ import annotations

from django.db import transaction

from compute_site.identity.caller import Caller
from compute_site.services import image_service
from servers.actions.begin import begin, describe_state
from servers.actions.host import HOST_ACTIONS
from servers.change.guard import check_unlocked
from servers.change.transitions import move
from servers.conductor import queue
from servers.conductor.records import begin_action
from servers.create.errors import HostNotFound, ZoneUnavailable
from servers.errors import WrongState
from servers.hosts.zones import available_zones, zone_of_hosts
from servers.models import Instance, RequestSpec, Service, VmState
from servers.policies import action as rules

UNSHELVE = HOST_ACTIONS["unshelve"]
IMAGE_KEY = "shelved_image_id"
KEEP = object()
"""Stands for a zone that is not to be changed."""


def shelve_server(caller: Caller, instance: Instance) -> None:
    """Begin to shelve; raises as ``begin``."""
    with transaction.atomic():
        begin(caller, instance, HOST_ACTIONS["shelve"])
        if instance.image_ref:
            image_id = image_service().create_image(
                caller,
                name=f"{instance.display_name}-shelved"[:255],
                properties={"instance_uuid": str(instance.uuid), "image_type": "snapshot"},
            )
            _remember_image(instance, image_id)


def unshelve_server(
    caller: Caller, instance: Instance, *, zone: object = KEEP, host: str | None = None
) -> None:
    """Begin to bring the server back. ``zone`` ``None``: to any zone from now on.

    Raises:
        ServerLocked, WrongState: 409.
        ZoneUnavailable, HostNotFound: it cannot come back there.
        PolicyRefused: only those who hold the rule choose a host.
    """
    check_unlocked(caller, instance)
    offloaded = instance.vm_state == VmState.SHELVED_OFFLOADED
    if (zone is not KEEP or host) and not offloaded:
        raise WrongState(f"The server {instance.uuid} still lies on a host; give it no other.")
    if host is not None:
        caller.permit(rules.UNSHELVE_TO_HOST, project_id=instance.project_id)
        _check_host(host, zone)
    if isinstance(zone, str) and zone not in available_zones():
        raise ZoneUnavailable(
            f"There is no available zone {zone}.", field="unshelve.availability_zone"
        )
    with transaction.atomic():
        if not move(instance.pk, UNSHELVE.begin):
            raise WrongState(
                f"The server {instance.uuid} is {describe_state(instance)}; "
                f"one cannot {UNSHELVE.doing} while it is."
            )
        if zone is not KEEP:
            RequestSpec.objects.filter(instance=instance).update(availability_zone=zone)
        begin_action(instance, UNSHELVE.name, UNSHELVE.event, caller)
        _forget_image(caller, instance)
        job = {"server_id": str(instance.uuid), "host": host}
        queue.defer(queue.UNSHELVE_SERVER, queue=queue.CONDUCTOR, jobs=[job])


def _check_host(host: str, zone: object) -> None:
    if not Service.objects.computes().filter(host=host).exists():
        raise HostNotFound(f"There is no host {host}.", field="unshelve.host")
    if isinstance(zone, str) and zone_of_hosts([host]).get(host) != zone:
        raise HostNotFound(f"The host {host} is not in the zone {zone}.", field="unshelve.host")


def _remember_image(instance: Instance, image_id: str) -> None:
    kept = {**instance.system_metadata, IMAGE_KEY: image_id}
    Instance.objects.filter(pk=instance.pk).update(system_metadata=kept)


def _forget_image(caller: Caller, instance: Instance) -> None:
    kept = dict(instance.system_metadata)
    image_id = kept.pop(IMAGE_KEY, None)
    if image_id:
        image_service().delete_images(caller, [image_id])
        Instance.objects.filter(pk=instance.pk).update(system_metadata=kept)
