"""Rules of ``/servers/{id}/os-volume_attachments``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

INDEX = rule(
    "os_compute_api:os-volumes-attachments:index",
    Role.READER,
    "List the volumes of a server.",
    ("GET /servers/{server_id}/os-volume_attachments",),
    on_instance=True,
)
SHOW = rule(
    "os_compute_api:os-volumes-attachments:show",
    Role.READER,
    "Show a volume of a server.",
    ("GET /servers/{server_id}/os-volume_attachments/{volume_id}",),
    on_instance=True,
)
CREATE = rule(
    "os_compute_api:os-volumes-attachments:create",
    Role.MEMBER,
    "Attach a volume to a server.",
    ("POST /servers/{server_id}/os-volume_attachments",),
    on_instance=True,
)
UPDATE = rule(
    "os_compute_api:os-volumes-attachments:update",
    Role.MEMBER,
    "Change how a volume is attached to a server.",
    ("PUT /servers/{server_id}/os-volume_attachments/{volume_id}",),
    on_instance=True,
)
SWAP = rule(
    "os_compute_api:os-volumes-attachments:swap",
    Role.ADMIN,
    "Swap a volume of a server for another, as a volume service asks for.",
    ("PUT /servers/{server_id}/os-volume_attachments/{volume_id}",),
    of_services=True,
)
DELETE = rule(
    "os_compute_api:os-volumes-attachments:delete",
    Role.MEMBER,
    "Detach a volume from a server.",
    ("DELETE /servers/{server_id}/os-volume_attachments/{volume_id}",),
    on_instance=True,
)
