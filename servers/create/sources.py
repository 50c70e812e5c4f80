"""The sources of block devices (images, volumes, snapshots, types), and the rules on devices
(docs/contract/create-flow.md G5, G8).

``find_sources`` asks the services before the transaction; ``settle_disks`` applies the rules inside
it, because errors of the quota come first. The rules have no side effects: volumes are reserved
after all of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings

from compute_site.caller import Caller
from compute_site.neighbours import image_service, volume_service
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.volume.protocol import SnapshotData, VolumeData, VolumeTypeData
from flavors.models import Flavor
from servers.create.devices import NEW_FIELD
from servers.create.errors import (
    BootOrderBroken,
    DiskSizeRequired,
    LocalDisksExceeded,
    MalformedDisk,
    MultiattachTooNew,
    SnapshotNotFound,
    VolumeNotFound,
    VolumeTypeNotFound,
    ZonesDiffer,
)
from servers.create.order import ServerOrder
from servers.machine.disk import Disk
from servers.machine.errors import ImageNotFound

BUSES = frozenset(("fdc", "ide", "sata", "scsi", "usb", "virtio", "xen", "lxc", "uml"))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DiskSources:
    """The data of the images, volumes, snapshots and types that devices name."""

    images: Mapping[str, ImageData] = dataclasses.field(default_factory=dict)
    volumes: Mapping[str, VolumeData] = dataclasses.field(default_factory=dict)
    snapshots: Mapping[str, SnapshotData] = dataclasses.field(default_factory=dict)
    types: Sequence[VolumeTypeData] = ()


def find_sources(caller: Caller, order: ServerOrder, disks: Iterable[Disk]) -> DiskSources:
    """Ask the services once for each kind of source that is named."""
    images = {disk.image_id for disk in disks if disk.image_id not in (None, order.image_ref)}
    volumes = {disk.volume_id for disk in disks if disk.volume_id is not None}
    snapshots = {disk.snapshot_id for disk in disks if disk.snapshot_id is not None}
    types = {disk.volume_type for disk in disks if disk.volume_type}
    return DiskSources(
        images=image_service().find_images(caller, images) if images else {},
        volumes=volume_service().find_volumes(caller, volumes) if volumes else {},
        snapshots=volume_service().find_snapshots(caller, snapshots) if snapshots else {},
        types=volume_service().find_types(caller, types) if types else (),
    )


def choose_zone(zone: str | None, disks: Iterable[Disk], sources: DiskSources) -> str | None:
    """The server's zone, which may follow that of its volumes where they must not differ
    (docs/contract/create-flow.md G5).
    """
    named = [disk.volume_id for disk in disks if disk.volume_id is not None]
    for volume_id in named:
        if volume_id not in sources.volumes:
            raise VolumeNotFound(
                f"There is no volume {volume_id} for this project.", field=NEW_FIELD
            )
    if settings.OPTIONS.cross_az_attach or not named:
        return zone
    zones = {sources.volumes[volume_id].availability_zone for volume_id in named}
    if len(zones) > 1:
        raise ZonesDiffer(
            f"The volumes lie in different zones: {', '.join(sorted(zones))}.", field=NEW_FIELD
        )
    volume_zone = zones.pop()
    if zone is None:
        return None if volume_zone == settings.OPTIONS.default_availability_zone else volume_zone
    if zone != volume_zone:
        raise ZonesDiffer(
            f"The server would be in the zone {zone}, its volumes are in {volume_zone}.",
            field="server.availability_zone",
        )
    return zone


def settle_disks(
    order: ServerOrder, flavor: Flavor, disks: Sequence[Disk], sources: DiskSources
) -> list[Disk]:
    """Apply the rules, and give every device its size and the name of its type
    (docs/contract/create-flow.md G8).
    """
    _check_boot_order(disks)
    sized = [_settle(order, disk, sources) for disk in disks]
    _check_blank_disks(flavor, sized)
    local = sum(disk.is_local for disk in sized)
    if 0 <= settings.OPTIONS.max_local_block_devices < local:
        raise LocalDisksExceeded(
            f"The server would have {local} local disks, the root disk included; at most "
            f"{settings.OPTIONS.max_local_block_devices} are allowed.",
            field=NEW_FIELD,
        )
    _check_volumes_once(sized)
    return [_with_default_size(flavor, disk) for disk in sized]


def _check_boot_order(disks: Iterable[Disk]) -> None:
    indexes = sorted(
        disk.boot_index for disk in disks if disk.boot_index is not None and disk.boot_index >= 0
    )
    if not indexes or indexes != list(range(len(indexes))):
        raise BootOrderBroken(
            f"The boot indexes should be 0, 1, 2, … each once; they are {indexes}. With imageRef "
            "and block_device_mapping_v2 the image needs an entry of its own, with boot_index 0.",
            field=NEW_FIELD,
        )


def _settle(order: ServerOrder, disk: Disk, sources: DiskSources) -> Disk:
    """The kinds are tried in this order: image, volume, snapshot, blank."""
    if disk.volume_type:
        disk = dataclasses.replace(disk, volume_type=_type_name(disk.volume_type, sources))
    if disk.image_id is not None:
        _check_image(order, disk, sources)
    elif disk.volume_id is not None:
        volume = sources.volumes[disk.volume_id]
        if volume.multiattach and not order.multiattach_allowed:
            raise MultiattachTooNew(
                f"The volume {volume.id} is for several servers; that needs a newer microversion.",
                field=NEW_FIELD,
            )
        disk = dataclasses.replace(disk, volume_size=volume.size)
    elif disk.snapshot_id is not None:
        snapshot = sources.snapshots.get(disk.snapshot_id)
        if snapshot is None:
            raise SnapshotNotFound(
                f"There is no snapshot {disk.snapshot_id} for this project.", field=NEW_FIELD
            )
        disk = dataclasses.replace(disk, volume_size=disk.volume_size or snapshot.size)
    elif disk.source_type == "blank" and disk.is_volume and not disk.volume_size:
        raise DiskSizeRequired("A blank volume needs a volume_size.", field=NEW_FIELD)
    if disk.disk_bus and disk.disk_bus not in BUSES:
        raise MalformedDisk(
            f"The disk_bus is one of {', '.join(sorted(BUSES))}, not {disk.disk_bus}.",
            field=NEW_FIELD,
        )
    return disk


def _type_name(asked: str, sources: DiskSources) -> str:
    for kind in sources.types:
        if asked in (kind.id, kind.name):
            return kind.name
    raise VolumeTypeNotFound(f"There is no volume type {asked}.", field=NEW_FIELD)


def _check_image(order: ServerOrder, disk: Disk, sources: DiskSources) -> None:
    if disk.image_id != order.image_ref and disk.image_id not in sources.images:
        raise ImageNotFound(f"There is no image {disk.image_id} for this project.", field=NEW_FIELD)
    if disk.source_type == "image" and disk.is_volume and not disk.volume_size:
        raise DiskSizeRequired(
            f"A volume made from the image {disk.image_id} needs a volume_size.", field=NEW_FIELD
        )


def _check_blank_disks(flavor: Flavor, disks: Sequence[Disk]) -> None:
    """Check that ephemeral disks and swap do not exceed the flavor's."""
    ephemeral = sum(disk.volume_size or flavor.ephemeral_gb for disk in disks if disk.is_ephemeral)
    if ephemeral > flavor.ephemeral_gb:
        raise LocalDisksExceeded(
            f"The ephemeral disks would have {ephemeral} GiB; the flavor gives "
            f"{flavor.ephemeral_gb}.",
            field=NEW_FIELD,
        )
    swaps = [disk.volume_size or 0 for disk in disks if disk.is_swap]
    if len(swaps) > 1:
        raise LocalDisksExceeded("A server has at most one swap disk.", field=NEW_FIELD)
    if swaps and swaps[0] > flavor.swap:
        raise LocalDisksExceeded(
            f"The swap disk would have {swaps[0]} MiB; the flavor gives {flavor.swap}.",
            field=NEW_FIELD,
        )


def _check_volumes_once(disks: Iterable[Disk]) -> None:
    """Check that no volume is named twice, even if several servers may share it."""
    named = [disk.volume_id for disk in disks if disk.volume_id and disk.image_id is None]
    for volume_id in named:
        if named.count(volume_id) > 1:
            raise MalformedDisk(f"The volume {volume_id} is named twice.", field=NEW_FIELD)


def _with_default_size(flavor: Flavor, disk: Disk) -> Disk:
    if disk.volume_size is not None or not (disk.is_swap or disk.is_ephemeral):
        return disk
    return dataclasses.replace(
        disk, volume_size=flavor.swap if disk.is_swap else flavor.ephemeral_gb
    )
