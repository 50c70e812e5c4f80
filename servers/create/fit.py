"""Does the image fit the flavor? (docs/contract/create-flow.md E3 to E5)"""

from __future__ import annotations

from compute_site.caller import Caller
from compute_site.neighbours.image.protocol import ImageData
from flavors.models import Flavor
from servers.create.boot import DISKS_FIELD, IMAGE_FIELD, check_image_bootable
from servers.create.devices import Disk
from servers.create.errors import FlavorTooSmall, ImageUnusable, RootDiskRequired, VolumeTooSmall
from servers.create.machine import Machine
from servers.create.order import ServerOrder
from servers.hardware import check_hardware, check_packed_ring, check_sound
from servers.policies.server import CREATE_ZERO_DISK_FLAVOR

GIB = 2**30
FLAVOR_FIELD = "server.flavorRef"


def check_fit(caller: Caller, order: ServerOrder, machine: Machine, root: Disk | None) -> None:
    """In the order of the contract; where there are no image data, little is left to check."""
    if order.image_ref and machine.image is not None:
        check_image_bootable(machine.image)
    if machine.image is not None:
        check_image(machine.flavor, machine.image)
        check_packed_ring(machine.specs, machine.properties)
        check_root_disk(caller, machine.flavor, machine.image, root)
        check_hardware(machine.specs, machine.properties)
    check_sound(machine.specs, machine.properties)


def check_image(flavor: Flavor, image: ImageData, *, field: str | None = None) -> None:
    """The image can be used, and the flavor has the memory for it (rows 1 and 3). ``field`` is to
    blame, where it is not a create request that is checked.
    """
    if image.status != "active":
        raise ImageUnusable(
            f"The image {image.id} is {image.status}, not active.", field=field or IMAGE_FIELD
        )
    check_memory(flavor, image, field=field or FLAVOR_FIELD)


def check_memory(flavor: Flavor, image: ImageData, *, field: str = FLAVOR_FIELD) -> None:
    """The flavor has the memory that the image needs."""
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
    field: str | None = None,
) -> None:
    """The root disk is large enough (rows 5 to 8). A volume of unknown size is not compared."""
    if root is not None and root.is_volume:
        if root.volume_size is not None and image.min_disk > root.volume_size:
            raise VolumeTooSmall(
                f"The image needs {image.min_disk} GiB of disk; the volume would have "
                f"{root.volume_size}.",
                field=field or DISKS_FIELD,
            )
    elif flavor.root_gb:
        check_flavor_disk(flavor, image, field=field or FLAVOR_FIELD)
    elif not caller.may(CREATE_ZERO_DISK_FLAVOR):
        raise RootDiskRequired(
            f"The flavor {flavor.flavorid} has no root disk: boot from a volume, or ask for the "
            f"right {CREATE_ZERO_DISK_FLAVOR}.",
            field=field or FLAVOR_FIELD,
        )


def check_flavor_disk(flavor: Flavor, image: ImageData, *, field: str = FLAVOR_FIELD) -> None:
    """The flavor's root disk holds the image."""
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
