"""Does the image fit the flavor? (docs/contract/create-flow.md E3 to E5)"""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.machine.disk import Disk
from servers.machine.errors import FlavorTooSmall, ImageUnusable, RootDiskRequired, VolumeTooSmall
from servers.policies.server import CREATE_ZERO_DISK_FLAVOR

GIB = 2**30


def check_image_bootable(image: ImageData, *, field: str) -> None:
    """Refuse an image made of an encrypted volume (docs/contract/create-flow.md E3)."""
    if image.properties.get("cinder_encryption_key_id"):
        raise ImageUnusable(
            f"The image {image.id} comes from an encrypted volume; boot from a volume made of it.",
            field=field,
        )


def check_image_active(image: ImageData, *, field: str) -> None:
    """The image can be used (row 1)."""
    if image.status != "active":
        raise ImageUnusable(f"The image {image.id} is {image.status}, not active.", field=field)


def check_memory(flavor: Flavor, image: ImageData, *, field: str) -> None:
    """The flavor has the memory that the image needs (row 3)."""
    if flavor.memory_mb < image.min_ram:
        raise FlavorTooSmall(
            f"The image needs {image.min_ram} MiB of memory; the flavor {flavor.flavorid} gives "
            f"{flavor.memory_mb}.",
            field=field,
        )


def check_root_disk(
    caller: Caller,
    flavor: Flavor,
    image: ImageData,
    root: Disk | None,
    *,
    field: str,
    volume_field: str,
) -> None:
    """Check that the root disk is large enough (rows 5 to 8), unless its size is unknown."""
    if root is None or not root.is_volume:
        check_local_root(caller, flavor, image, field=field)
    elif root.volume_size is not None and image.min_disk > root.volume_size:
        raise VolumeTooSmall(
            f"The image needs {image.min_disk} GiB of disk; the volume would have "
            f"{root.volume_size}.",
            field=volume_field,
        )


def check_local_root(caller: Caller, flavor: Flavor, image: ImageData, *, field: str) -> None:
    """The flavor has a root disk that holds the image, or the caller may do without one."""
    if flavor.root_gb:
        check_flavor_disk(flavor, image, field=field)
    elif not caller.may(CREATE_ZERO_DISK_FLAVOR):
        raise RootDiskRequired(
            f"The flavor {flavor.flavorid} has no root disk: boot from a volume, or ask for the "
            f"right {CREATE_ZERO_DISK_FLAVOR}.",
            field=field,
        )


def check_flavor_disk(flavor: Flavor, image: ImageData, *, field: str) -> None:
    """Check that the flavor's root disk is large enough for the image."""
    if (image.size or 0) > flavor.root_gb * GIB:
        raise FlavorTooSmall(
            f"The image has {image.size} bytes; the flavor {flavor.flavorid} gives "
            f"{flavor.root_gb} GiB of disk.",
            field=field,
        )
    if image.min_disk > flavor.root_gb:
        raise FlavorTooSmall(
            f"The image needs {image.min_disk} GiB of disk; the flavor {flavor.flavorid} gives "
            f"{flavor.root_gb}.",
            field=field,
        )
