"""Volumes and snapshots as compute shows and changes them for its clients."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Q

from compute_site.caller import Caller
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.clients import (
    ListedSnapshot,
    ListedVolume,
    WantedSnapshot,
    WantedVolume,
)
from compute_site.neighbours.volume.local import changes
from compute_site.neighbours.volume.local.claims import NOT_IN_USE
from compute_site.neighbours.volume.models import Snapshot, Volume
from compute_site.values.words import is_canonical

NEWEST_FIRST = ("-created_at", "-pk")


def list_volumes(caller: Caller, ids: Collection[str] | None = None) -> Sequence[ListedVolume]:
    caller.permit(policies.LIST if ids is None else policies.SHOW)
    rows = Volume.objects.visible_to(caller).filter(_asked(caller, ids))
    shown = rows.select_related("volume_type").prefetch_related("attachments")
    return [_describe(row) for row in shown.order_by(*NEWEST_FIRST)]


def make_volume(caller: Caller, wanted: WantedVolume) -> str:
    values = {
        **changes.NOTHING_SAID,
        "size": wanted.size,
        "name": wanted.name,
        "description": wanted.description,
        "snapshot_id": _read_id(wanted.snapshot_id, "snapshot"),
        "volume_type": wanted.volume_type,
        "availability_zone": wanted.availability_zone or "nova",
        "metadata": dict(wanted.metadata),
    }
    return str(changes.create_volume(caller, values).pk)


def remove_volume(caller: Caller, volume_id: str) -> None:
    for row in Volume.objects.visible_to(caller).filter(pk__in=canonical_ids([volume_id])):
        changes.delete_volume(caller, row)


def list_snapshots(caller: Caller, ids: Collection[str] | None = None) -> Sequence[ListedSnapshot]:
    caller.permit(policies.LIST_SNAPSHOTS if ids is None else policies.SHOW_SNAPSHOT)
    rows = Snapshot.objects.visible_to(caller).filter(_asked(caller, ids))
    return [
        ListedSnapshot(
            id=str(row.pk),
            volume_id=str(row.volume_id),
            name=row.name,
            description=row.description,
            size=row.size,
            status=row.status,
            created_at=row.created_at,
        )
        for row in rows.order_by(*NEWEST_FIRST)
    ]


def make_snapshot(caller: Caller, wanted: WantedSnapshot) -> str:
    values: dict[str, Any] = {
        "volume_id": _read_id(wanted.volume_id, "volume"),
        "name": wanted.name,
        "description": wanted.description,
        "force": wanted.force,
        "metadata": {},
    }
    return str(changes.create_snapshot(caller, values).pk)


def remove_snapshot(caller: Caller, snapshot_id: str) -> None:
    for row in Snapshot.objects.visible_to(caller).filter(pk__in=canonical_ids([snapshot_id])):
        changes.delete_snapshot(caller, row)


def _asked(caller: Caller, ids: Collection[str] | None) -> Q:
    """Those with these ids; without any, those of the project."""
    return Q(project=caller.project_id) if ids is None else Q(pk__in=canonical_ids(ids))


def _read_id(word: str | None, noun: str) -> uuid.UUID | None:
    """Raises ``UnknownSource`` where the word is no id."""
    if word is None:
        return None
    if not is_canonical(word):
        raise changes.UnknownSource(f"There is no {noun} {word[:60]}.")
    return uuid.UUID(word)


def _describe(row: Volume) -> ListedVolume:
    """``row`` comes with its ``volume_type`` and ``attachments``."""
    return ListedVolume(
        id=str(row.pk),
        name=row.name,
        description=row.description,
        size=row.size,
        status=row.status,
        availability_zone=row.availability_zone,
        volume_type=None if row.volume_type is None else row.volume_type.name,
        snapshot_id=None if row.snapshot_id is None else str(row.snapshot_id),
        metadata=row.metadata,
        created_at=row.created_at,
        attached=tuple(
            (str(one.server_id), one.device)
            for one in row.attachments.all()
            if one.status not in NOT_IN_USE and one.server_id is not None
        ),
    )
