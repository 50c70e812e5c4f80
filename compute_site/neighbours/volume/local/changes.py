"""The changes of the volume API to volumes and snapshots. Every change is complete at once,
but for bytes that are copied (``copies.py``).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadReference, BadRequest, NotFound
from compute_site.neighbours import image_service
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.image.protocol import ImageData
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.group_models import VolumeGroup
from compute_site.neighbours.volume.local import copies, data, messages
from compute_site.neighbours.volume.local.backend import suits
from compute_site.neighbours.volume.local.default_types import default_type_of
from compute_site.neighbours.volume.local.encryption import find_plain
from compute_site.neighbours.volume.local.limits import check_snapshots, check_volumes
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.neighbours.volume.local.of_servers import (
    find_sources,
    find_types,
    permit_create,
)
from compute_site.neighbours.volume.models import Snapshot, Volume, VolumeType
from compute_site.neighbours.volume.protocol import NewVolume
from compute_site.values.keys import shown

UNCLAIMED = ("available", "error")
GIB = 2**30


class TypeUnknown(NotFound):
    """The body names a volume type that the caller does not see. Cinder: 404."""

    code = "type_unknown"


class UnknownSource(NotFound):
    """The body names a volume or snapshot that the caller does not see. Cinder: 404."""

    code = "unknown_source"


class VolumeTooSmall(BadRequest):
    """The volume is smaller than what it is made of."""

    code = "volume_too_small"


class NotInGroup(BadRequest):
    """The volume cannot be made in the group. Cinder: 400."""

    code = "not_in_group"


class VolumeBusy(BadRequest):
    """The volume cannot be deleted, extended or snapshotted in its status."""

    code = "volume_busy"


SOURCES = ("imageRef", "snapshot_id", "source_volid", "backup_id")
"""Keys that name what a volume is made of."""
NOTHING_SAID: Mapping[str, Any] = {
    "name": "",
    "description": "",
    "availability_zone": "nova",
    "multiattach": False,
    "metadata": {},
    **dict.fromkeys(("size", "volume_type", "group_id", *SOURCES)),
}
"""A new volume of which nothing is said."""


@transaction.atomic
def create_volume(
    caller: Caller, values: Mapping[str, Any], *, by_disks_of_image: bool = False
) -> Volume:
    """``by_disks_of_image``: of an image that names snapshots of volumes, as those of servers that
    boot from a volume do, the one to boot from is meant.
    """
    _check_one_source(values)
    if by_disks_of_image and (snapshot_id := _boot_snapshot(caller, values["imageRef"])):
        values = {**values, "imageRef": None, "snapshot_id": snapshot_id}
    permit_create(caller, of_image=values["imageRef"] is not None)
    origin = _origin(caller, values)
    least = origin.pop("size", None)
    size = values["size"] or least
    if size is None:
        raise BadRequest("A volume of no snapshot or volume needs a size.", field="volume.size")
    if least is not None and size < least:
        raise VolumeTooSmall(
            f"The volume needs at least {least} GiB for what it is made of.", field="volume.size"
        )
    of_origin = origin.pop("volume_type_id", None)
    kind, found = choose_type(caller, values["volume_type"], of_origin)
    check_volumes(caller.project_id, [size], [found])
    shared = values["multiattach"] or (found is not None and found.is_shared)
    if shared:
        caller.permit(policies.MULTIATTACH)
    asked = values["group_id"]
    group = None if asked is None else _find_group(caller.project_id, asked, kind)
    volume = Volume.objects.create(
        group=group,
        project_id=caller.project_id,
        user_id=caller.user_id,
        size=size,
        volume_type=found,
        **{key: values[key] for key in ("name", "description", "availability_zone", "metadata")},
        multiattach=shared,
        **origin,
    )
    if found is not None and not suits(found.extra_specs):
        return _put_nowhere(volume)
    copies.begin(volume, source=_said_source(values))
    return volume


def choose_type(
    caller: Caller, word: str | None, of_origin: str | None = None
) -> tuple[str | None, VolumeType | None]:
    """Which type a new volume is of, with its id: that of this name or id, that of what it is made
    of, or that which the project's volumes have otherwise.

    Raises:
        TypeUnknown: there is no such type.
    """
    said = find_type(caller, word) if word else None
    kind = said or of_origin or default_type_of(caller.project_id)
    return kind, find_plain([kind]).get(str(kind))


def _check_one_source(values: Mapping[str, Any]) -> None:
    """Raises: BadRequest: the volume would be a copy of several things."""
    named = [key for key in SOURCES if values[key] is not None]
    if len(named) > 1:
        raise BadRequest(
            f"A volume is made of one thing: give {' or '.join(named)}.", field="volume"
        )


def _find_group(project_id: str, group_id: str, type_id: str | None) -> VolumeGroup:
    """The group, which a new volume of the type can belong to.

    Raises:
        UnknownSource: the project has no such group.
        NotInGroup: it is not available, or has no volumes of this type.
    """
    groups = VolumeGroup.objects.of_project(project_id)
    group = groups.filter(pk__in=canonical_ids([group_id])).first()
    if group is None:
        raise UnknownSource(f"There is no group {group_id}.", field="volume.group_id")
    if group.status != "available":
        raise NotInGroup(f"Group {group_id} is {group.status}.", field="volume.group_id")
    if type_id is None or not group.volume_types.filter(pk=type_id).exists():
        raise NotInGroup(
            f"Group {group_id} has no volumes of this type.", field="volume.volume_type"
        )
    return group


def _said_source(values: Mapping[str, Any]) -> data.Source | None:
    """What the volume does not remember itself."""
    for key, kind in (("imageRef", copies.IMAGE), ("backup_id", copies.BACKUP)):
        if values[key] is not None:
            return kind, str(values[key])
    return None


def _put_nowhere(volume: Volume) -> Volume:
    """As in Cinder, the client hears of it when it looks at the volume, or for messages."""
    volume.status = "error"
    volume.save(update_fields=["status"])
    messages.tell(volume, messages.Action.PLACE, messages.Detail.NO_BACKEND)
    return volume


def _origin(caller: Caller, values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that the volume copies from its image, snapshot, backup or source volume."""
    if values["source_volid"] is not None:
        source = Volume.objects.visible_to(caller).filter(pk=values["source_volid"]).first()
        if source is None:
            raise UnknownSource(f"There is no volume {values['source_volid']}.")
        return {
            "size": source.size,
            "source_volid": source.pk,
            "bootable": source.bootable,
            "image_metadata": source.image_metadata,
            "volume_type_id": source.volume_type_id,
        }
    if values["backup_id"] is not None:
        return {"size": _find_backup(caller, values["backup_id"]).size}
    for key in ("snapshot_id", "imageRef"):
        if values[key] is None:
            continue
        word = str(values[key])
        wanted = NewVolume(size=0, **{"snapshot_id" if key == "snapshot_id" else "image_id": word})
        origin = find_sources(caller, [wanted]).get(word)
        if origin is None:
            missing = UnknownSource if key == "snapshot_id" else BadReference
            raise missing(f"There is no image or snapshot {word}.", field=f"volume.{key}")
        if key == "snapshot_id":
            snapshot = Snapshot.objects.select_related("volume").get(pk=word)
            kind = snapshot.volume.volume_type_id
            return origin | {
                "size": snapshot.size,
                "snapshot_id": snapshot.pk,
                "volume_type_id": kind,
            }
        image = image_service().find_images(caller, [word])[word]
        if image.status != "active":
            raise BadRequest(f"Image {word} is {image.status}.", field="volume.imageRef")
        if not image.size and "block_device_mapping" in image.properties:
            raise BadRequest(
                f"Image {word} has no data but names snapshots of volumes: ask by microversion "
                "3.46 or later, or give one of these as snapshot_id.",
                field="volume.imageRef",
            )
        if values["size"] is not None:
            return origin | {"size": least_size(image)}
        return origin
    return {}


def _boot_snapshot(caller: Caller, image_id: uuid.UUID | None) -> uuid.UUID | None:
    """The snapshot that the disks of an image say to boot from.

    Raises:
        UnknownSource: they name none that can be.
    """
    if image_id is None:
        return None
    image = image_service().find_images(caller, [str(image_id)]).get(str(image_id))
    for disk in [] if image is None else _disks_of(image):
        if disk.get("source_type") == "snapshot" and disk.get("boot_index") == 0:
            word = disk.get("snapshot_id")
            found = canonical_ids([word]) if isinstance(word, str) else []
            if not found:
                raise UnknownSource(
                    f"Image {image_id} boots from snapshot {shown(word)}, which is none.",
                    field="volume.imageRef",
                )
            return found[0]
    return None


def _disks_of(image: ImageData) -> list[dict[str, Any]]:
    """The block devices that an image describes, a JSON text; nothing of what is no such list."""
    try:
        found = json.loads(image.properties.get("block_device_mapping", "[]"))
    except (ValueError, TypeError, RecursionError):
        return []
    return [disk for disk in found if isinstance(disk, dict)] if isinstance(found, list) else []


def _find_backup(caller: Caller, backup_id: uuid.UUID) -> Backup:
    backup = Backup.objects.visible_to(caller).filter(pk=backup_id).first()
    if backup is None:
        raise UnknownSource(f"There is no backup {backup_id}.")
    permit_on(caller, policies.RESTORE_BACKUP, backup.project_id)
    if backup.status != "available":
        raise BadRequest(f"Backup {backup.pk} is {backup.status}.", field="volume.backup_id")
    return backup


def least_size(image: ImageData) -> int:
    """The GiB that a volume needs to hold the image."""
    return max(image.min_disk, -(-(image.size or 0) // GIB))


def find_type(caller: Caller, word: str) -> str:
    """The id of the type with this name or id. Raises: TypeUnknown: 404."""
    return find_each_type(caller, [word])[0]


def find_each_type(caller: Caller, words: Sequence[str]) -> list[str]:
    """As ``find_type``, for several in one statement."""
    ids: dict[str, str] = {}
    for kind in find_types(caller, words):
        for word in (kind.name, kind.id):
            ids.setdefault(word, kind.id)
    for word in words:
        if word not in ids:
            raise TypeUnknown(f"There is no volume type {word}.", field="volume.volume_type")
    return [ids[word] for word in words]


def delete_volume(caller: Caller, volume: Volume, *, cascade: bool = False) -> None:
    """Delete a volume that has no attachments and no snapshots; ``cascade``: with them."""
    permit_on(caller, policies.DELETE, volume.project_id)
    check_ungrouped(volume)
    remove_volume(volume, statuses=UNCLAIMED, cascade=cascade)


def check_ungrouped(volume: Volume) -> None:
    """Raises: VolumeBusy: it belongs to a group."""
    if volume.group_id is not None:
        raise VolumeBusy(f"Volume {volume.pk} is in group {volume.group_id}; remove it there.")


def force_delete_volume(caller: Caller, volume: Volume, *, cascade: bool = False) -> None:
    """Delete a volume in any status, for admins.

    Raises:
        VolumeBusy: a server has it, or it has snapshots and they should stay.
    """
    permit_on(caller, policies.FORCE_DELETE_BY_QUERY, volume.project_id)
    remove_volume(volume, cascade=cascade)


@transaction.atomic
def remove_volume(
    volume: Volume,
    *,
    statuses: Collection[str] | None = None,
    cascade: bool = False,
    keeps_bytes: bool = False,
) -> None:
    """Delete a volume, if it is still there; ``cascade``: with its snapshots; ``keeps_bytes``:
    without what it holds.

    Raises:
        VolumeBusy: it is in none of the ``statuses``, if these are given; a server has it, or it
            has snapshots.
    """
    locked = Volume.objects.select_for_update().filter(pk=volume.pk).first()
    if locked is None:
        return
    if statuses is not None and locked.status not in statuses:
        raise VolumeBusy(f"Volume {volume.pk} is {locked.status}; only a free one can be deleted.")
    if cascade:
        _delete_snapshots(locked)
    if locked.attachments.exists() or locked.snapshots.exists():
        raise VolumeBusy(f"Volume {locked.pk} has attachments or snapshots; delete those first.")
    if not keeps_bytes:
        data.forget(locked)
    locked.delete()


def _delete_snapshots(volume: Volume) -> None:
    """Raises: VolumeBusy: one of them is busy."""
    snapshots = list(volume.snapshots.select_for_update().order_by("pk"))
    for snapshot in snapshots:
        if snapshot.status not in UNCLAIMED:
            raise VolumeBusy(f"Snapshot {snapshot.pk} of the volume is {snapshot.status}.")
    data.forget(*snapshots)
    volume.snapshots.all().delete()


def lock_volume(volume_id: uuid.UUID) -> Volume:
    """Raises: NotFound: it has been deleted meanwhile."""
    return lock_row(Volume.objects.all(), volume_id, "volume")


@transaction.atomic
def create_snapshot(caller: Caller, values: Mapping[str, Any]) -> Snapshot:
    volume = Volume.objects.visible_to(caller).filter(pk=values["volume_id"]).first()
    if volume is None:
        raise UnknownSource(
            f"There is no volume {values['volume_id']}.", field="snapshot.volume_id"
        )
    permit_on(caller, policies.CREATE_SNAPSHOT, volume.project_id)
    if volume.status != "available" and not (values["force"] and volume.status == "in-use"):
        raise VolumeBusy(
            f"Volume {volume.pk} is {volume.status}; a snapshot needs a free one, or force."
        )
    check_snapshots(volume.project_id, [volume.size], [volume.volume_type])
    return take_snapshot(caller, volume, values)


def take_snapshot(
    caller: Caller,
    volume: Volume,
    values: Mapping[str, Any],
    group_snapshot: uuid.UUID | None = None,
) -> Snapshot:
    """A snapshot that the caller may make, within the limits."""
    snapshot = Snapshot.objects.create(
        group_snapshot_id=group_snapshot,
        project_id=volume.project_id,
        volume=volume,
        user_id=caller.user_id,
        size=volume.size,
        name=values["name"],
        description=values["description"],
        metadata=values["metadata"],
    )
    copies.begin(snapshot)
    return snapshot


@transaction.atomic
def delete_snapshot(caller: Caller, snapshot: Snapshot) -> None:
    permit_on(caller, policies.DELETE_SNAPSHOT, snapshot.project_id)
    if snapshot.group_snapshot_id is not None:
        raise VolumeBusy(
            f"Snapshot {snapshot.pk} is a part of the snapshot {snapshot.group_snapshot_id} of a "
            "group; delete that."
        )
    data.forget(snapshot)
    snapshot.delete()


@transaction.atomic
def change(
    caller: Caller, row: Volume | Snapshot, values: Mapping[str, Any], given: Collection[str]
) -> None:
    rule = policies.UPDATE if isinstance(row, Volume) else policies.UPDATE_SNAPSHOT
    permit_on(caller, rule, row.project_id)
    columns = {"display_name": "name", "display_description": "description"}
    wanted = {columns.get(key, key) for key in given}
    for key in wanted:
        setattr(row, key, values[key])
    row.save(update_fields=wanted)
