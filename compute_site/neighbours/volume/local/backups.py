"""Backups of volumes: copies that stay when the volumes are gone, and become volumes again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.backup_models import Backup
from compute_site.neighbours.volume.local import copies, data
from compute_site.neighbours.volume.local.changes import (
    NOTHING_SAID,
    UnknownSource,
    VolumeBusy,
    VolumeTooSmall,
    create_volume,
    lock_volume,
)
from compute_site.neighbours.volume.local.limits import check_backups
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.neighbours.volume.models import Snapshot, Volume

AVAILABLE = "available"
STATUSES = ("creating", AVAILABLE, "deleting", "restoring", "error", "error_deleting")
ENDED = (AVAILABLE, "error")
KEPT = ("metadata", "image_metadata", "bootable")
"""What a backup remembers of its volume, as in Cinder."""
RESTORED = "auto-created_from_restore_from_backup"
"""How Cinder describes a volume that nobody has described."""


class BackupBusy(BadRequest):
    """The backup cannot be deleted or restored in its status, or others are built on it."""

    code = "backup_busy"


class NoFullBackup(BadRequest):
    """There is no backup of the volume that an incremental one could be built on."""

    code = "no_full_backup"


@transaction.atomic
def create(caller: Caller, values: Mapping[str, Any]) -> Backup:
    """
    Raises:
        UnknownSource: the caller sees no such volume or snapshot.
        VolumeBusy: it is not in a status to be copied.
        NoFullBackup: an incremental one is asked for.
        VolumeQuotaReached: 413.
    """
    volume = Volume.objects.visible_to(caller).filter(pk=values["volume_id"]).first()
    if volume is None:
        raise UnknownSource(f"There is no volume {values['volume_id']}.", field="backup.volume_id")
    permit_on(caller, policies.CREATE_BACKUP, volume.project_id)
    snapshot = _find_snapshot(caller, volume, values)
    check_backups(caller.project_id, volume.size)
    backup = Backup(
        project_id=caller.project_id,
        user_id=caller.user_id,
        volume_id=volume.pk,
        snapshot_id=None if snapshot is None else snapshot.pk,
        size=volume.size,
        parent=_parent(caller, volume, snapshot) if values["incremental"] else None,
        availability_zone=values["availability_zone"] or "",
        of_volume={column: getattr(volume, column) for column in KEPT},
        **{key: values[key] for key in ("name", "description", "container", "metadata")},
    )
    backup.data_timestamp = backup.created_at if snapshot is None else snapshot.created_at
    backup.save()
    copies.begin(backup)
    return backup


def _find_snapshot(caller: Caller, volume: Volume, values: Mapping[str, Any]) -> Snapshot | None:
    """The snapshot that is to be copied, or nothing; raises as ``create``."""
    if values["snapshot_id"] is None:
        if volume.status not in (AVAILABLE, "in-use"):
            raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; a backup needs a free one.")
        if volume.status == "in-use" and not values["force"]:
            raise VolumeBusy(f"Volume {volume.pk} is in use; a backup of it needs force.")
        return None
    seen = Snapshot.objects.visible_to(caller)
    snapshot = seen.filter(pk=values["snapshot_id"]).first()
    if snapshot is None:
        raise UnknownSource(f"There is no snapshot {values['snapshot_id']}.")
    if snapshot.volume_id != volume.pk:
        raise BadRequest(
            f"Snapshot {snapshot.pk} is not one of volume {volume.pk}.", field="backup.snapshot_id"
        )
    if snapshot.status != AVAILABLE:
        raise VolumeBusy(f"Snapshot {snapshot.pk} is {snapshot.status}; it must be available.")
    return snapshot


def _parent(caller: Caller, volume: Volume, snapshot: Snapshot | None) -> Backup:
    """The newest backup of the volume, before the snapshot if there is one."""
    own = Backup.objects.of_project(caller.project_id)
    before = own.filter(volume_id=volume.pk, status=AVAILABLE)
    if snapshot is not None:
        before = before.filter(data_timestamp__lt=snapshot.created_at)
    newest = before.order_by("-data_timestamp", "-pk").select_for_update(no_key=True).first()
    if newest is None:
        raise NoFullBackup(
            f"There is no backup of volume {volume.pk} yet to build an incremental one on.",
            field="backup.incremental",
        )
    return newest


@transaction.atomic
def change(
    caller: Caller, backup: Backup, values: Mapping[str, Any], given: Collection[str]
) -> None:
    permit_on(caller, policies.UPDATE_BACKUP, backup.project_id)
    for key in given:
        setattr(backup, key, values[key])
    backup.save(update_fields=given)


def delete(caller: Caller, backup: Backup) -> None:
    """Raises: BackupBusy: it is being made or restored, or others are built on it."""
    permit_on(caller, policies.DELETE_BACKUP, backup.project_id)
    _remove(backup, ENDED)


def force_delete(_: Caller, backup: Backup, __: Mapping[str, Any]) -> None:
    """In any status. Raises: BackupBusy: others are built on it."""
    _remove(backup, STATUSES)


@transaction.atomic
def _remove(backup: Backup, statuses: Collection[str]) -> None:
    locked = _lock(backup)
    if locked.status not in statuses:
        raise BackupBusy(f"Backup {backup.pk} is {locked.status}; it cannot be deleted now.")
    if locked.increments.exists():
        raise BackupBusy(f"Incremental backups are built on {backup.pk}; delete those first.")
    data.forget(locked)
    locked.delete()


def reset_status(_: Caller, backup: Backup, values: Mapping[str, Any]) -> None:
    Backup.objects.filter(pk=backup.pk).update(status=values["status"])


@transaction.atomic
def restore(caller: Caller, backup: Backup, values: Mapping[str, Any]) -> Volume:
    """Give a free volume the bytes of the backup, or make one.

    Raises:
        BackupBusy: the backup is not available.
        UnknownSource: the caller sees no such volume.
        VolumeBusy, VolumeTooSmall: the volume cannot be overwritten.
    """
    permit_on(caller, policies.RESTORE_BACKUP, backup.project_id)
    locked = _lock(backup)
    if locked.status != AVAILABLE:
        raise BackupBusy(f"Backup {backup.pk} is {locked.status}; it must be available.")
    if values["volume_id"] is None:
        name = values["name"] or f"restore_backup_{backup.pk}"
        said = {"name": name, "description": RESTORED, "backup_id": locked.pk}
        return _remember(create_volume(caller, {**NOTHING_SAID, **said}), locked)
    seen = Volume.objects.visible_to(caller).filter(pk=values["volume_id"]).first()
    if seen is None:
        raise UnknownSource(f"There is no volume {values['volume_id']}.")
    permit_on(caller, policies.RESTORE_BACKUP, seen.project_id)
    volume = lock_volume(seen.pk)
    if volume.status != AVAILABLE:
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; only a free one is overwritten.")
    if volume.size < locked.size:
        raise VolumeTooSmall(f"The backup has {locked.size} GiB, the volume {volume.size}.")
    if data.file_of(volume) is not None and data.file_of(locked) is None:
        raise BadRequest(f"Backup {backup.pk} has no bytes to overwrite the volume with.")
    copies.restore(volume, locked)
    return _remember(volume, locked)


def _remember(volume: Volume, backup: Backup) -> Volume:
    """Let the volume say of itself what that of the backup did."""
    for column, value in backup.of_volume.items():
        setattr(volume, column, value)
    volume.save(update_fields=list(backup.of_volume))
    return volume


def _lock(backup: Backup) -> Backup:
    return lock_row(Backup.objects.all(), backup.pk, "backup")
