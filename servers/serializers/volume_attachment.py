"""The volumes of a server in answers."""

from __future__ import annotations

from compute_site.microversions.answers import (
    BOOLEAN,
    TEXT,
    TEXT_OR_NULL,
    UUID,
    AnswerSerializer,
    Shown,
)
from compute_site.microversions.fields import ABSENT
from compute_site.microversions.history import History


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
