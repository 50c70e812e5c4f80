"""``/os-assisted-volume-snapshots``: the body and the query string."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import TEXT, TEXT_OR_NULL, AnswerSerializer, Shown
from compute_site.api.microversions.fields import Choice, Refused
from compute_site.api.microversions.serializers import QuerySerializer, VersionedSerializer
from compute_site.api.microversions.texts import Text
from compute_site.api.microversions.version import Microversion
from compute_site.faults import Fault
from compute_site.values.strict_json import read_json
from servers.attachments.assisted_snapshots import AssistedSnapshot


class CreateInfo(VersionedSerializer):
    snapshot_id = Text(1, required=True)
    type = Choice("qcow2", required=True)
    new_file = Text(1, required=True)
    id = Text(1)

    def build(self, values: dict[str, Any], version: Microversion) -> str | None:
        return values.get("id")


class AssistedKeys(VersionedSerializer):
    volume_id = Text(1, required=True)
    create_info = CreateInfo(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> AssistedSnapshot:
        return AssistedSnapshot(volume_id=values["volume_id"], record_id=values["create_info"])


class AssistedSnapshotCreate(VersionedSerializer):
    """A snapshot that a host shall help with; the result is an ``AssistedSnapshot``."""

    snapshot = AssistedKeys(required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> AssistedSnapshot:
        asked: AssistedSnapshot = values["snapshot"]
        return asked


class DeleteInfo(Text):
    """JSON that names the volume; the result is the id of that."""

    def accept(self, value: str) -> str:
        try:
            told = read_json(value.encode())
        except Fault as fault:
            raise Refused(f"is no JSON: {fault.detail}", code="json") from None
        volume_id = told.get("volume_id") if isinstance(told, dict) else None
        if not isinstance(volume_id, str):
            raise Refused("names no volume_id", code="required")
        return volume_id


class AssistedSnapshotQuery(QuerySerializer):
    """What a snapshot is deleted by; the result is the id of the volume."""

    unknown = {"2.1": "drop", "2.75": "refuse"}
    delete_info = DeleteInfo(repeat="last", required=True, stored=False)

    def build(self, values: dict[str, Any], version: Microversion) -> str:
        volume_id: str = values["delete_info"]
        return volume_id


class AssistedSnapshotAnswer(AnswerSerializer):
    """A snapshot that a host helps with."""

    id = Shown(TEXT_OR_NULL, "record_id")
    volume_id = Shown(TEXT, key="volumeId")
