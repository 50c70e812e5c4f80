"""What servers have of volumes: how volumes are reserved, attached and given back.

Volumes are always locked in the order of their ids, so that two requests cannot deadlock. A request
that had to wait for a lock sees the rows as the other one has left them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours import image_service
from compute_site.neighbours.calls import runs_outside
from compute_site.neighbours.elsewhere.outside import outside
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.local import copies, data, exports
from compute_site.neighbours.volume.local.backend import suits
from compute_site.neighbours.volume.local.claims import ATTACHED, DETACHING, settle
from compute_site.neighbours.volume.local.default_types import default_type_of
from compute_site.neighbours.volume.local.encryption import find_plain
from compute_site.neighbours.volume.local.limits import check_snapshots, check_volumes
from compute_site.neighbours.volume.local.qos import limits_for_host
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType
from compute_site.neighbours.volume.protocol import (
    NewSnapshot,
    NewVolume,
    SnapshotData,
    Swap,
    VolumeData,
    VolumeFailed,
    VolumeNotDetachable,
    VolumeNotReservable,
    VolumeNotSnapshottable,
    VolumesNotReady,
    VolumeTypeData,
)


class ImagesElsewhere(BadRequest):
    """A volume of this site cannot be made of an image of another cloud."""

    code = "images_elsewhere"


FREE = ("available", "downloading")
SNAPSHOTTABLE = ("available", "in-use")
SHAREABLE = (*FREE, "reserved", "in-use")
OWN = Attachment.objects.filter(made_by_compute=True)
"""The attachments that compute makes; others make some by the volume API."""


def find_volumes(caller: Caller, ids: Collection[str]) -> dict[str, VolumeData]:
    wanted = canonical_ids(ids)
    if not wanted:
        return {}
    caller.permit(policies.SHOW)
    visible = Volume.objects.visible_to(caller).select_related("volume_type")
    return {str(volume.pk): _describe(volume) for volume in visible.filter(pk__in=wanted)}


def find_snapshots(caller: Caller, ids: Collection[str]) -> dict[str, SnapshotData]:
    wanted = canonical_ids(ids)
    if not wanted:
        return {}
    caller.permit(policies.SHOW_SNAPSHOT)
    return {
        str(snapshot.pk): SnapshotData(
            id=str(snapshot.pk),
            name=snapshot.name,
            size=snapshot.size,
            status=snapshot.status,
            volume_id=str(snapshot.volume_id),
        )
        for snapshot in Snapshot.objects.visible_to(caller).filter(pk__in=wanted)
    }


@outside
def connect(volume_id: str, server_id: str, node: str) -> Mapping[str, Any] | None:
    """By iSCSI, or else the file with its bytes, if there is a folder for them."""
    rows = Volume.objects.select_related("volume_type__qos_specs")
    volume = rows.filter(pk__in=canonical_ids([volume_id])).first()
    if volume is None:
        return None
    if not exports.are_used():
        return connection_of(volume)
    way = exports.connect(volume, server_id, node) if data.file_of(volume) is not None else None
    return _described(volume, way) if way is not None else None


@outside
def keep_connection(server_id: str, node: str) -> None:
    if exports.are_used():
        exports.close(server_id, but=node)


@outside
def disconnect(server_id: str, node: str) -> None:
    if exports.are_used():
        exports.close(server_id, node=node)


def find_connections() -> Collection[tuple[str, str]]:
    return exports.find_open() if exports.are_used() else ()


def connect_again(server_ids: Collection[str], node: str) -> None:
    if exports.are_used():
        exports.open_again(server_ids, node)


@outside
def show_growth(volume_id: str, server_id: str, node: str) -> None:
    if exports.are_used():
        exports.reread(volume_id, server_id, node)


def connection_of(volume: Volume) -> Mapping[str, Any] | None:
    path = data.file_of(volume)
    return _described(volume, {"kind": "file", "path": str(path)}) if path is not None else None


def _described(volume: Volume, way: Mapping[str, Any]) -> Mapping[str, Any]:
    """The connection, with what hosts have to know whichever way they reach the volume."""
    common = {"format": "raw", "serial": str(volume.pk), "read_only": bool(volume.readonly)}
    limits = limits_for_host(volume)
    return {**way, **common, "limits": limits} if limits else {**way, **common}


def find_types(caller: Caller, names: Collection[str]) -> Sequence[VolumeTypeData]:
    if not names:
        return []
    caller.permit(policies.SHOW_TYPE)
    visible = VolumeType.objects.visible_to(caller)
    found = visible.filter(Q(name__in=names) | Q(pk__in=canonical_ids(names)))
    return [VolumeTypeData(id=str(kind.pk), name=kind.name) for kind in found.order_by("name")]


@transaction.atomic
def reserve(caller: Caller, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    if not pairs:
        return {}
    volumes = _lock(
        Volume.objects.visible_to(caller).filter(pk__in=canonical_ids(v for v, _ in pairs))
    )
    claims = [volume_id for volume_id, _ in pairs]
    for volume_id in claims:
        volume = volumes.get(volume_id)
        if volume is None:
            raise VolumeNotReservable(f"Volume {volume_id} does not exist.")
        permit_on(caller, policies.CREATE_ATTACHMENT, volume.project_id)
        if volume.awaits is not None:
            raise VolumeNotReservable(f"Volume {volume_id} does not have its bytes yet.")
        if volume.status not in (SHAREABLE if volume.multiattach else FREE):
            raise VolumeNotReservable(
                f"Volume {volume_id} is {volume.status}; only an available one can be reserved."
            )
        if not volume.multiattach and claims.count(volume_id) > 1:
            raise VolumeNotReservable(
                f"Volume {volume_id} is no multiattach volume; only one server can have it."
            )
    Volume.objects.filter(pk__in=list(volumes), status__in=FREE).update(status="reserved")
    attachments = Attachment.objects.bulk_create(
        [Attachment(volume_id=volume_id, server_id=server_id) for volume_id, server_id in pairs]
    )
    return {pair: str(entry.pk) for pair, entry in zip(pairs, attachments, strict=True)}


@transaction.atomic
def create(caller: Caller, server_id: str, volumes: Sequence[NewVolume]) -> list[str]:
    if not volumes:
        return []
    permit_create(caller, of_image=any(new.image_id is not None for new in volumes))
    sources = find_sources(caller, volumes)
    names = [new.volume_type for new in volumes if new.volume_type is not None]
    types = {kind.name: kind.id for kind in find_types(caller, names)}
    untyped = any(new.volume_type is None for new in volumes)
    usual = default_type_of(caller.project_id) if untyped else None
    known = find_plain([*types.values(), usual])
    _check_suited(known.values())
    named = [usual if new.volume_type is None else types.get(new.volume_type) for new in volumes]
    kinds = [None if type_id is None else known.get(type_id) for type_id in named]
    check_volumes(caller.project_id, [new.size for new in volumes], kinds)
    rows = [
        Volume(
            project_id=caller.project_id,
            user_id=caller.user_id,
            name=new.name,
            size=new.size,
            status="reserved",
            availability_zone=new.availability_zone or "nova",
            multiattach=kind is not None and kind.is_shared,
            volume_type=kind,
            snapshot_id=new.snapshot_id,
            **sources.get(new.snapshot_id or new.image_id or "", {}),
        )
        for new, kind in zip(volumes, kinds, strict=True)
    ]
    Volume.objects.bulk_create(rows)
    Attachment.objects.bulk_create(Attachment(volume=row, server_id=server_id) for row in rows)
    for row, new in zip(rows, volumes, strict=True):
        image = None if new.image_id is None else (copies.IMAGE, new.image_id)
        copies.begin(row, source=image)
    return [str(row.pk) for row in rows]


def _check_suited(kinds: Iterable[VolumeType]) -> None:
    """Raises: VolumeFailed: no store is as one of the types wants it."""
    for kind in kinds:
        if not suits(kind.extra_specs):
            raise VolumeFailed(f"No store of volumes is as the type {kind.name} wants it.")


def permit_create(caller: Caller, *, of_image: bool) -> None:
    """Check that the caller may make such volumes in its own project.

    Raises:
        PolicyRefused: a rule is not granted; the text names it.
    """
    caller.permit(policies.CREATE)
    if of_image:
        caller.permit(policies.CREATE_FROM_IMAGE)


@transaction.atomic
def create_snapshots(caller: Caller, snapshots: Sequence[NewSnapshot]) -> list[str]:
    ids = canonical_ids(new.volume_id for new in snapshots)
    seen = Volume.objects.visible_to(caller).select_related("volume_type")
    volumes = _lock(seen.filter(pk__in=ids))
    for new in snapshots:
        volume = volumes.get(new.volume_id)
        if volume is None or volume.status not in SNAPSHOTTABLE:
            status = "unknown" if volume is None else volume.status
            raise VolumeNotSnapshottable(
                f"Volume {new.volume_id} is {status}; a snapshot needs a free one or one in use."
            )
        permit_on(caller, policies.CREATE_SNAPSHOT, volume.project_id)
    for project_id in sorted({volume.project_id for volume in volumes.values()}):
        taken = [v for v in volumes.values() if v.project_id == project_id]
        check_snapshots(project_id, [v.size for v in taken], [v.volume_type for v in taken])
    rows = [
        Snapshot(
            project_id=volumes[new.volume_id].project_id,
            volume=volumes[new.volume_id],
            user_id=caller.user_id,
            size=volumes[new.volume_id].size,
            name=new.name[:255],
            description=volumes[new.volume_id].description,
        )
        for new in snapshots
    ]
    Snapshot.objects.bulk_create(rows)
    for row in rows:
        copies.begin(row)
    return [str(row.pk) for row in rows]


def are_copied(snapshots: Collection[str]) -> bool:
    ids = canonical_ids(snapshots)
    return not Snapshot.objects.filter(pk__in=ids, awaits__isnull=False).exists()


@transaction.atomic(durable=True)
def spoil(snapshots: Collection[str]) -> None:
    made = Snapshot.objects.filter(pk__in=canonical_ids(snapshots))
    made.filter(status__in=("creating", "available")).update(status="error")


@transaction.atomic
def reimage(caller: Caller, volume_id: str, image_id: str) -> None:
    image = find_images(caller, [image_id]).get(image_id)
    if image is None:
        return
    seen = Volume.objects.visible_to(caller).filter(pk__in=canonical_ids([volume_id]))
    for volume in _lock(seen).values():
        overwrite(caller, volume, image)


def overwrite(caller: Caller, volume: Volume, image: ImageData) -> bool:
    """Write the image over a locked volume, now or later; does it take time?"""
    permit_on(caller, policies.REIMAGE, volume.project_id)
    return copies.overwrite(volume, str(image.id), _image_metadata(image))


@transaction.atomic(durable=True)
def finish_reimage(server_id: str, volume_id: str, image_id: str) -> None:
    held = _held(server_id, volume_id).values("volume")
    volume = Volume.objects.filter(pk__in=held).first()
    if volume is None:
        return
    if volume.awaits is not None:
        raise VolumesNotReady(f"Volume {volume.pk} is {volume.status}.")
    if volume.image_metadata.get("image_id") != image_id:
        raise VolumeFailed(f"The image {image_id} could not be written over volume {volume.pk}.")


@transaction.atomic(durable=True)
def delete_snapshots(volumes: Collection[str], mark: str) -> None:
    """None is left behind here: they are made in the transaction that needs them."""


@transaction.atomic(durable=True)
def delete_unnamed(server_id: str, named: Collection[str]) -> None:
    """As ``delete_snapshots``."""


@transaction.atomic(durable=True)
def attach(server_id: str, devices: Mapping[str, str]) -> dict[str, str]:
    return _attach(server_id, devices) if devices else {}


def _attach(server_id: str, devices: Mapping[str, str]) -> dict[str, str]:
    volumes = _lock(Volume.objects.filter(pk__in=canonical_ids(devices)))
    entries = list(OWN.filter(server_id=server_id, volume__in=list(volumes)))
    for entry in entries:
        _check_made(volumes[str(entry.volume_id)])
    kept = [entry for entry in entries if entry.status != DETACHING]
    for entry in kept:
        entry.device = devices[str(entry.volume_id)]
        entry.status = ATTACHED
    Attachment.objects.bulk_update(kept, ["device", "status"])
    settle(volumes)
    return {str(entry.volume_id): str(entry.pk) for entry in entries}


def _check_made(volume: Volume) -> None:
    """Raises: VolumesNotReady, VolumeFailed: it does not have its bytes yet, or never."""
    if volume.awaits is not None:
        raise VolumesNotReady(f"Volume {volume.pk} is {volume.status}.")
    if volume.status == "error" and data.folder() is not None and data.file_of(volume) is None:
        raise VolumeFailed(f"The bytes of volume {volume.pk} could not be made.")


@transaction.atomic
def begin_detaching(caller: Caller, server_id: str, volume_id: str) -> None:
    volumes = _lock(Volume.objects.filter(pk__in=canonical_ids([volume_id])))
    for volume in volumes.values():
        permit_on(caller, policies.BEGIN_DETACHING, volume.project_id)
    status = volumes[volume_id].status if volume_id in volumes else "unknown"
    held = OWN.filter(server_id=server_id, volume__in=list(volumes))
    if status != "in-use" or not held.filter(status=ATTACHED).update(status=DETACHING):
        raise VolumeNotDetachable(
            f"Volume {volume_id} is {status}; only one in use by this server can be detached."
        )
    settle(volumes)


@transaction.atomic(durable=True)
def stop_detaching(server_id: str, volume_id: str) -> None:
    volumes = _lock(Volume.objects.filter(pk__in=canonical_ids([volume_id])))
    _keep(server_id, volumes)


def _keep(server_id: str, volumes: Mapping[str, Volume]) -> None:
    held = OWN.filter(server_id=server_id, volume__in=list(volumes))
    held.filter(status=DETACHING).update(status=ATTACHED)
    settle(volumes)


@transaction.atomic(durable=True)
def finish_swap(swap: Swap) -> str:
    _lock(Volume.objects.filter(pk__in=canonical_ids([swap.old_id, swap.new_id])))
    _attach(swap.server_id, {swap.new_id: swap.device})
    _give_up(_held(swap.server_id, swap.old_id), delete=())
    return swap.new_id


@transaction.atomic(durable=True)
def give_up_swap(swap: Swap) -> None:
    volumes = _lock(Volume.objects.filter(pk__in=canonical_ids([swap.old_id, swap.new_id])))
    _keep(swap.server_id, {key: one for key, one in volumes.items() if key == swap.old_id})
    _give_up(_held(swap.server_id, swap.new_id), delete=())


def _held(server_id: str, volume_id: str) -> models.QuerySet[Attachment]:
    return OWN.filter(server_id=server_id, volume__in=canonical_ids([volume_id]))


@transaction.atomic(durable=True)
def detach(server_id: str, volume_id: str, *, delete: bool = False) -> None:
    _give_up(_held(server_id, volume_id), delete=[volume_id] if delete else [])


@transaction.atomic(durable=True)
def release(server_ids: Collection[str], *, delete: Collection[str] = ()) -> None:
    if server_ids:
        _give_up(OWN.filter(server_id__in=server_ids), delete=delete)


def _give_up(claims: models.QuerySet[Attachment], *, delete: Collection[str]) -> None:
    volumes = _lock(Volume.objects.filter(pk__in=claims.values("volume")))
    exports.end(claims.filter(volume__in=list(volumes)))
    claims.filter(volume__in=list(volumes)).delete()
    left = settle(volumes)
    free = set(volumes) - left
    doomed = Volume.objects.filter(pk__in=free & set(delete), snapshots=None)
    if data.folder() is not None:
        data.forget(*doomed)
    doomed.delete()  # the volume of a snapshot stays, as in Cinder


def find_images(caller: Caller, ids: Collection[str]) -> Mapping[str, ImageData]:
    """The images that volumes are made of, or overwritten with.

    Raises:
        ImagesElsewhere: they are in a cloud elsewhere, which is not called in our transactions.
    """
    images = image_service()
    if ids and runs_outside(images.create_image):
        raise ImagesElsewhere("Volumes of this site are not made of images of another cloud.")
    return images.find_images(caller, ids)


def find_sources(caller: Caller, volumes: Sequence[NewVolume]) -> dict[str, dict[str, Any]]:
    """The columns that volumes copy from their image or snapshot, by its id."""
    image_ids = {new.image_id for new in volumes if new.image_id is not None}
    snapshot_ids = [new.snapshot_id for new in volumes if new.snapshot_id is not None]
    sources: dict[str, dict[str, Any]] = {
        image_id: {"bootable": "true", "image_metadata": _image_metadata(image)}
        for image_id, image in find_images(caller, image_ids).items()
    }
    if snapshot_ids:
        seen = Snapshot.objects.visible_to(caller).select_related("volume")
        for snapshot in seen.filter(pk__in=canonical_ids(snapshot_ids)):
            sources[str(snapshot.pk)] = {
                "bootable": snapshot.volume.bootable,
                "image_metadata": snapshot.volume.image_metadata,
            }
    return sources


def _image_metadata(image: ImageData) -> dict[str, Any]:
    """The ``volume_image_metadata`` that Cinder stores with a volume; every value is a text."""
    own = {
        "image_id": image.id,
        "image_name": image.name,
        "min_ram": image.min_ram,
        "min_disk": image.min_disk,
        "size": image.size,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "checksum": image.checksum,
    }
    texts = {key: str(value) for key, value in own.items() if value is not None}
    return dict(image.properties) | texts


def _describe(volume: Volume) -> VolumeData:
    return VolumeData(
        id=str(volume.pk),
        name=volume.name,
        size=volume.size,
        status=volume.status,
        bootable=None if volume.bootable == "" else volume.bootable == "true",
        multiattach=volume.multiattach,
        availability_zone=volume.availability_zone,
        volume_type=volume.volume_type.name if volume.volume_type is not None else None,
        image_metadata=volume.image_metadata,
        migrating=bool(volume.migration_status),
    )


def _lock(volumes: models.QuerySet[Volume]) -> dict[str, Volume]:
    locked = volumes.select_for_update(of=("self",)).order_by("pk")
    return {str(volume.pk): volume for volume in locked}
