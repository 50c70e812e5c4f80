"""Groups of volumes: what belongs to them, snapshots of all of it, and copies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.group_models import GroupSnapshot, VolumeGroup
from compute_site.neighbours.volume.local import data, group_types
from compute_site.neighbours.volume.local.changes import (
    NOTHING_SAID,
    UnknownSource,
    create_volume,
    find_each_type,
    remove_volume,
    take_snapshot,
)
from compute_site.neighbours.volume.local.limits import check_groups, check_snapshots
from compute_site.neighbours.volume.local.locking import lock_row
from compute_site.neighbours.volume.models import Snapshot, Volume, VolumeType
from compute_site.values.words import is_canonical

AVAILABLE = "available"
STATUSES = (
    *("creating", AVAILABLE, "deleting", "deleted", "error", "error_deleting"),
    *("updating", "in-use"),
)
SNAPSHOT_STATUSES = ("creating", AVAILABLE, "deleting", "deleted", "error", "error_deleting")
ENDED = (AVAILABLE, "error")
IN_PLACE = (AVAILABLE, "in-use")
Values = Mapping[str, Any]


class GroupBusy(BadRequest):
    """The group is not in a status for this, or has volumes or snapshots. Cinder: 400."""

    code = "group_busy"


class NotGrouped(BadRequest):
    """A volume cannot come into the group, or is not in it. Cinder: 400."""

    code = "not_grouped"


@transaction.atomic
def create(caller: Caller, values: Values) -> VolumeGroup:
    """
    Raises:
        NotFound: the caller sees no such group type.
        TypeUnknown: the caller sees no such volume type.
        VolumeQuotaReached: 413.
    """
    caller.permit(policies.CREATE_GROUP)
    kind = group_types.find(caller, values["group_type"])
    types = find_each_type(caller, values["volume_types"])
    check_groups(caller.project_id)
    group = VolumeGroup.objects.create(
        project_id=caller.project_id,
        user_id=caller.user_id,
        group_type=kind,
        **{key: values[key] for key in ("name", "description", "availability_zone")},
    )
    group.volume_types.set(VolumeType.objects.filter(pk__in=types))
    return group


@transaction.atomic
def create_from_source(caller: Caller, values: Values) -> VolumeGroup:
    """A group like another one, with copies of its volumes as they are now, or were when the
    snapshot was made.

    Raises:
        NotFound: the caller sees no such group or snapshot.
        GroupBusy: it has no volumes, or is not available.
    """
    caller.permit(policies.CREATE_GROUP)
    source, taken = _find_source(caller, values)
    volumes = source.volumes.order_by("created_at", "pk")
    origins: list[Values] = (
        [{"source_volid": volume.pk, "multiattach": volume.multiattach} for volume in volumes]
        if taken is None
        else [
            {"snapshot_id": snapshot.pk, "multiattach": snapshot.volume.multiattach}
            for snapshot in taken.parts.select_related("volume").order_by("created_at", "pk")
        ]
    )
    if not origins:
        raise GroupBusy("There are no volumes to copy.")
    check_groups(caller.project_id)
    group = VolumeGroup.objects.create(
        project_id=caller.project_id,
        user_id=caller.user_id,
        group_type=source.group_type,
        availability_zone=source.availability_zone,
        group_snapshot_id=None if taken is None else taken.pk,
        source_group_id=source.pk if taken is None else None,
        **{key: values[key] for key in ("name", "description")},
    )
    group.volume_types.set(source.volume_types.all())
    of_group = {"availability_zone": group.availability_zone, "group_id": str(group.pk)}
    for origin in origins:
        create_volume(caller, {**NOTHING_SAID, **of_group, **origin})
    return group


def _find_source(caller: Caller, values: Values) -> tuple[VolumeGroup, GroupSnapshot | None]:
    named = [key for key in ("source_group_id", "group_snapshot_id") if values[key] is not None]
    if len(named) != 1:
        raise BadRequest("Give one of source_group_id and group_snapshot_id.")
    taken = None
    if values["group_snapshot_id"] is not None:
        visible = GroupSnapshot.objects.visible_to(caller).select_related("group")
        taken = visible.filter(pk=values["group_snapshot_id"]).first()
    seen = VolumeGroup.objects.visible_to(caller)
    source = taken.group if taken else seen.filter(pk=values["source_group_id"]).first()
    if source is None:
        raise UnknownSource("There is no such group or snapshot of a group.")
    if (taken or source).status != AVAILABLE:
        raise GroupBusy(f"{named[0]} is {(taken or source).status}; it must be available.")
    return source, taken


@transaction.atomic
def change(caller: Caller, group: VolumeGroup, values: Values, given: Collection[str]) -> None:
    """Rename the group, and change what belongs to it.

    Raises:
        GroupBusy: volumes come or go, and the group is not available.
        NotGrouped: 400.
    """
    permit_on(caller, policies.UPDATE_GROUP, group.project_id)
    coming, leaving = (read_ids(values[key]) for key in ("add_volumes", "remove_volumes"))
    if set(coming) & set(leaving):
        raise NotGrouped("A volume is in add_volumes and in remove_volumes.")
    locked = _lock(group)
    if (coming or leaving) and locked.status != AVAILABLE:
        raise GroupBusy(f"Group {group.pk} is {locked.status}; it must be available.")
    _check_leaving(locked, leaving)
    _check_coming(caller, locked, coming)
    Volume.objects.filter(pk__in=leaving).update(group=None)
    Volume.objects.filter(pk__in=coming).update(group=locked)
    described = [key for key in ("name", "description") if key in given]
    for key in described:
        setattr(locked, key, values[key])
    if described:
        locked.save(update_fields=described)


def read_ids(text: str | None) -> list[str]:
    """The ids in a text with commas. Raises ``NotGrouped``: something is none."""
    found = [word.strip() for word in (text or "").split(",") if word.strip()]
    for word in found:
        if not is_canonical(word):
            raise NotGrouped(f"{word[:60]} is no id of a volume.")
    return found


def _check_leaving(group: VolumeGroup, ids: Sequence[str]) -> None:
    """Check that these volumes may leave the group, and lock them."""
    found = list(group.volumes.filter(pk__in=ids).select_for_update(of=("self",)).order_by("pk"))
    if len(found) < len(set(ids)):
        raise NotGrouped("Not all volumes to be removed are in the group.")
    for volume in found:
        if volume.status not in (*ENDED, "in-use"):
            raise NotGrouped(f"Volume {volume.pk} is {volume.status}; it stays in the group.")


def _check_coming(caller: Caller, group: VolumeGroup, ids: Sequence[str]) -> None:
    """Check that these volumes may come into the group, and lock them."""
    visible = Volume.objects.visible_to(caller).filter(pk__in=ids, project=group.project_id)
    found = list(visible.select_for_update(of=("self",)).order_by("pk"))
    if len(found) < len(set(ids)):
        raise NotGrouped("Not all volumes to be added are there, in the project of the group.")
    types = set(group.volume_types.values_list("pk", flat=True)) if found else set()
    for volume in found:
        if volume.group_id not in (None, group.pk):
            raise NotGrouped(f"Volume {volume.pk} is in group {volume.group_id}.")
        if volume.volume_type_id not in types:
            raise NotGrouped(f"Volume {volume.pk} has none of the volume types of the group.")
        if volume.status not in IN_PLACE:
            raise NotGrouped(f"Volume {volume.pk} is {volume.status}; it is not added.")


@transaction.atomic
def delete(_: Caller, group: VolumeGroup, values: Values) -> None:
    """Delete the group; ``delete-volumes``: and its volumes.

    Raises:
        GroupBusy: it has snapshots, or volumes that should stay.
        VolumeBusy: one of the volumes cannot be deleted.
    """
    locked, with_volumes = _lock(group), values["delete-volumes"]
    if not with_volumes and locked.status not in ENDED:
        raise GroupBusy(f"Group {group.pk} is {locked.status}; it cannot be deleted now.")
    if locked.snapshots.exists():
        raise GroupBusy(f"Group {group.pk} has snapshots; delete those first.")
    volumes = list(locked.volumes.order_by("pk"))
    if volumes and not with_volumes:
        raise GroupBusy(f"Group {group.pk} has volumes; say delete-volumes, or remove them.")
    for volume in volumes:
        remove_volume(volume, statuses=ENDED)
    locked.delete()


def reset_status(_: Caller, group: VolumeGroup, values: Values) -> None:
    VolumeGroup.objects.filter(pk=group.pk).update(status=values["status"])


@transaction.atomic
def create_snapshot(caller: Caller, values: Values) -> GroupSnapshot:
    """Snapshots of all volumes of a group.

    Raises:
        NotFound: the caller sees no such group.
        GroupBusy: one of its volumes is neither free nor in use.
    """
    found = VolumeGroup.objects.visible_to(caller).filter(pk=values["group_id"]).first()
    if found is None:
        raise NotFound(f"There is no group {values['group_id']}.")
    permit_on(caller, policies.CREATE_GROUP_SNAPSHOT, found.project_id)
    group = _lock(found)
    rows = group.volumes.select_related("volume_type").order_by("pk")
    volumes = list(rows.select_for_update(of=("self",)))
    for volume in volumes:
        if volume.status not in IN_PLACE:
            raise GroupBusy(f"Volume {volume.pk} of the group is {volume.status}.")
    kinds = [volume.volume_type for volume in volumes]
    check_snapshots(group.project_id, [volume.size for volume in volumes], kinds)
    taken = GroupSnapshot.objects.create(
        project_id=group.project_id,
        user_id=caller.user_id,
        group=group,
        **{key: values[key] for key in ("name", "description")},
    )
    for volume in volumes:
        described = {key: values[key] for key in ("name", "description")}
        take_snapshot(caller, volume, {**described, "metadata": {}}, taken.pk)
    return taken


@transaction.atomic
def delete_snapshot(caller: Caller, taken: GroupSnapshot) -> None:
    """With the snapshots of the volumes. Raises: GroupBusy."""
    permit_on(caller, policies.DELETE_GROUP_SNAPSHOT, taken.project_id)
    locked = lock_row(GroupSnapshot.objects.all(), taken.pk, "snapshot of a group")
    if locked.status not in ENDED:
        raise GroupBusy(f"Snapshot {taken.pk} of the group is {locked.status}.")
    parts = list(Snapshot.objects.filter(group_snapshot=locked))
    data.forget(*parts)
    Snapshot.objects.filter(group_snapshot=locked).delete()
    locked.delete()


def reset_snapshot(_: Caller, taken: GroupSnapshot, values: Values) -> None:
    GroupSnapshot.objects.filter(pk=taken.pk).update(status=values["status"])


def _lock(group: VolumeGroup) -> VolumeGroup:
    return lock_row(VolumeGroup.objects.all(), group.pk, "group")
