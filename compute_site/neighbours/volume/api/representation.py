"""Volumes, snapshots and types as the volume API v3 shows them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from compute_site.neighbours.volume.api.version import starting
from compute_site.neighbours.volume.local.claims import NOT_IN_USE
from compute_site.neighbours.volume.models import Attachment, Snapshot, Volume, VolumeType

POOL_HOST = "local@database#volumes"
"""Where all volumes are, as Cinder writes it."""
KEYS_SINCE = starting(
    v3_13=["group_id"],
    v3_21=["provider_id"],
    v3_48=["shared_targets", "service_uuid"],
    v3_61=["cluster_name"],
    v3_63=["volume_type_id"],
    v3_65=["consumes_quota"],
)
"""The version that shows a key of volumes first."""
SNAPSHOT_KEYS_SINCE = starting(
    v3_14=["group_snapshot_id"],
    v3_41=["user_id"],
    v3_65=["consumes_quota"],
)


def cinder_time(time: dt.datetime) -> str:
    """The time in UTC without a zone, as Cinder writes it."""
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def links(root: str, project_id: str, collection: str, row_id: str) -> list[dict[str, str]]:
    return [
        {"rel": "self", "href": f"{root}/volume/v3/{project_id}/{collection}/{row_id}"},
        {"rel": "bookmark", "href": f"{root}/volume/{project_id}/{collection}/{row_id}"},
    ]


def show_volume(volume: Volume, root: str) -> dict[str, Any]:
    """``volume`` comes with its ``volume_type`` and ``attachments``."""
    shown = show_changed_volume(volume, root)
    shown |= {
        "os-vol-tenant-attr:tenant_id": volume.project_id,
        "os-vol-host-attr:host": POOL_HOST,
        "os-vol-mig-status-attr:migstat": volume.migration_status or None,
        "os-vol-mig-status-attr:name_id": None,
    }
    if volume.image_metadata:
        shown["volume_image_metadata"] = volume.image_metadata
    return shown


def show_changed_volume(volume: Volume, root: str) -> dict[str, Any]:
    """The answer to a create or update, which has fewer keys."""
    return {
        "id": str(volume.pk),
        "name": volume.name,
        "description": volume.description,
        "links": links(root, volume.project_id, "volumes", str(volume.pk)),
        "status": volume.status,
        "size": volume.size,
        "bootable": volume.bootable or "true",
        "multiattach": volume.multiattach,
        "encrypted": False,
        "availability_zone": volume.availability_zone,
        "volume_type": volume.volume_type.name if volume.volume_type is not None else None,
        "snapshot_id": str(volume.snapshot_id) if volume.snapshot_id is not None else None,
        "source_volid": str(volume.source_volid) if volume.source_volid is not None else None,
        "consistencygroup_id": None,
        "replication_status": None,
        "metadata": volume.metadata | show_readonly(volume),
        "attachments": [
            show_attachment(attachment)
            for attachment in volume.attachments.all()
            if attachment.status not in NOT_IN_USE
        ],
        "user_id": volume.user_id,
        "created_at": cinder_time(volume.created_at),
        "updated_at": cinder_time(volume.updated_at),
        "migration_status": volume.migration_status or None,
        "group_id": None if volume.group_id is None else str(volume.group_id),
        "provider_id": None,
        "shared_targets": False,
        "service_uuid": None,
        "cluster_name": None,
        "volume_type_id": None if volume.volume_type_id is None else str(volume.volume_type_id),
        "consumes_quota": True,
    }


def show_attachment(attachment: Attachment) -> dict[str, Any]:
    return {
        "id": str(attachment.volume_id),
        "volume_id": str(attachment.volume_id),
        "attachment_id": str(attachment.pk),
        "server_id": None if attachment.server_id is None else str(attachment.server_id),
        "device": attachment.device,
        "host_name": attachment.host_name or None,
        "attached_at": cinder_time(attachment.attached_at or attachment.created_at),
    }


def show_entry(attachment: Attachment) -> dict[str, Any]:
    """An attachment in its own API, without details."""
    status = "attached" if attachment.status == "detaching" else attachment.status
    return {
        "id": str(attachment.pk),
        "status": status,
        "instance": None if attachment.server_id is None else str(attachment.server_id),
        "volume_id": str(attachment.volume_id),
    }


def show_whole_entry(attachment: Attachment, connection: Mapping[str, Any]) -> dict[str, Any]:
    is_there = attachment.status in ("attached", "detaching")
    attached_at = attachment.attached_at or (attachment.created_at if is_there else None)
    return {
        **show_entry(attachment),
        "attached_at": "" if attached_at is None else cinder_time(attached_at),
        "detached_at": "",
        "attach_mode": attachment.mode,
        "connection_info": dict(connection),
    }


def show_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    return {
        **show_snapshot_without_project(snapshot),
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
        "os-extended-snapshot-attributes:progress": snapshot.progress,
    }


def show_snapshot_without_project(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as everybody sees it."""
    taken = snapshot.group_snapshot_id
    return {
        **show_plain_snapshot(snapshot),
        "group_snapshot_id": None if taken is None else str(taken),
        "user_id": snapshot.user_id or None,
        "consumes_quota": True,
    }


def show_plain_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot in a list without details."""
    return {
        "id": str(snapshot.pk),
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": str(snapshot.volume_id),
        "status": snapshot.status,
        "size": snapshot.size,
        "metadata": snapshot.metadata,
        "created_at": cinder_time(snapshot.created_at),
        "updated_at": cinder_time(snapshot.updated_at),
    }


def show_readonly(volume: Volume) -> dict[str, str]:
    """Cinder shows the mark among the metadata."""
    return {} if volume.readonly is None else {"readonly": str(volume.readonly)}


USER_VISIBLE = ("RESKEY:availability_zones", "multiattach", "replication_enabled")
"""Extra specs that everyone sees who sees the type, as in Cinder."""


def visible_specs(kind: VolumeType, *, whole: bool) -> dict[str, str]:
    """``whole``: with what only some may see."""
    found = kind.extra_specs.items()
    return {key: text for key, text in found if whole or key in USER_VISIBLE}


def show_type(kind: VolumeType, *, whole: bool) -> dict[str, Any]:
    """``whole``: with what only some may see."""
    shown = {
        "id": str(kind.pk),
        "name": kind.name,
        "description": kind.description,
        "is_public": kind.is_public,
        "os-volume-type-access:is_public": kind.is_public,
        "extra_specs": visible_specs(kind, whole=whole),
    }
    if not whole:
        return shown
    return shown | {"qos_specs_id": None if kind.qos_specs_id is None else str(kind.qos_specs_id)}
