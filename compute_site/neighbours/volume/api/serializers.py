"""The bodies of requests to the volume API, but for those of actions."""

from __future__ import annotations

from typing import ClassVar

from compute_site.neighbours.serializers import BodySerializer
from compute_site.neighbours.volume.api import shapes
from compute_site.neighbours.volume.api.version import starting


class VolumeCreate(BodySerializer):
    shape = shapes.NEW_VOLUME
    since: ClassVar = starting(v3_13=["group_id"], v3_47=["backup_id"])


class VolumeManage(BodySerializer):
    """What is said of a volume that is taken over from the store."""

    shape = shapes.MANAGED_VOLUME
    since: ClassVar = starting(v3_16=["cluster"])


class VolumeUpdate(BodySerializer):
    shape = shapes.CHANGED


class SnapshotCreate(BodySerializer):
    shape = shapes.NEW_SNAPSHOT


class SnapshotUpdate(BodySerializer):
    shape = shapes.CHANGED_SNAPSHOT


class TypeCreate(BodySerializer):
    shape = shapes.NEW_TYPE


class TypeUpdate(BodySerializer):
    shape = shapes.CHANGED_TYPE


class TypeAccess(BodySerializer):
    """The project that may use a type from now on, or may not any more."""

    shape = shapes.ACCESS


class AttachmentCreate(BodySerializer):
    shape = shapes.NEW_ATTACHMENT
    since: ClassVar = starting(v3_54=["mode"])


class AttachmentUpdate(BodySerializer):
    shape = shapes.CHANGED_ATTACHMENT


class TransferCreate(BodySerializer):
    shape = shapes.NEW_TRANSFER
    since: ClassVar = starting(v3_55=["no_snapshots"])


class TransferAccept(BodySerializer):
    shape = shapes.ACCEPTED_TRANSFER


class DefaultTypeSet(BodySerializer):
    shape = shapes.DEFAULT_TYPE
