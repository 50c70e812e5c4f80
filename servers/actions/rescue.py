"""Boots a server from a rescue image."""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours import image_service
from compute_site.neighbours.image.protocol import ImageData
from servers.actions.ask_host import ask_host
from servers.attachments.volumes import find_loose_volume
from servers.errors import NotRescuable, RescueImageUnusable, VolumeNotInUse
from servers.kept_image import kept_image
from servers.lifecycle.actions import HOST_ACTIONS
from servers.lifecycle.guard import check_state, check_unlocked
from servers.machine.bound import check_unbound
from servers.machine.password import choose_password
from servers.models import BlockDevice, Instance, ProviderTrait
from servers.read.root_disk import is_volume_backed, root_of

RESCUE = HOST_ACTIONS["rescue"]
FIELD = "rescue.rescue_image_ref"
STABLE_DEVICE = frozenset(("hw_rescue_bus", "hw_rescue_device"))
"""Image properties with which the rescue disk is attached beside the server's disks, which stay as
they are.
"""
CAN_RESCUE_VOLUMES = "COMPUTE_RESCUE_BFV"
"""The trait of hosts that can do that with volumes."""


def rescue_server(
    caller: Caller,
    instance: Instance,
    *,
    password: str | None = None,
    image: str | None = None,
    volumes: bool = False,
) -> str:
    """Begin the rescue; the admin password while it lasts. ``volumes``: does the microversion
    rescue servers that were booted from volumes?

    Raises:
        HardwareBound: the server has a virtual TPM.
        ServerLocked, WrongState, VolumeNotInUse: 409.
        RescueImageUnusable: the image to boot from is not open to the project, or has no data.
        NotRescuable: the server was booted from a volume, and image or host cannot rescue such.
    """
    check_unbound(instance, "rescue")
    check_unlocked(caller, instance)
    check_state(instance, RESCUE.step.from_vm, RESCUE.doing, idle=True)
    booted = kept_image(instance) if image is None else _find_image(caller, image)
    disks = list(BlockDevice.objects.filter(instance=instance))
    loose = find_loose_volume(caller, disks)
    if loose is not None:
        raise VolumeNotInUse(f"The volume {loose} of the server is not in use.")
    if is_volume_backed(instance, root_of(disks)):
        _check_volume_backed(instance, booted, known=volumes)
    chosen = choose_password(password)
    ask_host(caller, instance, RESCUE, password=chosen, image=image or "")
    return chosen


def _find_image(caller: Caller, image_id: str) -> ImageData:
    image = image_service().find_images(caller, [image_id]).get(image_id)
    if image is None:
        raise RescueImageUnusable(f"There is no image {image_id}.", field=FIELD)
    if image.properties.get("block_device_mapping"):
        raise RescueImageUnusable(
            f"The image {image_id} is one of volumes; it has nothing that could be booted from.",
            field=FIELD,
        )
    return image


def _check_volume_backed(instance: Instance, booted: ImageData, *, known: bool) -> None:
    if not known or not booted.properties.keys() >= STABLE_DEVICE:
        raise NotRescuable(
            f"The server {instance.uuid} was booted from a volume. It can be rescued by later "
            f"microversions, with an image that has {' and '.join(sorted(STABLE_DEVICE))}."
        )
    able = ProviderTrait.objects.filter(trait=CAN_RESCUE_VOLUMES)
    if not able.filter(provider__node__hypervisor_hostname=instance.node or "").exists():
        raise NotRescuable(f"The host of the server {instance.uuid} cannot rescue from volumes.")
