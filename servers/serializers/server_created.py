"""The answer to ``POST /servers``, the same at every microversion (docs/contract/create-response.md
1).
"""

from __future__ import annotations

from compute_site.api.microversions.answers import LINKS, TEXT, UUID, AnswerSerializer, Shown
from compute_site.api.microversions.fields import ABSENT, Schema
from servers.create.groups import DEFAULT_GROUP

GROUPS: Schema = {
    "type": "array",
    "items": {"type": "object", "properties": {"name": TEXT}},
}


class ServerCreated(AnswerSerializer):
    """The first server. The security groups are those of the request as they were sent."""

    id = Shown(UUID, "uuid")
    links = Shown(LINKS, lambda created, frame: frame.links.both("servers", created.uuid))
    disk_config = Shown(
        {"enum": ["AUTO", "MANUAL"]},
        lambda created, _: "AUTO" if created.auto_disk_config else "MANUAL",
        key="OS-DCF:diskConfig",
    )
    security_groups = Shown(GROUPS, lambda _, frame: frame.extra["security_groups"])
    admin_password = Shown(
        TEXT,
        lambda created, frame: created.admin_password if frame.extra["show_password"] else ABSENT,
        key="adminPass",
        optional=True,
    )


def echo_groups(sent: tuple[object, ...] | None) -> list[object]:
    """What the answer says of security groups: the request's list, or ``default`` without one."""
    return [{"name": DEFAULT_GROUP}] if sent is None else list(sent)
