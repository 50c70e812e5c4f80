"""Rules of ``/os-volumes`` and ``/os-snapshots``, which end with 2.35."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

LIST = rule(
    "os_compute_api:os-volumes:list",
    Role.READER,
    "List the volumes of the project by compute.",
    ("GET /os-volumes",),
)
DETAIL = rule(
    "os_compute_api:os-volumes:detail",
    Role.READER,
    "List the volumes of the project by compute, in detail.",
    ("GET /os-volumes/detail",),
)
SHOW = rule(
    "os_compute_api:os-volumes:show",
    Role.READER,
    "Show a volume by compute.",
    ("GET /os-volumes/{volume_id}",),
)
CREATE = rule(
    "os_compute_api:os-volumes:create",
    Role.MEMBER,
    "Make a volume by compute.",
    ("POST /os-volumes",),
)
DELETE = rule(
    "os_compute_api:os-volumes:delete",
    Role.MEMBER,
    "Delete a volume by compute.",
    ("DELETE /os-volumes/{volume_id}",),
)
LIST_SNAPSHOTS = rule(
    "os_compute_api:os-volumes:snapshots:list",
    Role.READER,
    "List the snapshots of the project by compute.",
    ("GET /os-snapshots",),
)
DETAIL_SNAPSHOTS = rule(
    "os_compute_api:os-volumes:snapshots:detail",
    Role.READER,
    "List the snapshots of the project by compute, in detail.",
    ("GET /os-snapshots/detail",),
)
SHOW_SNAPSHOT = rule(
    "os_compute_api:os-volumes:snapshots:show",
    Role.READER,
    "Show a snapshot by compute.",
    ("GET /os-snapshots/{snapshot_id}",),
)
CREATE_SNAPSHOT = rule(
    "os_compute_api:os-volumes:snapshots:create",
    Role.MEMBER,
    "Make a snapshot by compute.",
    ("POST /os-snapshots",),
)
DELETE_SNAPSHOT = rule(
    "os_compute_api:os-volumes:snapshots:delete",
    Role.MEMBER,
    "Delete a snapshot by compute.",
    ("DELETE /os-snapshots/{snapshot_id}",),
)
