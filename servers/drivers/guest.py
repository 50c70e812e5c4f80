"""Describes servers as their hosts must know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from compute_site.neighbours.network.protocol import Nic
from servers.drivers.disks import describe_disk
from servers.drivers.protocol import Guest
from servers.models import BlockDevice, Instance


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
        config_drive=bool(instance.config_drive),
        key_data=instance.key_data,
        metadata=instance.metadata,
        numa_topology=instance.numa_topology,
    )
