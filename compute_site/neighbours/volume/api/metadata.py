"""The metadata of volumes and snapshots at URLs of their own."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, ClassVar

from rest_framework.request import Request
from rest_framework.response import Response

from compute_site.api.microversions.version import Microversion
from compute_site.faults import BadRequest, Fault, NotFound
from compute_site.neighbours.serializers import ItemsSerializer
from compute_site.neighbours.volume import policies
from compute_site.neighbours.volume.api.shapes import strict_texts
from compute_site.neighbours.volume.api.views import VolumeView, find_volume
from compute_site.neighbours.volume.local.metadata import change_metadata
from compute_site.neighbours.volume.models import Snapshot, Volume

ETAGS = Microversion.parse("3.15")


class ChangedMeanwhile(Fault):
    """Somebody else has changed it."""

    status = 412
    code = "changed_meanwhile"


def tag_of(metadata: Mapping[str, str]) -> str:
    """Names a state of metadata."""
    text = json.dumps(metadata, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class MetadataItems(ItemsSerializer):
    def read_items(self, data: Any) -> dict[str, str]:
        return strict_texts(data)


class MetadataView(VolumeView):
    """``rules`` are those to read, to set, and to delete items."""

    rules: ClassVar[tuple[str, str, str]]
    tags: ClassVar[bool] = False
    """Is there an ``Etag``, so that changes can be refused of what somebody else has changed?"""

    def check_tag(self, kept: Mapping[str, str]) -> None:
        """Raises: ChangedMeanwhile: ``If-Match`` names another state."""
        asked = self.request.headers.get("If-Match", "")
        if not asked or not self.tags or self.version < ETAGS:
            return
        tags = {part.strip().removeprefix("W/").strip('"') for part in asked.split(",")}
        if not tags & {"*", tag_of(kept)}:
            raise ChangedMeanwhile("The metadata are not those of If-Match any more.")

    def find_row(self, **ids: str) -> Volume | Snapshot:
        """What has the metadata, which the caller may see."""
        raise NotImplementedError

    def read_items(self, noun: str) -> dict[str, str]:
        """The names with texts under the key ``noun`` of the body."""
        return dict(self.read(noun, MetadataItems, where=f"{noun}: ").values)


class OfVolume(MetadataView):
    tags = True
    rules = (policies.SHOW_METADATA, policies.UPDATE_METADATA, policies.DELETE_METADATA)

    def find_row(self, **ids: str) -> Volume:
        return find_volume(self, ids["volume_id"])


class OfSnapshot(MetadataView):
    rules = (
        policies.SHOW_SNAPSHOT_METADATA,
        policies.UPDATE_SNAPSHOT_METADATA,
        policies.DELETE_SNAPSHOT_METADATA,
    )

    def find_row(self, **ids: str) -> Snapshot:
        self.caller.permit(policies.SHOW_SNAPSHOT)
        return self.find(Snapshot.objects.visible_to(self.caller), ids["snapshot_id"], "snapshot")


class Metadata(MetadataView):
    """``…/metadata``: ``GET``; ``POST`` adds and changes items, ``PUT`` replaces all."""

    def get(self, request: Request, **ids: str) -> Response:
        self.caller.permit(self.rules[0])
        metadata = self.find_row(**ids).metadata
        tagged = self.tags and self.version >= ETAGS
        headers = {"Etag": tag_of(metadata)} if tagged else None
        return Response({"metadata": metadata}, headers=headers)

    def post(self, request: Request, **ids: str) -> Response:
        return self.set_items(self.find_row(**ids), replaces=False)

    def put(self, request: Request, **ids: str) -> Response:
        return self.set_items(self.find_row(**ids), replaces=True)

    def set_items(self, row: Volume | Snapshot, *, replaces: bool) -> Response:
        given = self.read_items("metadata")

        def change(kept: Mapping[str, str]) -> dict[str, str]:
            if replaces:
                self.check_tag(kept)
            return given if replaces else {**kept, **given}

        return Response({"metadata": change_metadata(self.caller, self.rules[1], row, change)})


class MetadataItem(MetadataView):
    """``…/metadata/{key}``: ``GET``, ``PUT`` and ``DELETE`` of one item."""

    def get(self, request: Request, key: str, **ids: str) -> Response:
        self.caller.permit(self.rules[0])
        row = self.find_row(**ids)
        self.check_there(row.metadata, key)
        return Response({"meta": {key: row.metadata[key]}})

    def put(self, request: Request, key: str, **ids: str) -> Response:
        row = self.find_row(**ids)
        given = self.read_items("meta")
        if set(given) != {key}:
            raise BadRequest("The item in the body is not that of the URL.", field="meta")

        def change(kept: Mapping[str, str]) -> dict[str, str]:
            self.check_tag(kept)
            return {**kept, **given}

        change_metadata(self.caller, self.rules[1], row, change)
        return Response({"meta": given})

    def delete(self, request: Request, key: str, **ids: str) -> Response:
        row = self.find_row(**ids)

        def change(kept: Mapping[str, str]) -> dict[str, str]:
            self.check_there(kept, key)
            return {name: text for name, text in kept.items() if name != key}

        change_metadata(self.caller, self.rules[2], row, change)
        return Response(status=200)

    def check_there(self, kept: Mapping[str, Any], key: str) -> None:
        if key not in kept:
            raise NotFound(f"There is no item {key[:255]} of metadata.")


class VolumeMetadata(Metadata, OfVolume):
    """``/volume/v3/volumes/{volume_id}/metadata``"""


class VolumeMetadataItem(MetadataItem, OfVolume):
    """``/volume/v3/volumes/{volume_id}/metadata/{key}``"""


class SnapshotMetadata(Metadata, OfSnapshot):
    """``/volume/v3/snapshots/{snapshot_id}/metadata``"""


class SnapshotMetadataItem(MetadataItem, OfSnapshot):
    """``/volume/v3/snapshots/{snapshot_id}/metadata/{key}``"""
