"""Finds the image data of a new server: those of its image, or of the volume it boots from."""

from __future__ import annotations

from typing import Any

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours import image_service, volume_service
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.volume.protocol import VolumeData
from servers.create.devices import AskedDisks
from servers.create.errors import SnapshotNotFound, VolumeNotBootable, VolumeNotFound
from servers.create.order import ServerOrder
from servers.machine.disk import Disk
from servers.machine.errors import (
    CertificatesNeedImage,
    ImageNotFound,
)
from servers.machine.references import site_certificates

GIB = 2**30
OWN_KEYS = frozenset(
    (
        "image_id",
        "image_name",
        "size",
        "checksum",
        "container_format",
        "disk_format",
        "min_ram",
        "min_disk",
    )
)
"""What a volume remembers of its image that is no property."""
IMAGE_FIELD = "server.imageRef"
DISKS_FIELD = "server.block_device_mapping_v2"


def find_boot_image(caller: Caller, order: ServerOrder, asked: AskedDisks) -> ImageData | None:
    """The data of the image, or of the boot device; ``None`` when that has none
    (docs/contract/create-flow.md B5).
    """
    if order.image_ref:
        image = image_service().find_images(caller, [order.image_ref]).get(order.image_ref)
        if image is None:
            raise ImageNotFound(
                f"There is no image {order.image_ref} for this project.", field=IMAGE_FIELD
            )
        return image
    if order.trusted_certificates or site_certificates():
        raise CertificatesNeedImage(
            "Trusted certificates check an image; this server would boot from a volume.",
            field="server.trusted_image_certificates",
        )
    for device in asked.boot_devices():
        volume_id = _volume_of(caller, device)
        if device.image_id is not None:
            return _image_of_device(caller, device.image_id)
        if volume_id is not None:
            return _image_of_volume(_find_volume(caller, volume_id))
    return None


def _image_of_device(caller: Caller, image_id: str) -> ImageData:
    image = image_service().find_images(caller, [image_id]).get(image_id)
    if image is None:
        raise ImageNotFound(f"There is no image {image_id} for this project.", field=DISKS_FIELD)
    return image


def _volume_of(caller: Caller, device: Disk) -> str | None:
    """The volume of the device, or the one that its snapshot was made of."""
    if device.snapshot_id is None:
        return device.volume_id
    found = volume_service().find_snapshots(caller, [device.snapshot_id])
    if device.snapshot_id not in found:
        raise SnapshotNotFound(
            f"There is no snapshot {device.snapshot_id} for this project.", field=DISKS_FIELD
        )
    return found[device.snapshot_id].volume_id


def _find_volume(caller: Caller, volume_id: str) -> VolumeData:
    volume = volume_service().find_volumes(caller, [volume_id]).get(volume_id)
    if volume is None:
        raise VolumeNotFound(f"There is no volume {volume_id} for this project.", field=DISKS_FIELD)
    if volume.bootable is False:
        raise VolumeNotBootable(
            f"The volume {volume.id} is marked as not bootable.", field=DISKS_FIELD
        )
    return volume


def _image_of_volume(volume: VolumeData) -> ImageData:
    """The image data that the volume has stored, with the size of the volume."""
    known = volume.image_metadata
    return ImageData(
        id=None,
        status="active",
        size=volume.size * GIB,
        min_ram=_whole_number(volume, "min_ram"),
        min_disk=_whole_number(volume, "min_disk"),
        properties={key: value for key, value in known.items() if key not in OWN_KEYS},
    )


def _whole_number(volume: VolumeData, key: str) -> int:
    value: Any = volume.image_metadata.get(key) or 0
    try:
        return int(value)
    except ValueError:
        raise BadRequest(
            f"The volume {volume.id} says {key} is {value}, which is no number.", field=DISKS_FIELD
        ) from None
