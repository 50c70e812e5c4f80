"""Describes servers as their hosts must know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import timezone

from compute_site.neighbours import network_service
from compute_site.neighbours.network.protocol import Nic
from servers.drivers.disks import describe_disk
from servers.drivers.protocol import Guest
from servers.kept_image import PREFIX
from servers.models import BlockDevice, HardwareClaim, Instance, RequestSpec

CONFIG_DRIVE = "True"
"""Nova: the text is a word for true, or empty."""


def describe_guest(
    instance: Instance,
    *,
    node: str,
    image: Mapping[str, Any],
    nics: Sequence[Nic],
    files: Sequence[Mapping[str, str]] = (),
    devices: Sequence[BlockDevice] = (),
) -> Guest:
    """The server on that node; ``image`` is that of its request spec."""
    return Guest(
        server_id=str(instance.uuid),
        instance_name=instance.instance_name,
        hostname=instance.hostname,
        node=node,
        vcpus=instance.vcpus,
        memory_mb=instance.memory_mb,
        root_gb=instance.root_gb,
        ephemeral_gb=instance.ephemeral_gb,
        flavor=instance.flavor,
        image=image,
        image_id=instance.image_ref,
        nics=nics,
        disks=[describe_disk(device) for device in devices],
        files=files,
        user_data=instance.user_data,
        config_drive=bool(config_drive_of(instance)),
        key_data=instance.key_data,
        metadata=instance.metadata,
        numa_topology=instance.numa_topology,
        placement=_placement_of(instance, node),
    )


def describe_anew(instance: Instance, *, node: str) -> Guest:
    """The server on that node, as its rows and the network service have it now."""
    server_id = str(instance.uuid)
    return describe_guest(
        instance,
        node=node,
        image=RequestSpec.objects.get(instance=instance).image,
        nics=network_service().nics([server_id]).get(server_id, ()),
        devices=list(BlockDevice.objects.filter(instance=instance)),
    )


def _placement_of(instance: Instance, node: str) -> Mapping[str, Any] | None:
    if not (instance.numa_topology or instance.pci_requests):
        return None  # it binds nothing
    return HardwareClaim.objects.placement_of(instance, node)


def launched(instance: Instance) -> dict[str, Any]:
    """Columns of a server whose guest has started for the first time."""
    return {"launched_at": timezone.now(), "config_drive": config_drive_of(instance)}


def config_drive_of(instance: Instance) -> str:
    """What the server says of its config drive once it runs: asked for by the client, by the image,
    or by the site. One that runs without keeps doing so, whatever the site says later.
    """
    forced = settings.OPTIONS.force_config_drive and instance.launched_at is None
    by_image = instance.system_metadata.get(f"{PREFIX}img_config_drive") == "mandatory"
    return CONFIG_DRIVE if instance.config_drive or forced or by_image else ""
