"""Reads volumes, snapshots and types of a Cinder elsewhere."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

from compute_site.caller import Caller
from compute_site.neighbours.ids import canonical_ids
from compute_site.neighbours.volume.clients import ListedSnapshot, ListedVolume
from compute_site.neighbours.volume.openstack.service import (
    CINDER,
    Object,
    call,
    find,
    is_seen,
    read,
)
from compute_site.neighbours.volume.protocol import SnapshotData, VolumeData, VolumeTypeData

AT_REST = ("", "none", "success", "error")
"""Of the status of a migration: nothing is being moved."""


def find_volumes(caller: Caller, ids: Collection[str]) -> dict[str, VolumeData]:
    return {volume["id"]: _volume(volume) for volume in _each(caller, "volume", ids)}


def find_snapshots(caller: Caller, ids: Collection[str]) -> dict[str, SnapshotData]:
    return {
        snapshot["id"]: SnapshotData(
            id=snapshot["id"],
            name=snapshot["name"] or "",
            size=snapshot["size"],
            status=snapshot["status"],
            volume_id=snapshot["volume_id"],
        )
        for snapshot in _each(caller, "snapshot", ids)
    }


def find_types(caller: Caller, names: Collection[str]) -> Sequence[VolumeTypeData]:
    if not names:
        return []
    types = read("volume_types", "GET", "/types", caller=caller)
    found = [one for one in types if one["id"] in names or one["name"] in names]
    return [
        VolumeTypeData(id=one["id"], name=one["name"])
        for one in sorted(found, key=lambda one: str(one["name"]))
    ]


def list_volumes(caller: Caller, ids: Collection[str] | None = None) -> Sequence[ListedVolume]:
    found = _list(caller, "volumes") if ids is None else _each(caller, "volume", ids)
    return [
        ListedVolume(
            id=volume["id"],
            name=volume["name"] or "",
            description=volume["description"] or "",
            size=volume["size"],
            status=volume["status"],
            availability_zone=volume["availability_zone"] or "",
            volume_type=volume["volume_type"],
            snapshot_id=volume["snapshot_id"],
            metadata=volume["metadata"],
            created_at=_time(volume["created_at"]),
            attached=tuple(
                (one["server_id"], one["device"] or "") for one in volume["attachments"]
            ),
        )
        for volume in found
    ]


def list_snapshots(caller: Caller, ids: Collection[str] | None = None) -> Sequence[ListedSnapshot]:
    found = _list(caller, "snapshots") if ids is None else _each(caller, "snapshot", ids)
    return [
        ListedSnapshot(
            id=snapshot["id"],
            volume_id=snapshot["volume_id"],
            name=snapshot["name"] or "",
            description=snapshot["description"] or "",
            size=snapshot["size"],
            status=snapshot["status"],
            created_at=_time(snapshot["created_at"]),
        )
        for snapshot in found
    ]


def read_all(kind: str, caller: Caller | None = None, **filters: Any) -> list[Object]:
    """All that Cinder lists, in as many pages as it takes."""
    found: list[Object] = []
    marker: dict[str, Any] = {}
    while True:
        body = call("GET", f"/{kind}/detail", caller=caller, **filters, **marker)
        page = CINDER.understand(body, lambda shown: list(shown[kind]))
        found += page
        if not page or f"{kind}_links" not in body:
            return found
        marker = {"marker": page[-1]["id"]}


def _each(caller: Caller, kind: str, ids: Collection[str]) -> list[Object]:
    """Those of these ids that the caller sees."""
    found = (find(kind, str(one), caller=caller) for one in canonical_ids(ids))
    return [one for one in found if one is not None]


def _list(caller: Caller, kind: str) -> list[Object]:
    if caller.token:
        return read_all(kind, caller)
    found = read_all(kind, all_tenants=1, project_id=caller.project_id)
    return [one for one in found if is_seen(caller, one)]


def _volume(volume: Object) -> VolumeData:
    migration = volume.get("migration_status") or volume.get("os-vol-mig-status-attr:migstat")
    return VolumeData(
        id=volume["id"],
        name=volume["name"] or "",
        size=volume["size"],
        status=volume["status"],
        bootable=volume["bootable"] == "true",
        multiattach=volume["multiattach"],
        availability_zone=volume["availability_zone"] or "",
        volume_type=volume["volume_type"],
        image_metadata=volume.get("volume_image_metadata") or {},
        migrating=(migration or "") not in AT_REST,
    )


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
