"""Rules of ``/servers/{id}/os-volume_attachments``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import Rule, declare

INDEX = "os_compute_api:os-volumes-attachments:index"
SHOW = "os_compute_api:os-volumes-attachments:show"
CREATE = "os_compute_api:os-volumes-attachments:create"
UPDATE = "os_compute_api:os-volumes-attachments:update"
SWAP = "os_compute_api:os-volumes-attachments:swap"
DELETE = "os_compute_api:os-volumes-attachments:delete"

declare(
    Rule(
        INDEX,
        Role.READER,
        "List the volumes of a server.",
        ("GET /servers/{server_id}/os-volume_attachments",),
        on_instance=True,
    ),
    Rule(
        SHOW,
        Role.READER,
        "Show a volume of a server.",
        ("GET /servers/{server_id}/os-volume_attachments/{volume_id}",),
        on_instance=True,
    ),
    Rule(
        CREATE,
        Role.MEMBER,
        "Attach a volume to a server.",
        ("POST /servers/{server_id}/os-volume_attachments",),
        on_instance=True,
    ),
    Rule(
        UPDATE,
        Role.MEMBER,
        "Change how a volume is attached to a server.",
        ("PUT /servers/{server_id}/os-volume_attachments/{volume_id}",),
        on_instance=True,
    ),
    Rule(
        SWAP,
        Role.ADMIN,
        "Swap a volume of a server for another, as a volume service asks for.",
        ("PUT /servers/{server_id}/os-volume_attachments/{volume_id}",),
    ),
    Rule(
        DELETE,
        Role.MEMBER,
        "Detach a volume from a server.",
        ("DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",),
        on_instance=True,
    ),
)
