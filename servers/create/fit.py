"""Checks whether the image fits the flavor (docs/contract/create-flow.md E3 to E5)."""

from __future__ import annotations

from compute_site.caller import Caller
from servers.create.boot import DISKS_FIELD, IMAGE_FIELD
from servers.create.order import ServerOrder
from servers.hardware import check_hardware, check_packed_ring, check_sound
from servers.machine.disk import Disk
from servers.machine.fit import (
    check_image_active,
    check_image_bootable,
    check_memory,
    check_root_disk,
)
from servers.machine.plan import Machine

FLAVOR_FIELD = "server.flavorRef"


def check_fit(caller: Caller, order: ServerOrder, machine: Machine, root: Disk | None) -> None:
    """Check in the order of the contract; without image data only a part applies."""
    if order.image_ref and machine.image is not None:
        check_image_bootable(machine.image, field=IMAGE_FIELD)
    if machine.image is not None:
        check_image_active(machine.image, field=IMAGE_FIELD)
        check_memory(machine.flavor, machine.image, field=FLAVOR_FIELD)
        check_packed_ring(machine.specs, machine.properties)
        check_root_disk(
            caller,
            machine.flavor,
            machine.image,
            root,
            field=FLAVOR_FIELD,
            volume_field=DISKS_FIELD,
        )
        check_hardware(machine.specs, machine.properties)
    check_sound(machine.specs, machine.properties)
