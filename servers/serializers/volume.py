"""``/os-volumes`` and ``/os-snapshots``: bodies and answers."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    INTEGER,
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Frame,
    Shown,
)
from compute_site.api.microversions.containers import MapOf
from compute_site.api.microversions.fields import Boolish, Size
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.times import exact_time
from compute_site.api.microversions.version import Microversion
from compute_site.neighbours.volume.clients import ListedVolume, WantedSnapshot, WantedVolume


class VolumeKeys(VersionedSerializer):
    size = Size(required=True)
    display_name = Text(0, 255)
    display_description = Text(0, 255)
    snapshot_id = Text()
    volume_type = Text()
    availability_zone = Text(0, 255)
    metadata = MapOf(
        Text(0, 255), keys=r".{1,255}", means="is not 1 to 255 characters", longest=128
    )

    def build(self, values: dict[str, Any], version: Microversion) -> WantedVolume:
        return WantedVolume(**_named(values))


class VolumeCreate(VersionedSerializer):
    """A volume; the result is a ``WantedVolume``."""

    volume = VolumeKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> WantedVolume:
        wanted: WantedVolume = values["volume"]
        return wanted


class SnapshotKeys(VersionedSerializer):
    volume_id = Text(required=True)
    force = Boolish()
    display_name = Text(0, 255)
    display_description = Text(0, 255)

    def build(self, values: dict[str, Any], version: Microversion) -> WantedSnapshot:
        return WantedSnapshot(**_named(values))


class SnapshotCreate(VersionedSerializer):
    """A snapshot; the result is a ``WantedSnapshot``."""

    snapshot = SnapshotKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> WantedSnapshot:
        wanted: WantedSnapshot = values["snapshot"]
        return wanted


def _named(values: dict[str, Any]) -> dict[str, Any]:
    return {key.removeprefix("display_"): value for key, value in values.items()}


def _attachments(volume: ListedVolume, _frame: Frame) -> list[dict[str, str]]:
    """Nova: the first server alone, and one empty object where there is none."""
    if not volume.attached:
        return [{}]
    server_id, device = volume.attached[0]
    shown = {"id": volume.id, "volumeId": volume.id, "serverId": server_id}
    return [shown | {"device": device} if device else shown]


class VolumeAnswer(AnswerSerializer):
    """A volume."""

    id = Shown(UUID)
    status = Shown(TEXT)
    size = Shown(INTEGER)
    availability_zone = Shown(TEXT, key="availabilityZone")
    created_at = Shown(TEXT, lambda row, _: exact_time(row.created_at), key="createdAt")
    attachments = Shown({"type": "array", "items": {"type": "object"}}, _attachments)
    name = Shown(TEXT, key="displayName")
    description = Shown(TEXT, key="displayDescription")
    volume_type = Shown(TEXT_OR_NULL, key="volumeType")
    snapshot_id = Shown(TEXT_OR_NULL, key="snapshotId")
    metadata = Shown({"type": "object"}, lambda row, _: dict(row.metadata))


class SnapshotAnswer(AnswerSerializer):
    """A snapshot of a volume."""

    id = Shown(UUID)
    volume_id = Shown(UUID, key="volumeId")
    status = Shown(TEXT)
    size = Shown(INTEGER)
    created_at = Shown(TEXT, lambda row, _: exact_time(row.created_at), key="createdAt")
    name = Shown(TEXT, key="displayName")
    description = Shown(TEXT, key="displayDescription")
