"""Volumes that the service gives up, while the store keeps what they hold, and takes over again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.local import data
from compute_site.neighbours.volume.local.backend import suits
from compute_site.neighbours.volume.local.changes import (
    VolumeBusy,
    check_ungrouped,
    choose_type,
    lock_volume,
    remove_volume,
)
from compute_site.neighbours.volume.local.limits import check_volumes
from compute_site.neighbours.volume.models import UnmanagedVolume, Volume

PREFIX = "volume-"
"""How the store calls what a volume holds, before the id of the volume."""


class NotManageable(BadRequest):
    """The store has nothing of this name that is no volume already."""

    code = "not_manageable"


@transaction.atomic
def unmanage(_: Caller, volume: Volume, __: Mapping[str, Any]) -> None:
    """Give up a free volume without snapshots.

    Raises:
        VolumeBusy: it is not free, has snapshots or no bytes, or is in a group.
    """
    locked = lock_volume(volume.pk)
    check_ungrouped(locked)
    if locked.status != "available":
        raise VolumeBusy(f"Volume {locked.pk} is {locked.status}; only a free one is given up.")
    if not data.has_bytes(str(locked.pk)):
        raise VolumeBusy(f"The store has no bytes of volume {locked.pk} that could stay there.")
    UnmanagedVolume.objects.create(pk=locked.pk, size=locked.size)
    remove_volume(locked, keeps_bytes=True)


@transaction.atomic
def manage(caller: Caller, values: Mapping[str, Any]) -> Volume:
    """Take over, as a volume of the caller's project, what the store has kept of one. The name is
    that in the store; what the volume had beside its bytes is what is said now.

    Raises:
        NotManageable: there is nothing of this name.
        TypeUnknown: there is no such type.
        VolumeQuotaReached: 413.
    """
    name = values["ref"]
    ids = canonical_ids([name.removeprefix(PREFIX)])
    kept = UnmanagedVolume.objects.select_for_update().filter(pk__in=ids).first()
    if kept is None or name not in (str(kept), str(kept.pk)):
        raise NotManageable(
            f"The store has no {name[:80]} that could become a volume.", field="volume.ref"
        )
    if not data.has_bytes(str(kept.pk)):
        raise NotManageable(f"The bytes of {name} are gone.", field="volume.ref")
    _, found = choose_type(caller, values["volume_type"])
    if found is not None and not suits(found.extra_specs):
        raise BadRequest(
            f"The store is not as volumes of type {found.name} want it.", field="volume.volume_type"
        )
    check_volumes(caller.project_id, [kept.size], [found])
    shared = found is not None and found.is_shared
    if shared:
        caller.permit(policies.MULTIATTACH)
    given = ("name", "description", "availability_zone", "metadata")
    volume = Volume.objects.create(
        pk=kept.pk,
        size=kept.size,
        project_id=caller.project_id,
        user_id=caller.user_id,
        volume_type=found,
        multiattach=shared,
        bootable=str(values["bootable"]).lower(),
        **{key: values[key] for key in given},
    )
    kept.delete()
    return volume
