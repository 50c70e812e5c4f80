"""The volumes of a server: in answers, and as they are asked for."""

from __future__ import annotations

from typing import Any

from compute_site.api.microversions.answers import (
    BOOLEAN,
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Shown,
)
from compute_site.api.microversions.fields import ABSENT, Boolish
from compute_site.api.microversions.history import History
from compute_site.api.microversions.serializers import VersionedSerializer
from compute_site.api.microversions.texts import Tag, Text, Uuid
from compute_site.api.microversions.version import Microversion
from servers.attachments.volume_changes import VolumeRequest
from servers.attachments.volume_swap import AttachmentUpdate

SHELVED_KNOWN = Microversion.parse("2.20")
MULTIATTACH_KNOWN = Microversion.parse("2.60")
DEVICE_UNTOLD = Microversion.parse("2.101")
CLAIMS_SHOWN = Microversion.parse("2.89")
MORE_THAN_SWAP = Microversion.parse("2.85")


class VolumeAttachmentAnswer(AnswerSerializer):
    """A volume of a server. The frame's extra holds the server's id."""

    id = History({"2.1": Shown(UUID, "volume_id"), "2.89": None})
    volume_id = Shown(UUID, key="volumeId")
    server_id = Shown(UUID, lambda _, frame: frame.extra["server_id"], key="serverId")
    device = Shown(TEXT, lambda disk, _: disk.device_name or ABSENT, optional=True)
    tag = History({"2.70": Shown(TEXT_OR_NULL)})
    delete_on_termination = History({"2.79": Shown(BOOLEAN)})
    attachment_id = History({"2.89": Shown(UUID)})
    bdm_uuid = History({"2.89": Shown(UUID, "uuid")})


class VolumeAttached(AnswerSerializer):
    """A volume that a server gets; its host may not have done its part yet."""

    id = Shown(UUID, "volume_id")
    volume_id = Shown(UUID, key="volumeId")
    server_id = Shown(UUID, lambda _, frame: frame.extra["server_id"], key="serverId")
    device = Shown(TEXT_OR_NULL, "device_name")
    tag = History({"2.70": Shown(TEXT_OR_NULL)})
    delete_on_termination = History({"2.79": Shown(BOOLEAN)})


class DeviceName(Text):
    """``/dev/vdb`` and the like."""

    def __init__(self, **options: Any) -> None:
        pattern = r"/dev/x?[a-z]?d?[a-z]+[0-9]*"
        super().__init__(pattern=pattern, means="is no name such as /dev/vdb", **options)


class NewVolumeAttachment(VersionedSerializer):
    volume_id = Uuid(key="volumeId", required=True)
    device = DeviceName(null=True)
    tag = History({"2.49": Tag()})
    delete_on_termination = History({"2.79": Boolish()})


class VolumeAttachmentCreate(VersionedSerializer):
    """The body; the result is a ``VolumeRequest``."""

    attachment = NewVolumeAttachment(key="volumeAttachment", required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> VolumeRequest:
        return VolumeRequest(
            **values["attachment"],
            shelved=knows_shelved(version),
            multiattach=version >= MULTIATTACH_KNOWN,
            told=version < DEVICE_UNTOLD,
        )


class ChangedVolumeAttachment(VersionedSerializer):
    volume_id = Uuid(key="volumeId", required=True)
    id = History({"2.85": Uuid()})
    server_id = History({"2.85": Uuid(key="serverId")})
    device = History({"2.85": DeviceName(null=True)})
    tag = History({"2.85": Tag()})
    delete_on_termination = History({"2.85": Boolish()})


class VolumeAttachmentUpdate(VersionedSerializer):
    """The body; the result is an ``AttachmentUpdate``."""

    attachment = ChangedVolumeAttachment(key="volumeAttachment", required=True)

    def build(self, values: dict[str, Any], version: Microversion) -> AttachmentUpdate:
        attachment = values["attachment"]
        if "server_id" in attachment:
            attachment["serverId"] = attachment.pop("server_id")
        return AttachmentUpdate(
            volume_id=attachment.pop("volume_id"),
            values=attachment,
            old_form=version < MORE_THAN_SWAP,
        )


def knows_shelved(version: Microversion) -> bool:
    """May what is attached to a shelved server be changed?"""
    return version >= SHELVED_KNOWN


def shows_claims(version: Microversion) -> bool:
    """Do answers name attachments, so that volumes without one are left out?"""
    return version >= CLAIMS_SHOWN
