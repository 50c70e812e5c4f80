"""Volumes that are given to another project: offered with a key, taken by who has it."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from compute_site.caller import Caller
from compute_site.faults import BadRequest, NotFound
from compute_site.neighbours.ownership import permit_on
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.local.changes import (
    UnknownSource,
    VolumeBusy,
    check_ungrouped,
    lock_volume,
)
from compute_site.neighbours.volume.local.limits import check_snapshots, check_volumes
from compute_site.neighbours.volume.models import Transfer, Volume

KEY_BYTES = 8
AWAITING = "awaiting-transfer"
NOT_HERE = "There is no transfer {}."


class WrongKey(BadRequest):
    """The key is not that of the transfer. Cinder: 400."""

    code = "wrong_key"


@transaction.atomic
def offer(caller: Caller, values: Mapping[str, Any]) -> tuple[Transfer, str]:
    """Offer a free volume, with its snapshots unless ``no_snapshots``; the transfer, and its key,
    which is not kept.

    Raises:
        UnknownSource: 404.
        VolumeBusy: the volume is not free, or one of its snapshots is busy.
    """
    seen = Volume.objects.visible_to(caller).filter(pk=values["volume_id"])
    volume = seen.select_for_update(of=("self",)).first()
    if volume is None:
        raise UnknownSource(f"There is no volume {values['volume_id']}.")
    permit_on(caller, policies.CREATE_TRANSFER, volume.project_id)
    check_ungrouped(volume)
    if volume.status != "available":
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; only a free one is given away.")
    if not values["no_snapshots"] and volume.snapshots.exclude(status="available").exists():
        raise VolumeBusy(f"A snapshot of volume {volume.pk} is not available.")
    key = secrets.token_hex(KEY_BYTES)
    transfer = Transfer(
        volume=volume, name=(values["name"] or "").strip(), no_snapshots=values["no_snapshots"]
    )
    transfer.key_hash = hash_of(transfer, key)
    transfer.save()
    Volume.objects.filter(pk=volume.pk).update(status=AWAITING)
    return transfer, key


@transaction.atomic
def withdraw(caller: Caller, transfer: Transfer) -> None:
    """Keep the volume."""
    permit_on(caller, policies.DELETE_TRANSFER, transfer.volume.project_id)
    Volume.objects.filter(pk=transfer.volume_id, status=AWAITING).update(status="available")
    transfer.delete()


@transaction.atomic
def accept(caller: Caller, transfer_id: uuid.UUID, key: str) -> Transfer:
    """Take the volume into the caller's project. The transfer that is returned is over.

    Raises:
        NotFound: there is no such transfer.
        WrongKey: 400.
        VolumeQuotaReached: 413.
    """
    caller.permit(policies.ACCEPT_TRANSFER)
    found = Transfer.objects.filter(pk=transfer_id).first()
    if found is None:
        raise NotFound(NOT_HERE.format(transfer_id))
    volume = lock_volume(found.volume_id)
    transfer = Transfer.objects.filter(pk=transfer_id).first()
    if transfer is None:
        raise NotFound(NOT_HERE.format(transfer_id))
    if not secrets.compare_digest(transfer.key_hash, hash_of(transfer, key)):
        raise WrongKey("This is not the key of the transfer.", field="accept.auth_key")
    if volume.status != AWAITING:
        raise VolumeBusy(f"Volume {volume.pk} is {volume.status}; it is not given away any more.")
    snapshots = volume.snapshots.filter(project=volume.project_id)
    if caller.project_id != volume.project_id:
        check_volumes(caller.project_id, [volume.size], [volume.volume_type])
        if not transfer.no_snapshots:
            sizes = [snapshot.size for snapshot in snapshots]
            check_snapshots(caller.project_id, sizes, [volume.volume_type] * len(sizes))
            snapshots.update(project=caller.project_id, user_id=caller.user_id)
    Volume.objects.filter(pk=volume.pk).update(
        project=caller.project_id, user_id=caller.user_id, status="available"
    )
    Transfer.objects.filter(pk=transfer.pk).delete()
    return transfer


def hash_of(transfer: Transfer, key: str) -> str:
    """What is kept of the key."""
    return hashlib.sha256(f"{transfer.pk} {key}".encode()).hexdigest()
