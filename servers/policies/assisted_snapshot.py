"""Rules of ``/os-assisted-volume-snapshots``."""

from __future__ import annotations

from compute_site.identity.models import Role
from compute_site.policy.rules import rule

CREATE = rule(
    "os_compute_api:os-assisted-volume-snapshots:create",
    Role.ADMIN,
    "Let a host help with the snapshot of a volume.",
    ("POST /os-assisted-volume-snapshots",),
    of_services=True,
)
DELETE = rule(
    "os_compute_api:os-assisted-volume-snapshots:delete",
    Role.ADMIN,
    "Let a host help when the snapshot of a volume is deleted.",
    ("DELETE /os-assisted-volume-snapshots/{snapshot_id}",),
    of_services=True,
)
